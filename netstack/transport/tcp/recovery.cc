// Loss detection and repair: duplicate ACKs and fast retransmit (RFC 5681 3.2), NewReno without SACK
// (RFC 6582), the SACK scoreboard (RFC 6675), limited transmit (RFC 3042), proportional rate reduction
// (RFC 6937), and what a retransmission timeout does (RFC 6298 5.4 on, RFC 5681 3.1).
//
// The scoreboard's pipe says how much may be sent; detection only marks records as lost, and output
// sends what is marked as far as cwnd allows. Without SACK each duplicate ACK stands for one segment that
// left the network.
#include <algorithm>

#include "netstack/transport/tcp/connection.h"

namespace moat::netstack::tcp {

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

void Connection::OnAckEvent(const AckEvent& event) {
  core_.counters.delivered += event.delivered == 0 ? 0 : (event.delivered - 1) / tcb_.snd.mss + 1;
  switch (recovery_) {
    case Recovery::kFast:
      RecoveryAck(event);
      return;
    case Recovery::kLoss:
      LossAck(event);
      return;
    default:
      break;
  }
  if (event.duplicate) ++duplicate_acks_;
  if (event.acked > 0 && flight_.sacked() == 0) duplicate_acks_ = 0;
  const bool disorder = duplicate_acks_ > 0 || flight_.sacked() > 0;
  recovery_ = disorder ? Recovery::kDisorder : Recovery::kOpen;
  if (disorder && ShouldEnterRecovery()) {
    EnterRecovery();
    return;
  }
  if (event.acked > 0) GrowWindow(event);
}

// RFC 5681 3.2: the third duplicate ACK. RFC 6675 5: or IsLost(HighACK + 1), which may know earlier.
bool Connection::ShouldEnterRecovery() {
  if (flight_.empty()) return false;
  // RFC 6582 3.2 (2): duplicate ACKs for what was sent before the last recovery ended start no new one.
  if (!tcb_.sack && tcb_.snd.una < recover_ && recover_ <= tcb_.snd.nxt && recover_ != tcb_.snd.iss) {
    return false;
  }
  if (tcb_.sack && flight_.MarkLostBelowSacked((kDupThresh - 1) * tcb_.snd.mss + 1) > 0) return true;
  return duplicate_acks_ >= static_cast<uint32_t>(kDupThresh);
}

void Connection::EnterRecovery() {
  if (tcb_.sack) {
    ++core_.counters.sack_recovery;
  } else {
    ++core_.counters.reno_recovery;
  }
  recovery_ = Recovery::kFast;
  recover_ = tcb_.snd.nxt;
  prr_flight_ = std::max(flight_.total(), 1u);
  prr_delivered_ = 0;
  prr_out_ = 0;
  window_.ssthresh = congestion_->OnCongestion(window_, flight_.total());
  (void)flight_.MarkFirstLost(tcb_.snd.mss);
  // Fast retransmit goes out at once, whatever the pipe (RFC 6675 5 (4.3), RFC 6937 3: at least one).
  window_.cwnd = Pipe() + tcb_.snd.mss;
}

void Connection::RecoveryAck(const AckEvent& event) {
  if (event.acked > 0 && tcb_.snd.una >= recover_) {
    LeaveRecovery();
    return;
  }
  uint32_t delivered = event.delivered;
  if (!tcb_.sack) {
    if (event.duplicate) {
      ++duplicate_acks_;
      delivered += tcb_.snd.mss;
    }
    if (event.acked > 0) {  // RFC 6582 3.2 (3): a partial ACK: the next hole
      const uint32_t segments = (event.acked + tcb_.snd.mss - 1) / tcb_.snd.mss;
      duplicate_acks_ -= std::min(duplicate_acks_, segments > 0 ? segments - 1 : 0);
      (void)flight_.MarkFirstLost(tcb_.snd.mss);
    }
  } else {
    (void)flight_.MarkLostBelowSacked((kDupThresh - 1) * tcb_.snd.mss + 1);
    if (event.acked > 0 && !flight_.empty() && !flight_.front().Has(FlightRecord::kRetransmitted)) {
      (void)flight_.MarkFirstLost(tcb_.snd.mss);
    }
  }
  // RFC 6937 3.1, with its slow start reduction bound.
  prr_delivered_ += delivered;
  const uint32_t pipe = Pipe();
  int64_t send;
  if (pipe > window_.ssthresh) {
    const uint64_t share = static_cast<uint64_t>(prr_delivered_) * window_.ssthresh;
    send = static_cast<int64_t>((share + prr_flight_ - 1) / prr_flight_) - prr_out_;
  } else {
    const int64_t limit =
        std::max<int64_t>(static_cast<int64_t>(prr_delivered_) - prr_out_, delivered) + tcb_.snd.mss;
    send = std::min<int64_t>(window_.ssthresh - pipe, limit);
  }
  window_.cwnd = pipe + static_cast<uint32_t>(std::max<int64_t>(send, 0));
  window_.cwnd = std::max(window_.cwnd, tcb_.snd.mss);
}

void Connection::LeaveRecovery() {
  recovery_ = Recovery::kOpen;
  duplicate_acks_ = 0;
  // RFC 6582 3.2 (3), RFC 6937: cwnd ends at ssthresh, but a burst is not stored up by it.
  window_.cwnd = std::max(window_.ssthresh, 2 * tcb_.snd.mss);
}

void Connection::LossAck(const AckEvent& event) {
  if (event.duplicate) ++duplicate_acks_;
  if (event.acked == 0) {
    if (tcb_.sack && event.sacked_new) {
      (void)flight_.MarkLostBelowSacked((kDupThresh - 1) * tcb_.snd.mss + 1);
    }
    return;
  }
  duplicate_acks_ = 0;
  if (tcb_.snd.una >= recover_) recovery_ = Recovery::kOpen;
  GrowWindow(event);
}

// Only a window that was used may grow (RFC 7661): in slow start one that was at least half used.
void Connection::GrowWindow(const AckEvent& event) {
  const bool limited = window_.InSlowStart()
                           ? window_.cwnd < 2 * std::max(event.in_flight_before, event.acked)
                           : cwnd_limited_;
  if (!limited && recovery_ != Recovery::kLoss) return;
  congestion_->OnAck({.now = core_.Now(), .acked = event.acked, .rtt = rtt_.srtt()}, window_);
}

void Connection::OnRetransmissionTimeout() {
  ++core_.counters.timeouts;
  // RFC 2018 8: a peer that SACKed the first segment and never acknowledged it has reneged.
  const bool reneged = !flight_.empty() && flight_.front().Has(FlightRecord::kSacked);
  if (reneged) ++core_.counters.sack_reneging;
  // RFC 5681 3.1: ssthresh falls once per loss event, not with each repetition of the timeout.
  if (recovery_ != Recovery::kLoss || retransmits_ == 0) {
    window_.ssthresh = congestion_->OnCongestion(window_, flight_.total());
    congestion_->OnTimeout();
  }
  flight_.MarkAllLost(reneged);
  window_.cwnd = tcb_.snd.mss;  // the loss window
  recovery_ = Recovery::kLoss;
  recover_ = tcb_.snd.nxt;
  duplicate_acks_ = 0;
}

}  // namespace moat::netstack::tcp
