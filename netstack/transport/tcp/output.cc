// What may be sent now (RFC 9293 3.8.6.1, 3.8.6.2.1; Nagle, RFC 9293 3.7.4), bounded by cwnd and
// SND.WND, in pieces as big as the link takes.
#include <algorithm>

#include "netstack/transport/tcp/connection.h"
#include "netstack/transport/tcp/state.h"

namespace moat::netstack::tcp {
namespace {

constexpr uint32_t kMinMss = 48;                 // Linux's tcp_min_snd_mss
constexpr uint16_t kDefaultMssV4 = 536;          // RFC 9293 3.7.1
constexpr uint16_t kDefaultMssV6 = 1220;

}  // namespace

uint32_t Connection::HeaderSize() const {
  return (key.remote.is_v4() ? 20 : 40) + static_cast<uint32_t>(kTcpHeaderSize);
}

uint16_t Connection::AdvertisedMss() const {
  // RFC 6691: without options, from what we can receive.
  const uint32_t mtu = route_ == nullptr ? 576 : route_->mtu;
  uint32_t mss = std::min<uint32_t>(mtu - std::min(mtu, HeaderSize()), 65535);
  if (settings_->tcp.max_segment > 0)
    mss = std::min(mss, static_cast<uint32_t>(settings_->tcp.max_segment));
  return static_cast<uint16_t>(std::max(mss, kMinMss));
}

// What chooses the IPv6 flow label and one of several paths. As Linux (sk_rethink_txhash()), each
// timeout makes it another one, since the path may be what fails; RFC 6437 3 lets a source choose.
uint64_t Connection::PathHash() const {
  constexpr uint64_t kStep = 0x9e3779b97f4a7c15;  // odd: both halves change
  uint64_t hash = core_.flows.HashOf(key);
  if (repair_ != nullptr) hash += repair_->rehashes * kStep;
  return hash;
}

// A valid route, looked up again when something changed underneath.
bool Connection::EnsureRoute() {
  if (route_ != nullptr && route_->valid()) return true;
  RouteQuery query;
  query.destination = key.remote;
  query.source = key.local;
  query.interface = key.scope != 0 ? key.scope : settings_->socket.bound_device;
  query.on_link_only = key.remote.is_v4() && settings_->socket.dont_route;
  query.flow_hash = static_cast<uint32_t>(PathHash() >> 32);
  Result<RouteRef> route = core_.env.ip->FindRoute(query);
  if (!route.ok()) {
    route_.reset();
    soft_error_ = route.error();
    return false;
  }
  route_ = std::move(*route);
  UpdateMss();
  return true;
}

uint32_t Connection::MssCeiling() const {
  uint32_t mss = tcb_.peer_mss;
  if (mss == 0) mss = key.remote.is_v4() ? kDefaultMssV4 : kDefaultMssV6;
  if (route_ != nullptr) {
    const uint32_t mtu = route_->mtu;
    mss = std::min(mss, mtu - std::min(mtu, HeaderSize()));
  }
  if (settings_->tcp.max_segment > 0)
    mss = std::min(mss, static_cast<uint32_t>(settings_->tcp.max_segment));
  return mss;
}

// Less by the IP and TCP options, which the peer's MSS does not count.
uint32_t Connection::TextOf(uint32_t mss) const {
  if (const Ipv4Options* ip_options = IpOptions()) mss -= std::min<uint32_t>(mss, ip_options->size);
  mss = std::max(mss, static_cast<uint32_t>(core_.sysctls.min_snd_mss->value()));
  return mss - (tcb_.ts.enabled ? static_cast<uint32_t>(kTcpTimestampsSize) : 0);
}

// Eff.snd.MSS (RFC 9293 3.7.1): what the peer takes and the path carries, less our options.
void Connection::UpdateMss() {
  uint32_t mss = MssCeiling();
  if (path_search_) mss = std::min(mss, repair_->path.low);
  const uint32_t before = tcb_.snd.mss;
  tcb_.snd.mss = TextOf(mss);
  window_.mss = tcb_.snd.mss;
  // RFC 1191 6.1: what is in flight in bigger pieces will not arrive; send it again in smaller
  // ones.
  if (tcb_.snd.mss < before && !flight_.empty()) flight_.MarkLongerLost(tcb_.snd.mss);
}

uint32_t Connection::MaxSuperSegment() const {
  const uint32_t mss = tcb_.snd.mss;
  const uint32_t headers = HeaderSize() + static_cast<uint32_t>(kTcpMaxOptionsSize);
  // A link clears CWR in all but the first of the segments that it makes (RFC 3168), which would
  // change ACE.
  if (accecn_ != nullptr && (accecn_->in.ace() & AceOf(false, tcp_flag::kCwr)) != 0) return mss;
  if (IpOptions() != nullptr) return mss;  // links are not asked to repeat options in what they cut
  const uint32_t limit = std::min<uint32_t>(route_->max_gso_bytes, 65535);
  if (limit <= headers + mss) return mss;
  return (limit - headers) / mss * mss;
}

uint32_t Connection::SentOctets() const {
  if (!IsSynchronized(state_)) return 0;
  const uint32_t outstanding = tcb_.snd.nxt - tcb_.snd.una;
  return outstanding -
         (fin_sent_ && outstanding > 0 ? 1 : 0);  // the FIN is the last to be acknowledged
}

// Nagle as Minshall refined it: a segment that is not full waits while another such one is in
// flight.
bool Connection::NagleAllows(uint32_t unsent) const {
  if (write_shut_) return true;  // there will be no more to wait for
  if (settings_->tcp.cork || !push_now_) return false;
  if (settings_->tcp.no_delay) return true;
  return tcb_.snd.small <= tcb_.snd.una || flight_.empty();
}

// Wait for the next ACK rather than send a small piece of much, when one is sure to come soon.
bool Connection::DeferForBiggerSegment(uint32_t length, uint32_t unsent) const {
  if (recovery_ != Recovery::kOpen || paced_)
    return false;  // a pacer's pieces are as big as it wants
  const uint32_t big = std::min({MaxSuperSegment(), window_.cwnd / 3, tcb_.snd.max_wnd / 3});
  return length < unsent && length < big && flight_.total() >= 4 * tcb_.snd.mss;
}

// What cwnd leaves beside the pipe; always a segment when nothing is in flight, even if the MSS has
// grown beyond cwnd.
uint32_t Connection::CwndRoom() const {
  const uint32_t pipe = Pipe();
  if (pipe == 0) return std::max(window_.cwnd, tcb_.snd.mss);
  return window_.cwnd > pipe ? window_.cwnd - pipe : 0;
}

// Octets of new text that may go in the next (super-)segment; 0: none now.
uint32_t Connection::SendableNow(uint32_t unsent, bool force) {
  const uint32_t mss = tcb_.snd.mss;
  const SeqNum edge = tcb_.snd.una + tcb_.snd.wnd;
  const uint32_t usable = edge > tcb_.snd.nxt ? edge - tcb_.snd.nxt : 0;
  uint32_t length = std::min({unsent, usable, MaxSuperSegment()});
  if (paced_) length = std::min(length, Pacer::Quantum(PacingRate(), mss));
  const uint32_t room = CwndRoom();
  if (length > room) length = room / mss * mss;
  if (length == 0) return 0;
  if (force) return length;
  if (length < unsent) {
    // Only full segments in the middle; less than one only if the window never was much bigger.
    if (length < mss) return length >= tcb_.snd.max_wnd / 2 && room >= length ? length : 0;
    length -= length % mss;
    return DeferForBiggerSegment(length, unsent) ? 0 : length;
  }
  const uint32_t partial = length % mss;
  if (partial == 0 || NagleAllows(unsent)) return length;
  return length - partial;
}

// What holds `unsent` octets back: cwnd, and neither the user nor the peer's window (RFC 7661); or
// that window, which takes no further full segment.
void Connection::NoteLimits(uint32_t unsent) {
  const uint32_t room = CwndRoom();
  const SeqNum edge = tcb_.snd.una + tcb_.snd.wnd;
  const uint32_t usable = edge > tcb_.snd.nxt ? edge - tcb_.snd.nxt : 0;
  cwnd_limited_ = unsent > room && usable > room;
  const uint32_t next = std::min(unsent, tcb_.snd.mss);
  window_limited_ = usable < next && room >= next;
}

bool Connection::SendNew(bool force) {
  bool any = false;
  cwnd_limited_ = false;
  while (true) {
    const auto unsent = static_cast<uint32_t>(UnsentBytes());
    const bool fin = write_shut_ && !fin_sent_;
    if (unsent == 0 && !fin) return any;
    if (path_search_ && ProbePath(unsent)) [[unlikely]] {
      any = true;
      continue;
    }
    uint32_t length = unsent == 0 ? 0 : SendableNow(unsent, force && !any);
    // CWR says it once (RFC 3168 6.1.2): on one segment, which no link may copy it from.
    const bool with_cwr = send_cwr_ && length > 0;
    if (with_cwr) length = std::min(length, tcb_.snd.mss);
    const SeqNum edge = tcb_.snd.una + std::max(tcb_.snd.wnd, 1u);
    const bool with_fin = fin && length == unsent && tcb_.snd.nxt + length < edge;
    if (length == 0 && !(with_fin && unsent == 0)) {
      NoteLimits(unsent);
      return any;
    }
    if (PacerHolds()) return any;
    if (flight_.empty()) OnSendAfterIdle();
    uint8_t flags = length == unsent ? tcp_flag::kPsh : 0;
    if (length == 0) flags = 0;
    if (with_fin) flags |= tcp_flag::kFin;
    if (with_cwr) flags |= tcp_flag::kCwr;
    const uint32_t wanted = length;
    const SeqNum seq = tcb_.snd.nxt;
    const Error error = SendSegment(seq, &length, flags);
    if (error != Error::kOk) {
      OnSendError(error);
      return any;
    }
    if (with_cwr) send_cwr_ = false;
    const bool fin_went = with_fin && length == wanted;
    Sent(seq, length, fin_went);
    any = true;
  }
}

// Bookkeeping of new text that went out.
void Connection::Sent(SeqNum seq, uint32_t text, bool fin) {
  const uint32_t mss = tcb_.snd.mss;
  const uint32_t length = text + (fin ? 1 : 0);
  const Time now = core_.Now();
  const bool idle = flight_.empty();
  rate_.OnSent(flight_.Sent(seq, length, fin, now), idle, now);
  tcb_.snd.nxt = seq + length;
  if (fin) fin_sent_ = true;
  if (text % mss != 0) tcb_.snd.small = tcb_.snd.nxt;
  if (recovery_ == Recovery::kFast || recovery_ == Recovery::kReduced) repair_->prr_out += length;
  stats_.bytes_sent += text;
  PacerSent(length);
  core_.counters.orig_data_sent += text == 0 ? 0 : (text - 1) / mss + 1;
}

void Connection::OnSendError(Error error) {
  // The route's MTU fell below our segments: a new lookup knows it.
  if (error == Error::kMessageSize) route_.reset();
  link_full_ = true;  // the send timer tries again
}

// RFC 5681 4.1 as Linux has it: after a pause the window decays to the restart window, by half for
// each timeout that passed.
void Connection::OnSendAfterIdle() {
  if (last_send_ == Time{}) return;
  const Duration idle = core_.Now() - last_send_;
  const Duration rto = rtt_.Rto();
  if (congestion_ != nullptr) congestion_->OnIdleEnd(idle);
  if (algorithm_->owns_window) return;
  if (idle <= rto || core_.sysctls.slow_start_after_idle->value() == 0) return;
  const uint32_t restart = std::min(InitialWindow(), window_.cwnd);
  window_.ssthresh = std::max(window_.ssthresh, window_.cwnd / 4 * 3);
  for (Duration left = idle; left > rto && window_.cwnd > restart; left -= rto) window_.cwnd /= 2;
  window_.cwnd = std::max(window_.cwnd, restart);
}

// What recovery marked, oldest first, as far as cwnd allows; the first one in any case.
bool Connection::RetransmitLost() {
  size_t i = flight_.NextLost(0);
  bool any = false;
  while (i < flight_.size()) {
    const uint32_t room = CwndRoom();
    if (room < std::min(tcb_.snd.mss, flight_[i].length)) return true;
    if (PacerHolds()) return true;
    if (!RetransmitRecord(i, std::max(room / tcb_.snd.mss * tcb_.snd.mss, tcb_.snd.mss)))
      return true;
    any = true;
    i = flight_.NextLost(i + 1);
  }
  return any;
}

// Sends record `i`, cut to `limit` octets, again. False when the link would not take it.
bool Connection::RetransmitRecord(size_t i, uint32_t limit) {
  limit = std::min(limit, MaxSuperSegment());
  if (paced_) limit = std::min(limit, Pacer::Quantum(PacingRate(), tcb_.snd.mss));
  if (flight_[i].length > limit) flight_.Split(i, limit);
  const bool fin = flight_[i].Has(FlightRecord::kFin);
  uint32_t text = flight_[i].length - (fin ? 1 : 0);
  const uint32_t wanted = text;
  const SeqNum seq = flight_[i].seq;
  if (accecn_ != nullptr) NoteAccEcnRepeat(seq);
  if (path_search_ && repair_->path.probe != 0 && repair_->path.begin <= seq &&
      seq < repair_->path.end) {
    PathProbeFailed();  // nobody can say any more whether it arrived
  }
  const Error error = SendSegment(seq, &text, fin ? tcp_flag::kFin : 0);
  if (error != Error::kOk) {
    ++core_.counters.retrans_fail;
    OnSendError(error);
    return false;
  }
  if (text < wanted) flight_.Split(i, text);
  const uint32_t segments = text == 0 ? 1 : (text - 1) / tcb_.snd.mss + 1;
  core_.counters.retrans_segs += segments;
  NoteRepeat(flight_[i].length);
  PacerSent(flight_[i].length);
  if (recovery_ == Recovery::kFast) {
    core_.counters.fast_retrans += segments;
    repair_->prr_out += flight_[i].length;
  } else if (recovery_ == Recovery::kLoss) {
    core_.counters.slow_start_retrans += segments;
  }
  stats_.total_retransmits += segments;
  stats_.bytes_retransmitted += text;
  flight_.Retransmitted(i, core_.Now());
  rate_.OnSent(flight_[i], false, core_.Now());
  return true;
}

void Connection::Output(bool force) {
  if (!MayTransmit(state_)) return;
  if (!EnsureRoute()) {
    link_full_ = true;
    ArmSendTimer();
    return;
  }
  link_full_ = window_limited_ = false;
  const bool only_new = OnlyNewData();
  if (flight_.lost() > 0 && !only_new) (void)RetransmitLost();
  // RFC 6675 5 (C): new data once what is lost has gone.
  if (!link_full_ && (flight_.lost() == 0 || only_new || flight_.NextLost(0) == flight_.size())) {
    if (SendNew(force)) ArmLossProbe();
    if (!rate_.app_limited() && !cwnd_limited_ && UnsentBytes() == 0) rate_.OnAppLimited(Pipe());
  }
  ArmSendTimer();
  SettleLimit();
}

// RFC 6298 5.1, and the persist timer (RFC 9293 3.8.6.1) while nothing in flight would bring an
// ACK.
void Connection::ArmSendTimer() {
  if (syn_ack_unacked_) return;  // it runs for the SYN,ACK, whose ACK comes first
  if (!flight_.empty()) {
    const bool probing = send_timer_kind_ == SendTimer::kPersist && tcb_.snd.wnd == 0;
    if (probing && send_timer_.armed()) return;
    const bool armed = send_timer_.armed() && send_timer_kind_ != SendTimer::kPersist &&
                       send_timer_kind_ != SendTimer::kNone;
    if (!armed) RestartRetransmissionTimer();
    return;
  }
  const bool waiting = UnsentBytes() > 0 || (write_shut_ && !fin_sent_);
  if (!waiting) {
    send_timer_.Cancel();
    send_timer_kind_ = SendTimer::kNone;
    return;
  }
  if (send_timer_kind_ == SendTimer::kPersist && send_timer_.armed()) return;
  send_timer_kind_ = SendTimer::kPersist;
  send_timer_.Arm(core_.Now() + rtt_.Rto(backoff_));
}

}  // namespace moat::netstack::tcp
