// TIMEOUTs (RFC 9293 3.10.8): retransmission (RFC 6298), zero-window probes (RFC 9293 3.8.6.1),
// delayed acknowledgements, keepalive (3.8.4), and the end of an orphan in FIN-WAIT-2.
#include <algorithm>

#include "netstack/transport/tcp/connection.h"
#include "netstack/transport/tcp/state.h"

namespace moat::netstack::tcp {
namespace {

constexpr uint8_t kMaxBackoff = 30;
// tcp_orphan_retries 0 (tcp_orphan_retries() of Linux).
constexpr int kOrphanRetries = 8;

}  // namespace

void Connection::OnSendTimer() {
  switch (send_timer_kind_) {
    case SendTimer::kNone:
      break;
    case SendTimer::kSyn:
      OnSynTimeout();
      break;
    case SendTimer::kPersist:
      OnPersistTimeout();
      break;
    case SendTimer::kRetransmit:
      OnRetransmitTimeout();
      break;
    case SendTimer::kProbe:
      OnLossProbeTimeout();
      break;
    case SendTimer::kReorder:
      OnReorderTimeout();
      break;
  }
  if (state_ != TcpState::kClosed) UpdateReady();
  core_.Reap();
}

void Connection::RestartRetransmissionTimer() {
  if (flight_.empty()) {
    send_timer_kind_ = SendTimer::kNone;
    send_timer_.Cancel();
    return;
  }
  send_timer_kind_ = SendTimer::kRetransmit;
  send_timer_.Arm(core_.Now() + rtt_.Rto(backoff_));
}

void Connection::OnSynTimeout() {
  const int limit =
      passive_ ? static_cast<int>(core_.sysctls.synack_retries->value()) : settings_->tcp.syn_count;
  const Duration patience = settings_->tcp.user_timeout;
  const bool impatient = !passive_ && patience > Duration::zero() &&
                         core_.Now() - first_timeout_ >= patience;
  if (retransmits_ >= limit || impatient) {
    if (passive_ && !syn_ack_unacked_) {
      Die(Error::kOk);
    } else {
      Die(soft_error_ != Error::kOk ? soft_error_ : Error::kTimedOut);
    }
    return;
  }
  ++retransmits_;
  backoff_ = std::min<uint8_t>(backoff_ + 1, kMaxBackoff);
  ++core_.counters.retrans_segs;
  ++core_.counters.syn_retrans;
  if (!passive_) ++core_.counters.timeout_rehash;
  ++stats_.total_retransmits;
  SuspectFastOpen();
  ++core_.counters.timeouts;
  (void)SendSyn();  // a failure to send is like a loss
  send_timer_.Arm(core_.Now() + rtt_.Rto(backoff_));
}

// The handshake is over, with timeouts. Not before: what embryos cost is counted.
void Connection::NoteSynTimeout() {
  Repair& repair = NeedRepair();
  repair.timeouts += backoff_;
  if (!passive_) repair.rehashes += backoff_;
  ++repair.timeout_recoveries;
  repair.timeout_time += std::max(core_.Now() - first_timeout_ - kInitialRto, Duration::zero());
}

int Connection::RetryLimit() const {
  const Sysctls& sysctls = core_.sysctls;
  if (!orphan()) return static_cast<int>(sysctls.retries2->value());
  const auto retries = static_cast<int>(sysctls.orphan_retries->value());
  return retries == 0 ? kOrphanRetries : retries;
}

// R2 of RFC 1122 4.2.3.5, as time: what `retries` doublings of the smallest timeout last, so that
// fast and slow paths give up alike (Linux, retransmits_timed_out()).
Duration Connection::DurationOfRetries(int retries) {
  Duration limit{};
  Duration step = kMinRto;
  for (int i = 0; i <= retries; ++i, step = std::min(step * 2, kMaxRto)) limit += step;
  return limit;
}

bool Connection::GaveUp(int retries) {
  const Duration patience = UserTimeout();
  const Duration limit = patience > Duration::zero() ? patience : DurationOfRetries(retries);
  return core_.Now() - first_timeout_ >= limit;
}

// By the deadline, which the timer keeps, not by the time it is: timers fire late.
bool Connection::HeardSinceLastTimer() const {
  return last_receive_ >= send_timer_.deadline() - rtt_.Rto(backoff_);
}

// Nobody waits for an orphan, so that it goes before others are refused memory
// (tcp_out_of_resources()).
bool Connection::OrphanMustGo() {
  if (!orphan() || core_.memory.Allows(MemoryUse::kOrphans, 0)) return false;
  ++core_.counters.abort_on_memory;
  Abort();
  return true;
}

void Connection::OnRetransmitTimeout() {
  if (flight_.empty()) return;
  if (retransmits_ == 0) first_timeout_ = std::max(last_send_, Time{});
  // A peer that shrank its window to nothing, and answers, is not given up (RFC 9293 3.8.6,
  // SHLD-17), unless the user said when: what is retransmitted probes its window.
  const bool probing = tcb_.snd.wnd == 0 && !orphan() && HeardSinceLastTimer() &&
                       settings_->tcp.user_timeout == Duration::zero();
  if (!probing && GaveUp(RetryLimit())) {
    ++core_.counters.abort_on_timeout;
    Die(soft_error_ != Error::kOk ? soft_error_ : Error::kTimedOut);
    return;
  }
  if (OrphanMustGo()) return;
  SuspectBlackHole();
  OnRetransmissionTimeout();
  if (retransmits_ < 255) ++retransmits_;
  // R1: the path may be dead; ask for another.
  if (retransmits_ == core_.sysctls.retries1->value()) route_.reset();
  backoff_ = std::min<uint8_t>(backoff_ + 1, kMaxBackoff);  // RFC 6298 5.5
  // RFC 5482 3.2: options are not acknowledged; what may have been lost goes again.
  user_timeout_untold_ = user_timeout_option_;
  Output();
  RestartRetransmissionTimer();
  // RFC 9293 3.8.3: the user's patience may end before the next timeout.
  if (const Duration patience = UserTimeout();
      patience > Duration::zero() && send_timer_.armed()) {
    send_timer_.Arm(std::min(send_timer_.deadline(), first_timeout_ + patience));
  }
}

// The window is closed, or too small, or the link refused: nothing in flight will bring an ACK.
void Connection::OnPersistTimeout() {
  if (probes_ == 0) first_timeout_ = core_.Now();
  // A peer that answers probes may keep its window closed as long as it likes (RFC 9293 MUST-37);
  // one that does not answer is gone, and an orphan has nobody to wait.
  const bool silent = probes_ > 0 && !HeardSinceLastTimer();
  const bool closed = tcb_.snd.wnd == 0;
  if (closed && (silent || orphan()) && probes_ > 0 && GaveUp(RetryLimit())) {
    ++core_.counters.abort_on_timeout;
    Die(soft_error_ != Error::kOk ? soft_error_ : Error::kTimedOut);
    return;
  }
  if (OrphanMustGo()) return;
  if (closed) {
    ++core_.counters.window_probes;
    if (probes_ < 255) ++probes_;
    backoff_ = std::min<uint8_t>(backoff_ + 1, kMaxBackoff);
    ProbeWindow();
    send_timer_kind_ = SendTimer::kPersist;
    send_timer_.Arm(core_.Now() + rtt_.Rto(backoff_));
    return;
  }
  send_timer_kind_ = SendTimer::kNone;
  if (link_full_) {
    // Neither link nor route took anything: patience is that of retransmissions.
    if (probes_ > 0 && GaveUp(RetryLimit())) {
      ++core_.counters.abort_on_timeout;
      Die(soft_error_ != Error::kOk ? soft_error_ : Error::kTimedOut);
      return;
    }
    if (probes_ < 255) ++probes_;
    backoff_ = std::min<uint8_t>(backoff_ + 1, kMaxBackoff);
  }
  // The override timeout of 3.8.6.2.1 (4), which also ends a cork (Linux, 200 ms).
  push_now_ = true;
  Output(/*force=*/true);
}

// RFC 9293 3.8.6.1: one octet of new data, or of what is in flight already.
void Connection::ProbeWindow() {
  if (!EnsureRoute()) return;
  if (!flight_.empty()) {
    (void)flight_.MarkFirstLost(1);
    (void)RetransmitRecord(0, 1);
    return;
  }
  uint32_t length = UnsentBytes() > 0 ? 1 : 0;
  const bool fin = length == 0;
  const SeqNum seq = tcb_.snd.nxt;
  if (SendSegment(seq, &length, fin ? tcp_flag::kFin : 0) == Error::kOk) Sent(seq, length, fin);
}

void Connection::OnDelayedAckTimer() {
  if (!ack_policy_.pending() || state_ == TcpState::kClosed) return;
  ++core_.counters.delayed_acks;
  ack_policy_.OnDelayExpired();
  SendAck();
}

void Connection::Flush() {
  flush_hook_.Unlink();
  if (ack_policy_.pending() && IsSynchronized(state_)) SendAck();
}

// --- Keepalive and FIN-WAIT-2 share a timer: the one is for open connections, the other for
// orphans.

void Connection::ArmIdleTimer() {
  if (state_ == TcpState::kFinWait2 && orphan()) return;
  if (!settings_->socket.keepalive || !IsSynchronized(state_)) {
    idle_timer_.Cancel();
    return;
  }
  const Time from = std::max(last_receive_, last_data_receive_);
  const TcpOptions& options = settings_->tcp;
  const Duration wait =
      keepalive_probes_ == 0 ? KeepaliveIdle() : options.keepalive_interval;
  idle_timer_.Arm(keepalive_probes_ == 0 ? from + wait : core_.Now() + wait);
}

void Connection::OnIdleTimer() {
  if (state_ == TcpState::kFinWait2 && orphan()) {
    Die(Error::kOk);
  } else {
    OnKeepaliveTimer();
  }
  core_.Reap();
}

void Connection::OnKeepaliveTimer() {
  if (!settings_->socket.keepalive || !IsSynchronized(state_)) return;
  const TcpOptions& options = settings_->tcp;
  // RFC 9293 3.8.4: only when nothing was received, and nothing of ours asks for an answer anyway.
  const Time idle_since = std::max(last_receive_, last_data_receive_);
  if (!flight_.empty() || UnsentBytes() > 0) {
    idle_timer_.Arm(core_.Now() + KeepaliveIdle());
    return;
  }
  if (keepalive_probes_ == 0 && core_.Now() < idle_since + KeepaliveIdle()) {
    ArmIdleTimer();
    return;
  }
  const bool out_of_time = options.user_timeout > Duration::zero() && keepalive_probes_ > 0 &&
                           core_.Now() - idle_since >= options.user_timeout;
  if (out_of_time ||
      (options.user_timeout == Duration::zero() && keepalive_probes_ >= options.keepalive_count)) {
    ++core_.counters.abort_on_timeout;
    SendRst();
    Die(soft_error_ != Error::kOk ? soft_error_ : Error::kTimedOut);
    return;
  }
  ++keepalive_probes_;
  ++core_.counters.keepalives;
  SendProbe();
  ArmIdleTimer();
}

void Connection::StartFinWait2Timer() {
  Duration wait = settings_->tcp.linger2;
  const Duration limit = core_.sysctls.Seconds(core_.sysctls.fin_timeout);
  if (wait > limit || wait <= Duration::zero()) wait = limit;
  idle_timer_.Arm(core_.Now() + wait);
}

}  // namespace moat::netstack::tcp
