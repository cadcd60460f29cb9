// Loss detection and repair: RACK (RFC 8985 6) with SACK; duplicate ACKs and fast retransmit (RFC
// 5681 3.2), NewReno (RFC 6582) without; limited transmit (RFC 3042), proportional rate reduction
// (RFC 6937), the response to ECN (RFC 3168 6.1.2), and what a retransmission timeout does (RFC
// 6298 5.4 on, RFC 5681 3.1).
//
// The scoreboard's pipe says how much may be sent; detection only marks records as lost, and output
// sends what is marked as far as cwnd allows. Without SACK each duplicate ACK stands for one
// segment that left the network. Taking a recovery back is undo.cc's.
#include <algorithm>

#include "netstack/transport/tcp/connection.h"

namespace moat::netstack::tcp {

using recovery_bit::kNoDupThresh;
using recovery_bit::kUseRack;

Repair& Connection::NeedRepair() {
  if (repair_ == nullptr) repair_ = std::make_unique<Repair>();
  return *repair_;
}

// Octets that duplicate ACKs say have arrived, where no SACK says which.
uint32_t Connection::DuplicateCredit() const {
  if (tcb_.sack) return 0;
  const uint32_t unknown = flight_.total() - flight_.lost();
  return std::min(duplicate_acks_ * tcb_.snd.mss, unknown);
}

uint32_t Connection::Pipe() const {
  const uint32_t pipe = flight_.pipe();
  return pipe - std::min(pipe, DuplicateCredit());
}

void Connection::OnAckEvent(AckEvent& event) {
  core_.counters.delivered += event.delivered == 0 ? 0 : (event.delivered - 1) / tcb_.snd.mss + 1;
  if (tcb_.sack) rack_.OnDelivered(event.delivery, rtt_, event.repeat_is_old, last_receive_);
  if (event.delivery.reordered > 0) [[unlikely]] NoteReordering(event.delivery.reordered);
  if (event.dsack) OnDsack(event);
  if (event.echo && ecn_)
    core_.counters.delivered_ce += (event.marked + tcb_.snd.mss - 1) / tcb_.snd.mss;
  if (event.echo) {
    NeedRepair().delivered_marked += event.marked;
    KeepReduction();
  }
  if (probe_outstanding_) LossProbeAck(event);
  switch (recovery_) {
    case Recovery::kFast:
      RecoveryAck(event);
      return;
    case Recovery::kLoss:
      LossAck(event);
      return;
    case Recovery::kReduced:
      ReducedAck(event);
      return;
    default:
      OpenAck(event);
      return;
  }
}

void Connection::OpenAck(AckEvent& event) {
  if (event.duplicate) ++duplicate_acks_;
  if (event.acked > 0) duplicate_acks_ = 0;  // RFC 6675 5 (A)
  const bool disorder = duplicate_acks_ > 0 || flight_.sacked() > 0;
  recovery_ = disorder ? Recovery::kDisorder : Recovery::kOpen;
  if (event.dsack) (void)TryUndoByDsack();
  // Retransmissions still in flight (of a tail loss probe, of an undone recovery) may be overdue,
  // too.
  if ((disorder || flight_.retransmitted() > 0) && ShouldEnterRecovery(event)) {
    if (path_search_ && OnlyPathProbeLost()) return;
    EnterRecovery(event.delivered);
    return;
  }
  if (event.echo) {  // RFC 3168 6.1.2: nor does the window grow by it
    if (HeedsEcho()) EnterReduced(event.delivered);
    return;
  }
  if (event.acked > 0) GrowWindow(event);
}

// Marks what is lost by now, with SACK. True: more than was known.
bool Connection::DetectLoss(AckEvent& event) {
  const int64_t mode = core_.sysctls.recovery->value();
  const uint32_t before = flight_.lost();
  const bool recovering = recovery_ == Recovery::kFast || recovery_ == Recovery::kLoss;
  const bool third_duplicate = duplicate_acks_ >= static_cast<uint32_t>(kDupThresh);
  const uint32_t threshold = (kDupThresh - 1) * tcb_.snd.mss + 1;
  if ((mode & kUseRack) == 0) {
    if (flight_.MarkLostBelowSacked(threshold) > 0) return true;
    // RFC 6675 5 (1): however little they SACK.
    return third_duplicate && !recovering && flight_.MarkFirstLost(tcb_.snd.mss) > 0;
  }
  if (!rack_.any()) return false;
  const bool enough = flight_.sacked() >= threshold || third_duplicate;
  const bool impatient = recovering || (enough && (mode & kNoDupThresh) == 0);
  const Duration patience = rack_.Patience(rtt_, impatient);
  uint32_t repeats = 0;
  event.reorder_left =
      flight_.MarkOverdueLost(rack_.xmit(), rack_.end_seq(), patience, core_.Now(), &repeats);
  core_.counters.lost_retransmit += (repeats + tcb_.snd.mss - 1) / tcb_.snd.mss;
  event.lost = flight_.lost() - before + repeats;
  return event.lost > 0;
}

// With SACK what RACK says; without, RFC 5681 3.2: the third duplicate ACK.
bool Connection::ShouldEnterRecovery(AckEvent& event) {
  if (flight_.empty()) return false;
  if (tcb_.sack) return DetectLoss(event);
  // RFC 6582 3.2 (2): duplicate ACKs for what was sent before the last recovery ended start no new
  // one.
  if (tcb_.snd.una < recover_ && recover_ <= tcb_.snd.nxt && recover_ != tcb_.snd.iss) return false;
  return duplicate_acks_ >= static_cast<uint32_t>(kDupThresh);
}

// A window's worth of congestion: the new ssthresh, and the rate at which cwnd goes there.
void Connection::Reduce() {
  Repair& repair = NeedRepair();
  BeginUndo();
  repair.prr_flight = std::max(flight_.total(), 1u);
  repair.prr_delivered = repair.prr_out = 0;
  recover_ = tcb_.snd.nxt;
  // DEVIATION: RFC 5681 3.2 (2) leaves out what limited transmit sent, two segments; CUBIC asks for
  // cwnd anyway.
  window_.ssthresh = congestion().OnCongestion(window_, flight_.total());
  if (ecn_) send_cwr_ = true;
}

void Connection::EnterRecovery(uint32_t delivered) {
  if (tcb_.sack) {
    ++core_.counters.sack_recovery;
  } else {
    ++core_.counters.reno_recovery;
  }
  // Once per window, or it was done for an echo; unless what is lost was sent after that one (RFC
  // 3168 6.1.2: CWR with it).
  if (recovery_ != Recovery::kReduced || tcb_.snd.una >= recover_) Reduce();
  recovery_ = Recovery::kFast;
  recover_ = tcb_.snd.nxt;
  if (!tcb_.sack) (void)flight_.MarkFirstLost(tcb_.snd.mss);
  // Fast retransmit goes out at once, whatever the pipe (RFC 6675 5 (4.3), RFC 6937 3: at least
  // one).
  ReduceProportionally(delivered);
  if (!algorithm_->owns_window) window_.cwnd = std::max(window_.cwnd, Pipe() + tcb_.snd.mss);
}

// RFC 3168 6.1.2: an ECN echo is answered as a loss would be, once per window; nothing is sent
// again.
void Connection::EnterReduced(uint32_t delivered) {
  ++core_.counters.ecn_reductions;
  Reduce();
  recovery_ = Recovery::kReduced;
  repair_->may_undo = false;
  ReduceProportionally(delivered);
}

void Connection::ReducedAck(AckEvent& event) {
  if (event.duplicate) ++duplicate_acks_;
  if (event.acked > 0) duplicate_acks_ = 0;
  // Something above has to be acknowledged: only then has CWR reached the peer.
  if (event.acked > 0 && tcb_.snd.una > recover_) {
    LeaveRecovery();
    OpenAck(event);
    return;
  }
  const bool disorder = duplicate_acks_ > 0 || flight_.sacked() > 0;
  if ((disorder || flight_.retransmitted() > 0) && ShouldEnterRecovery(event)) {
    EnterRecovery(event.delivered);
    return;
  }
  ReduceProportionally(event.delivered);
}

void Connection::RecoveryAck(AckEvent& event) {
  if (event.acked > 0 && tcb_.snd.una >= recover_) {
    if (!TryUndo(event)) LeaveRecovery();
    return;
  }
  uint32_t delivered = event.delivered;
  if (tcb_.sack) {
    if (event.acked > 0 && TryUndoPartly(event)) return;
    (void)DetectLoss(event);
  } else {
    if (event.duplicate) {
      ++duplicate_acks_;
      delivered += tcb_.snd.mss;
    }
    if (event.acked > 0) {  // RFC 6582 3.2 (3): a partial ACK: the next hole
      const uint32_t segments = (event.acked + tcb_.snd.mss - 1) / tcb_.snd.mss;
      duplicate_acks_ -= std::min(duplicate_acks_, segments > 0 ? segments - 1 : 0);
      (void)flight_.MarkFirstLost(tcb_.snd.mss);
    }
  }
  ReduceProportionally(delivered);
  // RFC 6582 3.2 (3): the next hole goes out with the partial ACK, whatever the pipe.
  if (!tcb_.sack && event.acked > 0 && !algorithm_->owns_window) {
    window_.cwnd = std::max(window_.cwnd, Pipe() + tcb_.snd.mss);
  }
}

// RFC 6937 3.1, with its slow start reduction bound.
void Connection::ReduceProportionally(uint32_t delivered) {
  if (algorithm_->owns_window) return;
  Repair& repair = *repair_;
  repair.prr_delivered += delivered;
  const uint32_t pipe = Pipe();
  int64_t send;
  if (pipe > window_.ssthresh) {
    const uint64_t share = static_cast<uint64_t>(repair.prr_delivered) * window_.ssthresh;
    send =
        static_cast<int64_t>((share + repair.prr_flight - 1) / repair.prr_flight) - repair.prr_out;
  } else {
    const int64_t ahead = static_cast<int64_t>(repair.prr_delivered) - repair.prr_out;
    const int64_t limit = std::max<int64_t>(ahead, delivered) + tcb_.snd.mss;
    send = std::min<int64_t>(window_.ssthresh - pipe, limit);
  }
  window_.cwnd = pipe + static_cast<uint32_t>(std::max<int64_t>(send, 0));
  window_.cwnd = std::max(window_.cwnd, tcb_.snd.mss);
}

void Connection::LeaveRecovery() {
  if (recovery_ == Recovery::kFast) rack_.OnRecoveryEnd();
  recovery_ = Recovery::kOpen;
  duplicate_acks_ = 0;
  // RFC 6582 3.2 (3), RFC 6937: cwnd ends at ssthresh, but a burst is not stored up by it.
  if (!algorithm_->owns_window) window_.cwnd = std::max(window_.ssthresh, 2 * tcb_.snd.mss);
}

// For tcpi_total_rto_time.
void Connection::LeaveLoss() {
  repair_->timeout_time += core_.Now() - repair_->timeout_began;
  repair_->timeout_began = Time{};
}

// How many segments late what is only late may be: tcp_check_sack_reordering() of Linux. RACK does
// not ask for it; it tells of the path.
void Connection::NoteReordering(uint32_t octets) {
  constexpr uint32_t kMost = 300;  // Linux's tcp_max_reordering
  ++core_.counters.sack_reorder;
  Repair& repair = NeedRepair();
  ++repair.reordering_events;
  const uint32_t segments = (octets - 1) / tcb_.snd.mss + 1;
  repair.reordering = std::max(repair.reordering, std::min(segments, kMost));
}

void Connection::LossAck(AckEvent& event) {
  if (event.duplicate) ++duplicate_acks_;
  if (event.acked > 0 && TryUndo(event)) return;
  if (repair_->frto && FrtoAck(event)) return;
  if (event.acked == 0) {
    if (tcb_.sack && event.sacked_new) (void)DetectLoss(event);
    return;
  }
  duplicate_acks_ = 0;
  if (tcb_.snd.una >= recover_) {
    recovery_ = Recovery::kOpen;
    LeaveLoss();
    rack_.OnRecoveryEnd();
  } else if (tcb_.sack) {
    (void)DetectLoss(event);
  }
  // DEVIATION: RFC 3168 6.1.2 lets no ACK with ECE grow it; but what is repeated cannot say CWR, so
  // that all ACKs have ECE until new text goes (as Linux).
  GrowWindow(event);
}

// Only a window that was used may grow (RFC 7661): in slow start one that was at least half used.
void Connection::GrowWindow(const AckEvent& event) {
  if (algorithm_->owns_window) return;
  const bool limited = window_.InSlowStart()
                           ? window_.cwnd < 2 * std::max(event.in_flight_before, event.acked)
                           : cwnd_limited_;
  if (!limited && recovery_ != Recovery::kLoss) return;
  AckSample sample;
  sample.now = core_.Now();
  sample.acked = event.acked;
  sample.rtt = rtt_.srtt();
  sample.latest_rtt = event.rtt;
  sample.una = tcb_.snd.una;
  sample.nxt = tcb_.snd.nxt;
  const uint32_t ssthresh = window_.ssthresh;
  congestion().OnAck(sample, window_);
  if (ssthresh == kInfiniteSsthresh && window_.ssthresh != ssthresh) NoteSlowStartEnd();
}

// HyStart++ ends the first slow start when round trips grow (RFC 9406). Vegas does so too, in its
// own way, which is no business of these counters.
void Connection::NoteSlowStartEnd() {
  if (!algorithm_->hystart) return;
  ++core_.counters.hystart_delay_detect;
  core_.counters.hystart_delay_cwnd += window_.cwnd / tcb_.snd.mss;
}

void Connection::OnRetransmissionTimeout() {
  ++core_.counters.timeouts;
  Repair& repair = NeedRepair();
  ++repair.timeouts;
  ++repair.rehashes;
  ++core_.counters.timeout_rehash;
  if (recovery_ != Recovery::kLoss) {
    ++repair.timeout_recoveries;
    repair.timeout_began = core_.Now();
  }
  // Losses beside SACKs are no sign of reordering any more (tcp_enter_loss()).
  if (recovery_ <= Recovery::kDisorder && flight_.sacked() >= kDupThresh * tcb_.snd.mss) {
    repair.reordering = 0;
  }
  // RFC 2018 8: a peer that SACKed the first segment and never acknowledged it has reneged.
  const bool reneged = !flight_.empty() && flight_.front().Has(FlightRecord::kSacked);
  if (reneged) ++core_.counters.sack_reneging;
  const bool recovering = recovery_ == Recovery::kFast || recovery_ == Recovery::kLoss;
  // RFC 5681 3.1: ssthresh falls once per loss event, not with each repetition of the timeout.
  if (!recovering || tcb_.snd.una >= recover_ ||
      (recovery_ == Recovery::kLoss && retransmits_ == 0)) {
    BeginUndo();
    window_.ssthresh = congestion().OnCongestion(window_, flight_.total());
    congestion().OnTimeout();
  }
  if (ecn_) send_cwr_ = true;
  repair.frto = core_.sysctls.frto->value() != 0 && (!recovering || retransmits_ > 0) && !reneged;
  repair.frto_new_data = false;
  // RFC 8985 6.3: but what was sent lately may still arrive.
  const bool rack = tcb_.sack && rack_.any() && (core_.sysctls.recovery->value() & kUseRack) != 0;
  const Duration patience = rack ? rack_.Patience(rtt_, true) : Duration::zero();
  flight_.MarkAllLost(reneged, core_.Now() - patience);
  window_.cwnd = Pipe() + tcb_.snd.mss;  // the loss window
  recovery_ = Recovery::kLoss;
  recover_ = tcb_.snd.nxt;
  duplicate_acks_ = 0;
  probe_outstanding_ = false;
}

}  // namespace moat::netstack::tcp
