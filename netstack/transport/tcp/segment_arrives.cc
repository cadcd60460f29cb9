// SEGMENT ARRIVES (RFC 9293 3.10.7) for a connection: the numbered steps, in the RFC's order.
#include "netstack/transport/tcp/connection.h"
#include "netstack/transport/tcp/state.h"

namespace moat::netstack::tcp {

void Connection::SegmentArrives(Segment& segment) {
  const uint32_t packets = segment.packets();
  stats_.segments_in += packets;
  if (!segment.text.empty()) stats_.data_segments_in += packets;
  if (state_ == TcpState::kClosed) {  // 3.10.7.1; only until Reap()
    core_.SendReset(segment);
    return;
  }
  if (state_ == TcpState::kSynSent) {
    SynSentArrives(segment);  // 3.10.7.3
  } else {
    SynchronizedArrives(segment);  // 3.10.7.4
  }
  AfterInput();
}

void Connection::SynchronizedArrives(Segment& segment) {
  if (FastPath(segment)) return;
  // First, check the sequence number; RFC 7323 5.3 puts the timestamp before it.
  if (!CheckTimestamps(segment)) return;
  if (!CheckSequence(segment)) return;
  // Second, check the RST bit.
  if (!CheckReset(segment)) return;
  // Third, check security: there are no compartments here.
  // Fourth, check the SYN bit.
  if (!CheckSyn(segment)) return;
  // Fifth, check the ACK field.
  if (!CheckAck(segment)) return;
  if (segment.options.user_timeout != 0) [[unlikely]] TakeUserTimeout(segment.options.user_timeout);
  if (ecn_) TakeCongestionMark(segment);
  if (accecn_ != nullptr) CountMarks(segment);
  // Sixth, check the URG bit.
  CheckUrgent(segment);
  // Seventh, process the segment text.
  ReceiveText(segment);
  // Eighth, check the FIN bit.
  CheckFin(segment);
  if (accecn_ != nullptr) AckMarks();
}

// What the steps left to do: data that the acknowledgment let through, and readiness.
void Connection::AfterInput() {
  SettleMemory();
  if (state_ == TcpState::kClosed) return;
  if (!MayTransmit(state_)) {
    if (limit_ != SendLimit::kIdle) SettleLimit();  // FIN-WAIT-2: our FIN has been acknowledged
    UpdateReady();
    return;
  }
  Output();
  UpdateReady();
}

}  // namespace moat::netstack::tcp
