#include "netstack/transport/tcp/time_wait.h"

#include <utility>

namespace moat::netstack::tcp {

TimeWait::TimeWait(Core& core, const FlowKey& key, InterfaceIndex device_index, const Tcb& tcb,
                   uint16_t wnd, uint64_t id, PortReservation port)
    : Flow(Kind::kTimeWait, key),
      core_(core),
      hook_(this),
      timer_(*core.env.timers, MemberTimer<&TimeWait::OnTimer>, this),
      snd_nxt_(tcb.snd.nxt),
      rcv_nxt_(tcb.rcv.nxt),
      ts_recent_(tcb.ts.recent),
      ts_offset_(tcb.ts.offset),
      ts_recent_at_(tcb.ts.recent_at),
      wnd_(wnd),
      timestamps_(tcb.ts.enabled),
      id_(id),
      port_(std::move(port)) {
  core_.memory.Charge(sizeof(TimeWait));
  device = device_index;
  timer_.Arm(core_.Now() + kTimeWaitDuration);
}

TimeWait::~TimeWait() { core_.memory.Release(sizeof(TimeWait)); }

void TimeWait::OnTimer() { core_.Destroy(this); }

bool TimeWait::Reusable() const {
  const int64_t mode = core_.sysctls.time_wait_reuse->value();
  const bool allowed = mode == 1 || (mode == 2 && key.local.IsLoopback());
  // A second, so that the new connection's timestamps are above those of the old one's segments.
  return allowed && timestamps_ && core_.Now() - ts_recent_at_ > std::chrono::seconds(1);
}

// RFC 6191 2: a later timestamp, or a higher sequence number where timestamps do not tell. The
// first timestamps will do: they part the new connection's segments from the old one's, which had
// none.
bool TimeWait::IsNewer(const Segment& syn) const {
  const bool stamped = syn.options.has_timestamps && core_.sysctls.timestamps->value() != 0;
  if (stamped && !timestamps_) return true;
  const auto later = static_cast<int32_t>(syn.options.ts_value - ts_recent_);
  return stamped && later != 0 ? later > 0 : syn.seq > rcv_nxt_;
}

bool TimeWait::SegmentArrives(const Segment& segment) {
  const bool has_timestamp = timestamps_ && segment.options.has_timestamps;
  const bool old_timestamp =
      has_timestamp && static_cast<int32_t>(segment.options.ts_value - ts_recent_) < 0;
  if (segment.Has(tcp_flag::kRst)) {
    // RFC 1337: a stray RST would end TIME-WAIT too early. RFC 9293 lets it; RFC 5961 3.2 wants it
    // exact.
    if (segment.seq == rcv_nxt_) {
      if (core_.sysctls.rfc1337->value() == 0) core_.Destroy(this);
    } else if (segment.seq.InWindow(rcv_nxt_, wnd_)) {
      SendAck(segment);
    }
    return false;
  }
  if (segment.Has(tcp_flag::kSyn) && !segment.Has(tcp_flag::kAck)) {
    if (IsNewer(segment)) return true;
  }
  if (old_timestamp) ++core_.counters.paws_estab;
  // The remote FIN again: acknowledge it, restart the 2 MSL timeout. Anything else is answered
  // sparingly.
  const bool fin_again = segment.Has(tcp_flag::kFin) && segment.end() == rcv_nxt_;
  if (fin_again && !old_timestamp) timer_.Arm(core_.Now() + kTimeWaitDuration);
  const bool acceptable = segment.length() == 0 && segment.seq == rcv_nxt_;
  if (!acceptable) SendAck(segment);
  return false;
}

void TimeWait::SendAck(const Segment& segment) {
  if (segment.length() == 0 && !core_.AllowInvalidAck(last_invalid_ack_)) {
    ++core_.counters.ack_skipped_time_wait;
    return;
  }
  Core::Bare bare;
  bare.flow = key;
  bare.interface = device;
  bare.seq = snd_nxt_;
  bare.ack = rcv_nxt_;
  bare.flags = tcp_flag::kAck;
  bare.ace = ace_;
  bare.wnd = wnd_;
  bare.timestamps = timestamps_;
  bare.ts_value = core_.TimestampNow() + ts_offset_;
  bare.ts_echo = ts_recent_;
  core_.Send(bare);
}

}  // namespace moat::netstack::tcp
