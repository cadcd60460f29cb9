// Data on the SYN (RFC 7413).
//
// The client's text waits in the send queue; what of it went with the SYN is outside of SND.NXT
// until the SYN,ACK acknowledges it, and is sent as new text when it does not.
//
// A server that accepts a cookie is ESTABLISHED at once: it delivers the text and may answer
// (4.2.2). That its SYN,ACK is not acknowledged yet (syn_ack_unacked_) stands beside the state,
// with the send timer to itself.
#include <algorithm>
#include <memory>
#include <utility>

#include "netstack/transport/tcp/connection.h"
#include "netstack/transport/tcp/listener.h"

namespace moat::netstack::tcp {

// --- Client --------------------------------------------------------------------------------------

// What the SYN will ask for or carry.
void Connection::PrepareFastOpen() {
  const int64_t mode = core_.sysctls.fast_open->value();
  const TcpOptions& options = settings_->tcp;
  if ((mode & fast_open_bit::kClient) == 0 || !options.fast_open_connect) return;
  const Duration pause = core_.sysctls.Seconds(core_.sysctls.fast_open_pause);
  if (core_.fast_open_pause.Holds(core_.Now(), pause)) return;
  if (core_.fast_open_refusals.Holds(FastOpenPath(), core_.Now())) return;
  fast_open_ = std::make_unique<FastOpen>();
  const FastOpenCache::Entry* known = core_.fast_open_cache.Find(key.local, key.remote);
  const bool without = (mode & fast_open_bit::kClientNoCookie) != 0 || options.fast_open_no_cookie;
  fast_open_->with_option = !without;
  fast_open_->deferred = without || known != nullptr;
  if (known == nullptr && !without) fast_open_failure_ = FastOpenFailure::kNoCookie;
  if (known == nullptr) return;
  fast_open_->cookie = known->cookie;
  tcb_.peer_mss = known->mss;
  UpdateMss();
}

void Connection::SendFirstSyn() {
  if (fast_open_ != nullptr) fast_open_->deferred = false;
  (void)SendSyn();  // a failure is a loss: the timer sends it again
  send_timer_kind_ = SendTimer::kSyn;
  send_timer_.Arm(core_.Now() + rtt_.Rto());
}

// The text of the first SYN; one that is sent again has none, in case that is what gets lost.
uint32_t Connection::SynText() const {
  if (fast_open_ == nullptr || retransmits_ > 0) return 0;
  const uint32_t options = tcb_.ts.enabled ? static_cast<uint32_t>(kTcpTimestampsSize) : 0;
  const uint32_t room = tcb_.snd.mss + options;
  const auto most = room - std::min(room, static_cast<uint32_t>(kTcpMaxOptionsSize));
  return static_cast<uint32_t>(std::min<size_t>(send_queue_.size(), most));
}

// What the SYN,ACK says about it (4.2.1, step 3).
void Connection::TakeFastOpenAnswer(const Segment& segment) {
  const TcpOptionSet& options = segment.options;
  bool fresh = false;
  if (fast_open_->with_option && options.has_fast_open && options.fast_open_size != 0) {
    const bool full = core_.fast_open_cache.Learn(key.local, key.remote,
                                                  FastOpenCookie::Of(options), tcb_.peer_mss);
    if (full) ++core_.counters.full_fast_open_peers;
    fresh = FastOpenCookie::Of(options) != fast_open_->cookie;
  }
  const uint32_t acked = segment.ack - tcb_.snd.nxt;
  if (acked > 0) {
    send_queue_.Drop(acked);
    tcb_.snd.nxt = segment.ack;
    stats_.bytes_acked += acked;
    syn_data_acked_ = true;
    ++core_.counters.fast_open_active;
    core_.fast_open_pause.Forget();
    core_.fast_open_refusals.Forget(FastOpenPath());
  } else if (fast_open_->syn_text > 0) {
    ++core_.counters.fast_open_active_fail;
    fast_open_failure_ = retransmits_ == 0 ? FastOpenFailure::kNotAcknowledged
                                           : FastOpenFailure::kRetransmitted;
    // Unless the cookie was only too old, or the path is known already.
    if (!fresh && retransmits_ == 0) RefuseFastOpen();
  }
  fast_open_.reset();
}

FastOpenRefusals::Path Connection::FastOpenPath() const {
  return {key.local, key.remote, key.remote_port};
}

// 4.1.3.1: this server is not to be tried so again for a while.
void Connection::RefuseFastOpen() {
  if (core_.fast_open_refusals.Note(FastOpenPath(), core_.Now())) {
    ++core_.counters.full_fast_open_paths;
  }
}

// A SYN that is sent again. As Linux, the third without an answer stops it everywhere.
void Connection::SuspectFastOpen() {
  if (fast_open_ == nullptr || passive_) return;
  if (retransmits_ == 1) RefuseFastOpen();
  if (retransmits_ != 2) return;
  if (core_.sysctls.fast_open_pause->value() == 0) return;
  core_.fast_open_pause.Begin(core_.Now());
  ++core_.counters.fast_open_black_hole;
}

// --- Server --------------------------------------------------------------------------------------

// What to do about a SYN with text or the option: null for nothing; with a queue: accept its text.
std::unique_ptr<FastOpen> Listener::JudgeFastOpen(const Segment& syn) {
  const TcpOptionSet& options = syn.options;
  if (!options.has_fast_open && syn.text.empty()) return nullptr;
  Counters& counters = core_.counters;
  if (options.has_fast_open && options.fast_open_size == 0) ++counters.fast_open_cookie_requests;
  const int64_t mode = core_.sysctls.fast_open->value();
  size_t limit = settings_->tcp.fast_open_queue;
  if ((mode & fast_open_bit::kEveryListener) != 0) limit = std::max<size_t>(limit, backlog_);
  if ((mode & fast_open_bit::kServer) == 0 || limit == 0) return nullptr;
  if (fast_open_queue_ == nullptr) fast_open_queue_ = std::make_shared<FastOpenQueue>();
  if (!fast_open_queue_->HasRoom(limit, core_.Now())) {
    ++counters.fast_open_overflow;
    return nullptr;
  }
  const bool without =
      (mode & fast_open_bit::kServerNoCookie) != 0 || settings_->tcp.fast_open_no_cookie;
  const FlowKey key = Core::KeyOf(syn);
  const FastOpenSecret& secret = settings_->tcp.fast_open_secret;
  const FastOpenKeys keys = secret.size != 0 ? FastOpenKeys(secret) : core_.fast_open_keys();
  const FastOpenCookie valid = keys.CookieFor(key.remote, key.local);
  const FastOpenCookie given = FastOpenCookie::Of(options);
  const bool old = given.size != 0 && keys.IsOld(given, key.remote, key.local);
  if (without || (given.size != 0 && given == valid) || old) {
    ++counters.fast_open_passive;
    auto accepted = std::make_unique<FastOpen>(fast_open_queue_);
    if (old && !without) {  // it gets one of the present key
      ++counters.fast_open_passive_alt_key;
      accepted->with_option = true;
      accepted->cookie = valid;
    }
    return accepted;
  }
  if (options.fast_open_size != 0) ++counters.fast_open_passive_fail;
  if (!options.has_fast_open) return nullptr;
  auto answer = std::make_unique<FastOpen>();
  answer->with_option = true;
  answer->cookie = valid;
  return answer;
}

// In SYN-RECEIVED, with a cookie that is right.
void Connection::AcceptEarly(const Segment& syn) {
  syn_ack_unacked_ = fast_open_child_ = true;
  tcb_.snd.una = tcb_.snd.nxt;  // behind our SYN
  Established();
  window_.cwnd = InitialWindow();
  Segment segment = syn;
  stats_.segments_in = 1;
  stats_.data_segments_in = segment.text.empty() ? 0 : 1;
  Slice text = std::move(segment.text);
  segment.text = Slice();
  const uint32_t window = ReceiveWindow();
  if (text.size() > window) text.RemoveSuffix(text.size() - window);
  if (!text.empty() && MakeRoom(text.size())) {
    ReceiveInOrder(segment, segment.text_seq(), std::move(text));
    syn_data_acked_ = true;
  }
  tcb_.rcv.acked = tcb_.rcv.nxt;  // by the SYN,ACK, which offers as much again
  tcb_.rcv.adv = tcb_.rcv.nxt + std::min<uint32_t>(receive_buffer_.size(), 65535);
  SettleMemory();
  UpdateReady();
}

// The fifth step while the SYN,ACK is not acknowledged.
bool Connection::AckOfEarlySynAck(const Segment& segment) {
  if (segment.ack < tcb_.snd.una || segment.ack > tcb_.snd.nxt) {
    core_.SendReset(segment);
    return false;
  }
  syn_ack_unacked_ = false;
  fast_open_.reset();
  TakeHandshakeAck(segment);
  if (retransmits_ > 0) {
    rtt_.SynTimedOut();
  } else if (!syn_ack_repeated_) {
    rtt_.Sample(core_.Now() - first_timeout_, core_.Now());
  }
  backoff_ = retransmits_ = 0;
  if (send_timer_kind_ == SendTimer::kSyn) {
    send_timer_kind_ = SendTimer::kNone;
    send_timer_.Cancel();
  }
  if (!flight_.empty()) RestartRetransmissionTimer();
  return true;
}

}  // namespace moat::netstack::tcp
