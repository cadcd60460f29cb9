// Tail loss probes (RFC 8985 7): the last segments of a flight have none behind them that would
// show their loss, so one is sent, or sent again, long before the retransmission timeout. And the
// timer that RACK waits by.
#include <algorithm>

#include "netstack/transport/tcp/connection.h"
#include "netstack/transport/tcp/state.h"

namespace moat::netstack::tcp {
namespace {

// TLP.max_ack_delay: the longest that a peer may hold back the ACK of a lone segment.
constexpr Duration kMaxPeerAckDelay = std::chrono::milliseconds(200);
// What the clock's grain and the peer's scheduling may add (Linux's TCP_TIMEOUT_MIN).
constexpr Duration kProbeGrain = std::chrono::milliseconds(2);

}  // namespace

// 7.2: when there is no recovery, nothing SACKed, and the last probe was answered.
bool Connection::LossProbeAllowed() const {
  return tcb_.sack && recovery_ == Recovery::kOpen && !probe_outstanding_ && probe_armed_by_rtt_ &&
         flight_.sacked() == 0 && retransmits_ == 0 && !syn_ack_unacked_ &&
         core_.sysctls.early_retrans->value() != 0;
}

// 7.2 TLP_calc_PTO(). `rto` is how far the retransmission timeout is.
Duration Connection::LossProbeTimeout(Duration rto) const {
  Duration timeout = std::chrono::seconds(1);
  if (rtt_.has_sample()) {
    const bool lone = flight_.total() <= tcb_.snd.mss;
    timeout = 2 * rtt_.srtt() + (lone ? kMaxPeerAckDelay : kProbeGrain);
  }
  return std::min(timeout, rto);
}

Time Connection::RetransmissionDeadline() const {
  return flight_.front().sent + rtt_.Rto(backoff_);
}

// New data went out, or an ACK came; `progress`: it advanced. `reorder_left`: see AckEvent.
void Connection::ArmFlightTimer(bool progress, Duration reorder_left) {
  if (flight_.empty()) {
    send_timer_kind_ = SendTimer::kNone;
    send_timer_.Cancel();
    return;
  }
  if (reorder_left > Duration::zero()) {
    send_timer_kind_ = SendTimer::kReorder;
    send_timer_.Arm(core_.Now() + reorder_left);
    return;
  }
  const bool probing = LossProbeAllowed();
  if (progress) {
    const Duration rto = rtt_.Rto(backoff_);
    send_timer_kind_ = probing ? SendTimer::kProbe : SendTimer::kRetransmit;
    send_timer_.Arm(core_.Now() + (probing ? LossProbeTimeout(rto) : rto));
    return;
  }
  // Neither a wait for reordering nor a probe that is no longer wanted may stand in the timeout's
  // place.
  if (send_timer_kind_ == SendTimer::kReorder ||
      (send_timer_kind_ == SendTimer::kProbe && !probing)) {
    send_timer_kind_ = SendTimer::kRetransmit;
    send_timer_.Arm(RetransmissionDeadline());
  }
}

// New data moves the probe's time, though not beyond the timeout's (7.2).
void Connection::ArmLossProbe() {
  if (!LossProbeAllowed()) return;
  const bool waiting = send_timer_.armed() && send_timer_kind_ != SendTimer::kProbe &&
                       send_timer_kind_ != SendTimer::kRetransmit;
  if (waiting) return;
  const Time now = flight_.back().sent;  // just so
  send_timer_kind_ = SendTimer::kProbe;
  send_timer_.Arm(now +
                  std::max(LossProbeTimeout(RetransmissionDeadline() - now), Duration::zero()));
}

// 7.3 TLP_send_probe().
void Connection::OnLossProbeTimeout() {
  if (flight_.empty() || !MayTransmit(state_)) return;
  const bool sent = EnsureRoute() && (ProbeWithNewData() || ProbeWithLast());
  if (sent) {
    ++core_.counters.loss_probes;
    probe_outstanding_ = true;
    probe_armed_by_rtt_ = false;
    probe_end_ = tcb_.snd.nxt;
  }
  send_timer_kind_ = SendTimer::kRetransmit;
  send_timer_.Arm(core_.Now() + rtt_.Rto(backoff_));
}

bool Connection::ProbeWithNewData() {
  const auto unsent = static_cast<uint32_t>(UnsentBytes());
  const SeqNum edge = tcb_.snd.una + tcb_.snd.wnd;
  const uint32_t usable = edge > tcb_.snd.nxt ? edge - tcb_.snd.nxt : 0;
  uint32_t length = std::min({unsent, usable, tcb_.snd.mss});
  if (length == 0) return false;
  const SeqNum seq = tcb_.snd.nxt;
  if (SendSegment(seq, &length, length == unsent ? tcp_flag::kPsh : uint8_t{0}) != Error::kOk)
    return false;
  Sent(seq, length, false);
  probe_repeats_ = false;
  return true;
}

bool Connection::ProbeWithLast() {
  size_t last = flight_.size() - 1;
  const uint32_t mss = tcb_.snd.mss;
  if (flight_[last].length > mss) {
    flight_.Split(last, (flight_[last].length - 1) / mss * mss);
    ++last;
  }
  probe_repeats_ = true;
  return RetransmitRecord(last, mss);
}

// 7.4 TLP_process_ack(): was the probe needed, that is, did it repair a loss that nothing else
// shows?
void Connection::LossProbeAck(const AckEvent& event) {
  if (tcb_.snd.una < probe_end_) return;
  if (!probe_repeats_) {
    probe_outstanding_ = false;
  } else if (event.dsack && event.duplicate_block.end == probe_end_) {
    probe_outstanding_ = false;  // both arrived
  } else if (tcb_.snd.una > probe_end_) {
    probe_outstanding_ = false;
    ++core_.counters.loss_probe_recovery;
    // One loss, repaired: the response of a fast recovery that is over already.
    if (recovery_ != Recovery::kOpen && recovery_ != Recovery::kDisorder) return;
    Reduce();
    repair_->may_undo = false;
    if (!algorithm_->owns_window) window_.cwnd = std::max(window_.ssthresh, 2 * tcb_.snd.mss);
  } else if (event.acked == 0 && event.plain && !event.sacked_new && !event.dsack) {
    probe_outstanding_ = false;  // a duplicate ACK without SACK: the peer reports no D-SACKs
  }
}

// RACK's reordering timer (6.2 step 5).
void Connection::OnReorderTimeout() {
  if (flight_.empty()) return;
  AckEvent event;
  if (DetectLoss(event)) {
    if (recovery_ != Recovery::kFast && recovery_ != Recovery::kLoss) {
      if (!path_search_ || !OnlyPathProbeLost()) EnterRecovery(0);
    } else if (recovery_ == Recovery::kFast) {
      ReduceProportionally(0);
    }
  }
  Output();
  send_timer_kind_ = SendTimer::kReorder;
  ArmFlightTimer(false, event.reorder_left);
}

}  // namespace moat::netstack::tcp
