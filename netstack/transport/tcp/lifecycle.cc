// Birth, changes of state, and the end of a connection; what ICMP says about it.
#include <algorithm>
#include <memory>
#include <utility>

#include "netstack/transport/tcp/connection.h"
#include "netstack/transport/tcp/listener.h"
#include "netstack/transport/tcp/state.h"
#include "netstack/transport/tcp/time_wait.h"

namespace moat::netstack::tcp {

size_t Connection::MemoryCost() { return sizeof(Connection) + 256; }

Connection::Connection(Core& core, uint64_t id, const FlowKey& flow, SharedSettings settings,
                       PortReservation port)
    : Flow(Kind::kConnection, flow),
      core_(core),
      id_(id),
      algorithm_(
          &CongestionAlgorithms()[static_cast<size_t>(core.sysctls.congestion_control->value())]),
      settings_(std::move(settings)),
      port_(std::move(port)),
      send_timer_(*core.env.timers, MemberTimer<&Connection::OnSendTimer>, this),
      ack_timer_(*core.env.timers, MemberTimer<&Connection::OnDelayedAckTimer>, this),
      idle_timer_(*core.env.timers, MemberTimer<&Connection::OnIdleTimer>, this),
      all_hook_(this),
      listener_hook_(this),
      flush_hook_(this) {
  core_.memory.Charge(MemoryCost());
  device = settings_->socket.bound_device;
  minimum_hops = MinimumHops(settings_->socket, key.remote);
  const Sysctls& sysctls = core_.sysctls;
  // tcp_rmem counts memory, of which Linux offers half as window at first; its maximum is taken
  // whole.
  receive_buffer_.Init(static_cast<uint32_t>(sysctls.rmem->value(1) / 2),
                       static_cast<uint32_t>(sysctls.rmem->value(2)),
                       sysctls.moderate_rcvbuf->value() != 0);
  receive_buffer_.Fix(settings_->socket.receive_buffer);
  receive_buffer_.Clamp(static_cast<uint32_t>(std::max(settings_->tcp.window_clamp, 0)));
  send_buffer_ = settings_->socket.send_buffer != 0 ? settings_->socket.send_buffer
                                                  : static_cast<uint32_t>(sysctls.wmem->value(1));
  if (!settings_->tcp.quick_ack) ack_policy_.LeaveQuickAck();
  UpdatePacing();
}

Connection::~Connection() {
  core_.memory.Release(MemoryCost() + charged_ + (accecn_ == nullptr ? 0 : sizeof(AccEcn)));
  core_.flows.Erase(this);
  core_.ForgetSavedSyn(this);
  if (counted_orphan_) --core_.orphans;
}

void Connection::SetState(TcpState state) {
  const bool before = IsCurrentlyEstablished(state_);
  const bool after = IsCurrentlyEstablished(state);
  if (after && !before) ++core_.counters.curr_estab;
  if (before && !after) --core_.counters.curr_estab;
  state_ = state;
}

void Connection::Established() {
  SetState(TcpState::kEstablished);
  if (backoff_ > 0) [[unlikely]] NoteSynTimeout();
  backoff_ = retransmits_ = 0;
  send_timer_kind_ = SendTimer::kNone;
  send_timer_.Cancel();
  last_receive_ = core_.Now();
  if (core_.sysctls.mtu_probing->value() == 2) [[unlikely]] SearchPath(UINT32_MAX);
  UpdateMss();
  window_.cwnd = InitialWindow();
  // RFC 5681 3.1 with RFC 6298 5.7: a lost SYN means a window of one segment.
  if (!rtt_.has_sample()) window_.cwnd = tcb_.snd.mss;
  tcb_.snd.small = tcb_.snd.una;
  recover_ = tcb_.snd.iss;
  ack_policy_.Init(AdvertisedMss() - (tcb_.ts.enabled ? kTcpTimestampsSize : 0));
  GrowSendBuffer();
  ArmIdleTimer();
  if (listener_ != nullptr) listener_->OnEstablished(*this);
  was_established_ = true;
  // 3.10.4: a CLOSE in SYN-RECEIVED was queued for this.
  if (write_shut_) SetState(TcpState::kFinWait1);
}

// The end: the flow is free, timers are quiet, the user is told, and what nobody holds goes.
void Connection::Die(Error error) {
  if (state_ == TcpState::kClosed) return;
  const bool attempt = state_ == TcpState::kSynSent || state_ == TcpState::kSynReceived;
  if (attempt) ++core_.counters.attempt_fails;
  SetState(TcpState::kClosed);
  if (error != Error::kOk) error_ = error;
  send_timer_.Cancel();
  ack_timer_.Cancel();
  idle_timer_.Cancel();
  if (pacer_ != nullptr) pacer_->Stop();
  send_timer_kind_ = SendTimer::kNone;
  flush_hook_.Unlink();
  core_.flows.Erase(this);
  send_queue_.Clear();
  flight_.Clear();
  out_of_order_.reset();
  fast_open_.reset();
  route_.reset();
  if (limit_ != SendLimit::kIdle) SwitchLimit(SendLimit::kIdle);
  if (error_ == Error::kConnectionReset || error_ == Error::kTimedOut) receive_queue_.Clear();
  SettleMemory();
  if (listener_ != nullptr && !was_established_) {
    // An embryo: nobody else knows it.
    listener_->OnGone(*this);
    listener_ = nullptr;
    core_.Retire(this);
    return;
  }
  if (closed_by_user_) {
    core_.Retire(this);
    return;
  }
  UpdateReady();
}

void Connection::EnterTimeWait() {
  if (core_.time_waits() >= core_.sysctls.max_time_waits->value() ||
      !core_.memory.Allows(MemoryUse::kTables, sizeof(TimeWait))) {
    ++core_.counters.time_wait_overflow;
    Die(Error::kOk);
    return;
  }
  const auto wnd = static_cast<uint16_t>(std::min(ReceiveWindow() >> tcb_.rcv.shift, 65535u));
  auto rest = std::make_unique<TimeWait>(core_, key, device, tcb_, wnd, id_, std::move(port_));
  if (accecn_ != nullptr) rest->set_ace(accecn_->in.ace());
  Flow* flow = rest.get();
  core_.Adopt(std::move(rest));
  Die(Error::kOk);
  core_.flows.Insert(flow);
}

// ICMP. RFC 5927: only errors that quote something in flight are believed.
bool Connection::InFlight(SeqNum seq) const {
  return state_ != TcpState::kClosed && tcb_.snd.una <= seq && seq < tcb_.snd.nxt;
}

void Connection::OnIcmpError(const IcmpErrorIn& error, SeqNum seq) {
  if (!InFlight(seq)) {
    ++core_.counters.out_of_window_icmps;
    return;
  }
  if (error.kind == IcmpErrorIn::Kind::kPacketTooBig) {
    OnPacketTooBig(error.mtu);
    return;
  }
  const bool connecting = state_ == TcpState::kSynSent || state_ == TcpState::kSynReceived;
  // While connecting an error that Linux calls fatal ends the attempt; afterwards all are soft (RFC
  // 5461).
  if (connecting && error.error != Error::kOk && error.kind != IcmpErrorIn::Kind::kTimeExceeded &&
      error.kind != IcmpErrorIn::Kind::kReassemblyTimeExceeded) {
    if (fast_open_ != nullptr && fast_open_->syn_text > 0) RefuseFastOpen();
    Die(passive_ ? Error::kOk : error.error);
    return;
  }
  if (error.error != Error::kOk) soft_error_ = error.error;
}

void Connection::OnPacketTooBig(uint32_t mtu) {
  if (state_ == TcpState::kSynSent || state_ == TcpState::kSynReceived) return;
  if (mtu >= tcb_.snd.mss + HeaderSize() && route_ != nullptr && route_->valid()) return;
  route_.reset();
  const uint32_t before = tcb_.snd.mss;
  if (!EnsureRoute()) return;
  // RFC 1191 6.1: resegment without touching cwnd, which says nothing about congestion.
  if (tcb_.snd.mss < before) Output();
}

// A third of the buffer is worth a wake-up, as on Linux; when memory is scarce, whatever there is.
bool Connection::Writable() const {
  const size_t space = Space();
  return space >= send_buffer_ / 3 || (starved_ && space > 0);
}

uint32_t Connection::Ready() const {
  uint32_t bits = 0;
  const bool dead = state_ == TcpState::kClosed;
  if (!receive_queue_.empty() || fin_received_ || read_shut_ || dead) bits |= ready::kReadable;
  if (dead || write_shut_ || (Writable() && UnsentLow())) {
    bits |= ready::kWritable;
  }
  if (was_established_) bits |= ready::kConnected;
  if (fin_received_ || read_shut_ || dead) bits |= ready::kPeerClosed;
  if (error_ != Error::kOk) bits |= ready::kError;
  if (dead) bits |= ready::kClosed;
  if (urgent_pending_) bits |= ready::kUrgent;
  return bits;
}

void Connection::UpdateReady() {
  const uint32_t now = Ready();
  const uint32_t rising = now & ~ready_;
  ready_ = now;
  if (rising != 0 && observer_ != nullptr) observer_->OnReady(rising);
}

void Connection::SetObserver(SocketObserver* observer) {
  observer_ = observer;
  ready_ = Ready();
}

}  // namespace moat::netstack::tcp
