// The seventh step (RFC 9293 3.10.7.4): segment text, and what we tell the peer about it: windows
// (3.8.6) and acknowledgements.
#include <algorithm>
#include <utility>

#include "netstack/transport/tcp/connection.h"
#include "netstack/transport/tcp/state.h"

namespace moat::netstack::tcp {

uint32_t Connection::ReceiveWindow() const {
  return tcb_.rcv.adv > tcb_.rcv.nxt ? tcb_.rcv.adv - tcb_.rcv.nxt : 0;
}

void Connection::ReceiveText(Segment& segment) {
  if (segment.text.size() == 0) return;
  if (!MayReceive(state_)) return;  // after the peer's FIN there is none: ignore
  if (closed_by_user_ && segment.text_end() > tcb_.rcv.nxt) {
    // RFC 1122 4.2.2.13: data that nobody will read; the peer must learn of it.
    ++core_.counters.abort_on_data;
    SendRst();
    Die(Error::kConnectionReset);
    return;
  }
  NoteFin(segment);
  // Trim to the window.
  SeqNum seq = segment.text_seq();
  Slice text = std::move(segment.text);
  segment.text = Slice();
  const SeqNum end = seq + static_cast<uint32_t>(text.size());
  const SeqNum edge = tcb_.rcv.nxt + ReceiveWindow();
  if (end > edge) text.RemoveSuffix(std::min<size_t>(end - edge, text.size()));
  const SeqNum first = seq;
  if (seq < tcb_.rcv.nxt) {
    const size_t old = std::min<size_t>(tcb_.rcv.nxt - seq, text.size());
    text.RemovePrefix(old);
    seq += static_cast<uint32_t>(old);
  }
  if (text.empty()) {
    SendAckNow();
    return;
  }
  if (seq == tcb_.rcv.nxt) {
    if (!MakeRoom(text.size())) {
      ++core_.counters.rcv_queue_drop;
      SendAckNow();
      return;
    }
    ReceiveInOrder(segment, seq, std::move(text));
    if (first < seq && SendDsack({first, seq})) return;
    AckText(segment);
  } else {
    ReceiveOutOfOrder(segment, seq, std::move(text));
  }
}

// Whether the budget lets `size` octets in order wait for the user. The few segments that are
// offered under pressure have a reserve, so that everybody goes on.
bool Connection::MemoryForText(size_t size) {
  if (core_.memory.Allows(MemoryUse::kReceiveData, size)) return true;
  const bool few = receive_queue_.empty() || receive_queue_.size() + size <= WindowLimit();
  return few && core_.memory.Allows(MemoryUse::kReserve, size);
}

// The same, at the cost of what lies behind a hole: the peer keeps it until it is acknowledged (RFC
// 2018 8).
bool Connection::MakeRoom(size_t size) {
  if (read_shut_ || MemoryForText(size)) return true;
  ++core_.counters.prune_called;
  if (out_of_order_ != nullptr) {
    out_of_order_.reset();
    ++core_.counters.ofo_pruned;
    SettleMemory();
    if (MemoryForText(size)) return true;
  }
  ++core_.counters.rcv_pruned;
  return false;
}

void Connection::ReceiveInOrder(Segment& segment, SeqNum seq, Slice text) {
  const auto size = static_cast<uint32_t>(text.size());
  const uint32_t wire = segment.gso_size != 0 ? segment.gso_size : size;
  tcb_.rcv.nxt = seq + size;
  stats_.bytes_received += size;
  last_receive_ = last_data_receive_ = core_.Now();
  keepalive_probes_ = 0;
  last_wire_size_ = wire;
  if (!read_shut_ && receive_queue_.Append(std::move(text))) ++core_.counters.rcv_coalesce;
  if (out_of_order_ != nullptr) {
    out_of_order_drained_ = true;
    DrainOutOfOrder();
  }
  receive_buffer_.OnReceived(tcb_.rcv.nxt, ReceiveWindow(), last_receive_);
}

void Connection::DrainOutOfOrder() {
  while (std::optional<Slice> text = out_of_order_->Pop(tcb_.rcv.nxt)) {
    tcb_.rcv.nxt += static_cast<uint32_t>(text->size());
    stats_.bytes_received += text->size();
    if (!read_shut_) (void)receive_queue_.Append(*std::move(text));
  }
  if (out_of_order_->empty()) {
    out_of_order_.reset();
  } else {
    out_of_order_->Advance(tcb_.rcv.nxt);
  }
}

void Connection::ReceiveOutOfOrder(const Segment& segment, SeqNum seq, Slice text) {
  ++core_.counters.ofo_queue;
  last_receive_ = last_data_receive_ = core_.Now();
  ack_policy_.EnterQuickAck();
  if (!core_.memory.Allows(MemoryUse::kOutOfOrder, text.size())) {
    ++core_.counters.ofo_drop;
    SendAck();
    return;
  }
  NeedRepair().out_of_order += segment.packets();
  SackBlock duplicate;
  if (out_of_order_ == nullptr) out_of_order_ = std::make_unique<OutOfOrderQueue>();
  const auto inserted = out_of_order_->Insert(seq, std::move(text), &duplicate);
  // Memory: the window bounds octets; this bounds what small pieces cost beside them.
  const size_t limit = 2 * static_cast<size_t>(receive_buffer_.size()) + 65536;
  if (inserted == OutOfOrderQueue::Inserted::kRefused) ++core_.counters.ofo_drop;
  if (out_of_order_->footprint() > limit && out_of_order_->Prune(limit))
    ++core_.counters.ofo_pruned;
  // RFC 5681 4.2: at once, so that the sender counts duplicates; RFC 2883 4.
  const bool twice = inserted == OutOfOrderQueue::Inserted::kDuplicate ||
                     inserted == OutOfOrderQueue::Inserted::kPartial;
  if (twice) ++core_.counters.ofo_merge;
  if (twice && SendDsack(duplicate)) {
    ++core_.counters.dsack_ofo_sent;
    return;
  }
  SendAck();
}

// RFC 2883 4: an ACK at once that reports `block` as received twice. False when the peer wants
// none.
bool Connection::SendDsack(const SackBlock& block) {
  if (!tcb_.sack || core_.sysctls.dsack->value() == 0) return false;
  SendAck(&block);
  return true;
}

// When to acknowledge what ReceiveInOrder() took.
void Connection::AckText(const Segment& segment) {
  const bool hole_filled = out_of_order_ != nullptr || out_of_order_drained_;
  out_of_order_drained_ = false;
  const AckPolicy::Verdict verdict =
      ack_policy_.OnText(last_wire_size_, segment.gso_size != 0, tcb_.rcv.nxt - tcb_.rcv.acked,
                         rtt_.Rto(), core_.Now());
  if (fin_known_ && fin_seq_ == tcb_.rcv.nxt) return;  // the FIN's ACK covers it
  if (hole_filled || verdict == AckPolicy::Verdict::kNow) {
    SendAck();
  } else if (verdict == AckPolicy::Verdict::kAtFlush) {
    WantFlush();
  } else if (!ack_timer_.armed()) {
    ack_timer_.Arm(core_.Now() + ack_policy_.delay());
  }
}

void Connection::SendAckNow() {
  ack_policy_.SetPending();
  SendAck();
}

// How far the window may open: not so far that a long queue forms in front of the stack; under
// pressure by a few segments, so that everybody goes on, slowly. What was offered before stays
// offered.
uint32_t Connection::WindowLimit() const {
  constexpr uint32_t kSegments = 4;  // Linux, __tcp_select_window()
  const uint32_t size = core_.governor.Limit(receive_buffer_.size(), receive_buffer_.rtt());
  if (!core_.memory.under_pressure()) return size;
  return std::min(size, std::max(kSegments * ack_policy_.receive_mss(), 4096u));
}

// RCV.WND for the header. The right edge never goes back (3.8.6); it moves on only by a worthwhile
// step (3.8.6.2.2).
uint16_t Connection::AdvertiseWindow() {
  const uint32_t size = WindowLimit();
  const auto queued = static_cast<uint32_t>(std::min<size_t>(receive_queue_.size(), size));
  const uint32_t held = ReceiveWindow();
  const uint32_t space = size - queued;
  const uint32_t step = std::min(size / 2, std::max(ack_policy_.receive_mss(), 1u));
  uint32_t window = held;
  const uint32_t unit = 1u << tcb_.rcv.shift;
  if (space > held && space - held >= step) window = std::max(space & ~(unit - 1), held);
  window = std::min(window, 65535u << tcb_.rcv.shift);
  // Rounded up, or a scaled window would draw the edge back.
  const uint32_t scaled = std::min((window + unit - 1) >> tcb_.rcv.shift, 65535u);
  if (scaled == 0 && !zero_window_sent_) ++core_.counters.to_zero_window;
  if (scaled != 0 && zero_window_sent_) ++core_.counters.from_zero_window;
  zero_window_sent_ = scaled == 0;
  tcb_.rcv.adv = Max(tcb_.rcv.adv, tcb_.rcv.nxt + (scaled << tcb_.rcv.shift));
  return static_cast<uint16_t>(scaled);
}

std::optional<int32_t> Connection::UrgentEnd() const {
  if (!tcb_.rcv.urgent) return std::nullopt;
  return static_cast<int32_t>(tcb_.rcv.up - ReadPosition());
}

// Urgent data was read, or lies so far back that sequence numbers come around.
void Connection::SettleUrgent() {
  constexpr int32_t kLongAgo = -(1 << 30);
  const int32_t end = static_cast<int32_t>(tcb_.rcv.up - ReadPosition());
  urgent_pending_ = end > 0;
  if (end < kLongAgo) tcb_.rcv.urgent = false;
}

void Connection::Consume(size_t n) {
  n = std::min(n, receive_queue_.size());
  receive_queue_.Consume(n);
  SettleMemory();
  if (tcb_.rcv.urgent) [[unlikely]] SettleUrgent();
  if (n > 0 && MayReceive(state_)) {
    const SeqNum copied = tcb_.rcv.nxt - static_cast<uint32_t>(receive_queue_.size());
    if (core_.sysctls.moderate_rcvbuf->value() != 0) {
      receive_buffer_.OnConsumed(copied, ack_policy_.receive_mss(), rtt_.srtt(), core_.Now(),
                                 !core_.memory.under_pressure());
    }
    const uint32_t size = WindowLimit();
    if (receive_queue_.empty() && ack_policy_.OnDrained(tcb_.rcv.nxt - tcb_.rcv.acked, size)) {
      WantFlush();
    }
    // Window update, as Linux: when what is left has doubled, so that a slow reader does not send
    // one per read.
    const uint32_t held = ReceiveWindow();
    const auto queued = static_cast<uint32_t>(std::min<size_t>(receive_queue_.size(), size));
    const uint32_t space = size - queued;
    const uint32_t step = std::min(size / 2, 2 * ack_policy_.receive_mss());
    if (held <= size / 2 && space >= 2 * held && space - held >= step) {
      ack_policy_.SetPending();
      WantFlush();
    }
  }
  UpdateReady();
}

}  // namespace moat::netstack::tcp
