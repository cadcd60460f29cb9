// The fifth step's consequences (RFC 9293 3.10.7.4): SND.UNA and SND.WND move, the send queue
// shrinks, round trips are measured, and recovery learns what was delivered.
#include <algorithm>
#include <optional>

#include "netstack/transport/tcp/connection.h"
#include "netstack/transport/tcp/state.h"

namespace moat::netstack::tcp {

// RFC 7323 4.3, for a segment that passed PAWS and begins at or before what we last acknowledged.
void Connection::UpdateTimestamp(const Segment& segment) {
  if (!tcb_.ts.enabled || !segment.options.has_timestamps || segment.Has(tcp_flag::kRst)) return;
  if (segment.seq > tcb_.rcv.acked) return;
  tcb_.ts.recent = segment.options.ts_value;
  tcb_.ts.recent_at = core_.Now();
}

// Returns true when the window is not what it was.
bool Connection::UpdateSendWindow(const Segment& segment) {
  const bool newer = tcb_.snd.wl1 < segment.seq ||
                     (tcb_.snd.wl1 == segment.seq && tcb_.snd.wl2 <= segment.ack);
  if (!newer) return false;
  const uint32_t window = static_cast<uint32_t>(segment.wnd) << tcb_.snd.shift;
  const bool changed = window != tcb_.snd.wnd;
  tcb_.snd.wl1 = segment.seq;
  tcb_.snd.wl2 = segment.ack;
  tcb_.snd.wnd = window;
  tcb_.snd.max_wnd = std::max(tcb_.snd.max_wnd, window);
  return changed;
}

// The window opened and the peer did not take the probe: take its octet back, so that it goes out
// as part of a full segment rather than alone (and Nagle does not wait for it).
void Connection::TakeBackProbe() {
  const bool fin = flight_.front().Has(FlightRecord::kFin);
  if (fin) fin_sent_ = false;
  flight_.Clear();
  tcb_.snd.nxt = tcb_.snd.una;
  tcb_.snd.small = tcb_.snd.una;
  send_timer_kind_ = SendTimer::kNone;
  send_timer_.Cancel();
}

// RFC 2883 4: the first block lies below the ACK, or inside the second. Returns true for a D-SACK,
// which says nothing about the scoreboard.
bool Connection::TakeDsack(const Segment& segment, SackBlock* block) {
  const TcpOptionSet& options = segment.options;
  const SackBlock& first = options.sack[0];
  // RFC 2883 5: what was never sent, or not lately, reports nothing of ours.
  if (first.start >= first.end || first.end > tcb_.snd.nxt) return false;
  *block = first;
  if (first.end <= segment.ack) {
    const bool ours = segment.ack - first.start <= std::max(tcb_.snd.max_wnd, 65535u);
    if (ours) ++core_.counters.dsack_received;
    if (!ours) block->start = block->end;
    return true;
  }
  if (options.sack_count < 2) return false;
  const SackBlock& second = options.sack[1];
  if (first.start < second.start || first.end > second.end) return false;
  ++core_.counters.dsack_ofo_received;
  return true;
}

// RFC 6298 3: Karn's rule by `sent`, which only octets that were sent once have; timestamps where
// those do not say (RFC 7323 4.1), when their milliseconds are fine enough. Returns the sample, or
// zero.
Duration Connection::TakeRttSample(const Segment& segment, std::optional<Time> sent,
                                   bool acked_new) {
  Duration sample{};
  if (sent.has_value()) {
    sample = std::max(last_receive_ - *sent, Duration(1));
  } else if (acked_new && tcb_.ts.enabled && segment.options.has_timestamps &&
             segment.options.ts_echo != 0) {
    const uint32_t elapsed = core_.TimestampNow() + tcb_.ts.offset - segment.options.ts_echo;
    if (elapsed > 0 && elapsed < (1u << 24)) sample = std::chrono::milliseconds(elapsed);
  }
  if (sample == Duration::zero()) return sample;
  rtt_.Sample(sample, last_receive_);
  backoff_ = 0;  // RFC 6298 5.7, Karn: not before there is a measurement again
  probe_armed_by_rtt_ = true;
  return sample;
}

// Room for two windows: one in flight, one for the writer to fill meanwhile (as
// tcp_sndbuf_expand()).
void Connection::GrowSendBuffer() {
  if (settings_->socket.send_buffer != 0 || core_.memory.under_pressure()) return;
  const auto limit = static_cast<uint32_t>(core_.sysctls.wmem->value(2));
  send_buffer_ = std::max(send_buffer_, std::min(limit, 3 * window_.cwnd));
}

// The scoreboard learns, before the records below the ACK go, so that delivery is counted once.
void Connection::TakeSacks(const Segment& segment, AckEvent& event) {
  event.dsack = TakeDsack(segment, &event.duplicate_block);
  std::span<const SackBlock> blocks(segment.options.sack.data(), segment.options.sack_count);
  flight_.Sack(event.dsack ? blocks.subspan(1) : blocks, tcb_.snd.mss, &event.delivery);
  event.sacked_new = event.delivery.sacked > 0;
  core_.counters.sack_discard += event.delivery.discarded;
  if (event.duplicate_block.start == event.duplicate_block.end) event.dsack = false;
}

// SND.UNA moves.
void Connection::TakeAck(const Segment& segment, AckEvent& event) {
  event.delivery.sent.reset();
  flight_.AckTo(segment.ack, &event.delivery);
  // An ACK that covers a retransmission came when that did: octets that had long been waiting for
  // it behind the hole say nothing about a round trip.
  if (event.delivery.repaired) event.delivery.sent.reset();
  const uint32_t text = event.acked - (fin_sent_ && segment.ack == tcb_.snd.nxt ? 1 : 0);
  send_queue_.Drop(text);
  stats_.bytes_acked += text;
  tcb_.snd.una = segment.ack;
  if (tcb_.snd.urgent && tcb_.snd.up <= tcb_.snd.una) tcb_.snd.urgent = false;
  retransmits_ = 0;
  soft_error_ = Error::kOk;
  if (last_receive_ - last_confirm_ > std::chrono::seconds(1) && route_ != nullptr) {
    last_confirm_ = last_receive_;
    core_.env.ip->ConfirmNeighbor(*route_);
  }
}

// What a timestamp echo says about which transmission of a segment arrived.
void Connection::NoteEcho(const Segment& segment, AckEvent& event) const {
  event.has_echo =
      tcb_.ts.enabled && segment.options.has_timestamps && segment.options.ts_echo != 0;
  if (!event.has_echo) return;
  event.ts_echo = segment.options.ts_echo;
  if (!event.delivery.any_repeat) return;
  const FlightRecord& repeat = event.delivery.newest_repeat;
  const auto sent =
      static_cast<uint32_t>(repeat.sent.time_since_epoch() / std::chrono::milliseconds(1));
  event.repeat_is_old = static_cast<int32_t>(event.ts_echo - (sent + tcb_.ts.offset)) < 0;
}

void Connection::ProcessAck(const Segment& segment) {
  const SeqNum before = tcb_.snd.una;
  last_receive_ = core_.Now();
  keepalive_probes_ = 0;
  if (segment.ack < before) return;  // an old duplicate: its ACK says nothing
  const uint32_t outstanding = flight_.total();
  const bool window_changed = UpdateSendWindow(segment);
  AckEvent event;
  event.in_flight_before = Pipe();
  event.acked = segment.ack - before;
  event.echo = ecn_ && segment.Has(tcp_flag::kEce);
  event.plain = segment.text.size() == 0 && !segment.Has(tcp_flag::kFin);
  if (accecn_ != nullptr) [[unlikely]] event.delivery.packet_size = tcb_.snd.mss;
  if (tcb_.sack && segment.options.sack_count > 0) TakeSacks(segment, event);
  if (event.acked > 0) {
    TakeAck(segment, event);
    if (path_search_ && repair_->path.probe != 0 && tcb_.snd.una >= repair_->path.end)
        [[unlikely]] {
      PathProbeArrived();
    }
  } else if (segment.text.size() == 0) {
    ++core_.counters.pure_acks;
  }
  event.delivered = event.delivery.octets;
  if (event.echo) event.marked = event.delivered;
  if (accecn_ != nullptr) [[unlikely]] TakeAccEcn(segment, event);
  NoteEcho(segment, event);
  event.rtt = TakeRttSample(segment, event.delivery.sent, event.acked > 0);
  const RateSample sample = rate_.OnAck(event.delivery, rtt_.min_rtt(), last_receive_);
  // RFC 6675 2: with SACK it is what an ACK reports for the first time that counts, whatever else
  // it carries; without, RFC 5681 2.
  event.duplicate =
      event.acked == 0 && (tcb_.sack ? event.sacked_new
                                     : outstanding > 0 && event.plain && !window_changed);
  probes_ = 0;
  if (tcb_.snd.wnd > 0 && send_timer_kind_ == SendTimer::kPersist) {
    backoff_ = 0;
    if (flight_.total() == 1) TakeBackProbe();
  }
  OnAckEvent(event);
  if (algorithm_->every_ack) TellEveryAck(event, sample);
  GrowSendBuffer();
  // RFC 6298 5.2, 5.3, RFC 8985 8; Output() arms what is needed next.
  if (event.acked > 0 || send_timer_kind_ != SendTimer::kPersist) {
    ArmFlightTimer(event.acked > 0, event.reorder_left);
  }
}

}  // namespace moat::netstack::tcp
