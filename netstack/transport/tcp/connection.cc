// The user's calls (RFC 9293 3.10.1 to 3.10.6).
#include "netstack/transport/tcp/connection.h"

#include <algorithm>
#include <utility>

#include "netstack/transport/tcp/listener.h"
#include "netstack/transport/tcp/state.h"
#include "netstack/transport/tcp/user_timeout_option.h"

namespace moat::netstack::tcp {
namespace {

// What a writer gets with an empty queue however scarce memory is.
constexpr size_t kLeastSendSpace = 16 * 1024;

}  // namespace

// --- OPEN ---------------------------------------------------------------------------------------

Error Connection::Prepare(SeqNum iss) {
  if (!EnsureRoute()) return soft_error_;
  tcb_.snd.iss = tcb_.snd.una = iss;
  tcb_.snd.nxt = iss + 1;
  tcb_.snd.up = tcb_.snd.small = iss;
  tcb_.ts.offset = core_.isn.TimestampOffset(key);
  tcb_.rcv.shift = ReceiveBuffer::ShiftFor(receive_buffer_.max());
  window_scaling_ = true;
  first_timeout_ = core_.Now();
  user_timeout_option_ = user_timeout_untold_ = core_.sysctls.user_timeout_option->value() != 0;
  return Error::kOk;
}

Error Connection::Open() {
  const Error error = Prepare(core_.isn.Isn(key, core_.Now()));
  if (error != Error::kOk) return error;
  tcb_.ts.enabled = core_.sysctls.timestamps->value() != 0;
  ++core_.counters.active_opens;
  SetState(TcpState::kSynSent);
  PrepareFastOpen();
  if (!open_deferred()) SendFirstSyn();
  UpdateReady();
  return Error::kOk;
}

Error Connection::BecomeSynReceived(Listener& listener, const Segment& syn, SeqNum iss) {
  passive_ = true;
  listener_ = &listener;
  const Error error = Prepare(iss);
  if (error != Error::kOk) return error;
  ++core_.counters.passive_opens;
  SetState(TcpState::kSynReceived);
  TakeSyn(syn);
  tcb_.snd.wnd = tcb_.snd.max_wnd = syn.wnd;
  tcb_.snd.wl1 = syn.seq;
  return Error::kOk;
}

Error Connection::OpenPassive(Listener& listener, const Segment& syn, SeqNum iss,
                              std::unique_ptr<FastOpen> fast_open) {
  const Error error = BecomeSynReceived(listener, syn, iss);
  if (error != Error::kOk) return error;
  fast_open_ = std::move(fast_open);
  if (fast_open_ != nullptr && fast_open_->queue != nullptr) AcceptEarly(syn);
  (void)SendSyn();  // a failure is a loss: the timer sends it again
  send_timer_kind_ = SendTimer::kSyn;
  send_timer_.Arm(core_.Now() + rtt_.Rto());
  return Error::kOk;
}

Error Connection::OpenFromCookie(Listener& listener, const Segment& syn, SeqNum iss) {
  const Error error = BecomeSynReceived(listener, syn, iss);
  if (error != Error::kOk) return error;
  // As the cookie says, whatever codepoint the ACK has.
  ecn_ = ecn_ect_ = accecn_ == nullptr && syn.Has(tcp_flag::kEce);
  retransmits_ = 1;  // no round trip was measured
  send_timer_kind_ = SendTimer::kSyn;
  send_timer_.Arm(core_.Now() + rtt_.Rto());
  return Error::kOk;
}

// --- SEND ---------------------------------------------------------------------------------------

bool Connection::MayWrite() const { return MaySend(state_) || open_deferred(); }

size_t Connection::BufferSpace() const {
  if (!MayWrite() || write_shut_) return 0;
  const size_t used = send_queue_.size();
  return used >= send_buffer_ ? 0 : send_buffer_ - used;
}

size_t Connection::Space() const {
  const size_t space = BufferSpace();
  if (space == 0 || core_.memory.Allows(MemoryUse::kSendData, space)) return space;
  return ScarceSpace(space);
}

// What memory leaves of `wanted`. With nothing queued there is a little, or nothing would ever go
// on.
size_t Connection::ScarceSpace(size_t wanted) const {
  starved_ = true;
  core_.Starve();
  size_t room = core_.memory.Room(MemoryUse::kSendData);
  if (room >= wanted) return 0;  // a test's fault
  if (send_queue_.empty()) {
    room = std::max(room, std::min(kLeastSendSpace, core_.memory.Room(MemoryUse::kReserve)));
  }
  return std::min(room, wanted);
}

void Connection::TryAgain() {
  if (!starved_) return;
  starved_ = false;
  ready_ &= ~ready::kWritable;  // so that it is news
  UpdateReady();
}

bool Connection::UnsentLow() const {
  const uint32_t mark = settings_->tcp.not_sent_low_water;
  return mark == UINT32_MAX || UnsentBytes() < mark;
}

Error Connection::CheckWrite(size_t size) {
  if (write_shut_ || (was_established_ && !MaySend(state_))) return Error::kBrokenPipe;
  if (!MayWrite()) {
    const bool early = state_ == TcpState::kSynSent && fast_open_ != nullptr;
    return early ? Error::kWouldBlock : Error::kNotConnected;
  }
  if (size > BufferSpace() && !send_queue_.empty()) {
    NoteWriterWaits(BufferSpace());
    return Error::kWouldBlock;
  }
  const MemoryUse use = send_queue_.empty() ? MemoryUse::kReserve : MemoryUse::kSendData;
  if (size > core_.memory.Room(use)) {
    starved_ = true;
    core_.Starve();
    return Error::kWouldBlock;
  }
  return Error::kOk;
}

Error Connection::Write(Slice data, bool more) {
  const Error error = CheckWrite(data.size());
  if (error != Error::kOk) {
    UpdateReady();
    return error;
  }
  if (data.empty()) return Error::kOk;
  send_queue_.Append(std::move(data));
  push_now_ = !more;
  if (open_deferred()) [[unlikely]] SendFirstSyn();
  Output();
  SettleMemory();
  UpdateReady();
  return Error::kOk;
}

Error Connection::WriteUrgent(Slice data) {
  if (open_deferred()) return Error::kNotConnected;
  const Error error = CheckWrite(data.size());
  if (error != Error::kOk || data.empty()) return error;
  send_queue_.Append(std::move(data));
  // RFC 9293 3.8.5: the pointer is one behind the last urgent octet.
  tcb_.snd.up = tcb_.snd.una + static_cast<uint32_t>(send_queue_.size());
  tcb_.snd.urgent = true;
  push_now_ = true;
  Output();
  SettleMemory();
  UpdateReady();
  return Error::kOk;
}

// --- RECEIVE ------------------------------------------------------------------------------------

bool Connection::AtEndOfStream() const {
  if (!receive_queue_.empty()) return false;
  return fin_received_ || read_shut_ || state_ == TcpState::kClosed;
}

// --- CLOSE --------------------------------------------------------------------------------------

// Our FIN, behind all that is queued.
void Connection::CloseSendSide() {
  if (write_shut_) return;
  write_shut_ = true;
  if (state_ == TcpState::kEstablished) SetState(TcpState::kFinWait1);
  if (state_ == TcpState::kCloseWait) SetState(TcpState::kLastAck);
  Output();
}

Error Connection::Shutdown(ShutdownHow how) {
  if (state_ == TcpState::kClosed) return Error::kNotConnected;
  if (state_ == TcpState::kSynSent) {
    // Linux: shutdown of a connection in the making ends it.
    Die(Error::kOk);
    return Error::kOk;
  }
  if (how != ShutdownHow::kWrite) read_shut_ = true;
  if (how != ShutdownHow::kRead) CloseSendSide();
  UpdateReady();
  return Error::kOk;
}

void Connection::Close() {
  observer_ = nullptr;
  closed_by_user_ = true;
  if (state_ == TcpState::kClosed) {
    core_.Retire(this);
    return;
  }
  if (state_ == TcpState::kSynSent) {
    Die(Error::kOk);
    return;
  }
  // RFC 2525 2.17: unread data means that the application did not get what the peer sent.
  if (!receive_queue_.empty()) {
    ++core_.counters.abort_on_close;
    Abort();
    return;
  }
  const bool no_memory = !send_queue_.empty() && !core_.memory.Allows(MemoryUse::kOrphans, 0);
  if (core_.orphans >= core_.sysctls.max_orphans->value() || no_memory) {
    ++core_.counters.abort_on_memory;
    Abort();
    return;
  }
  // TCP_LINGER2 (tcp(7)): such an orphan has no FIN-WAIT-2.
  if (state_ == TcpState::kFinWait2 && settings_->tcp.linger2 < Duration::zero()) {
    ++core_.counters.abort_on_linger;
    Abort();
    return;
  }
  ++core_.orphans;
  counted_orphan_ = true;
  idle_timer_.Cancel();
  CloseSendSide();
  if (state_ == TcpState::kFinWait2) StartFinWait2Timer();
}

void Connection::Abort(Error error) {
  if (IsSynchronized(state_) || state_ == TcpState::kSynReceived) {
    // Nothing is outstanding in these: the peer has our FIN's ACK.
    const bool quiet = state_ == TcpState::kLastAck || state_ == TcpState::kClosing;
    if (!quiet) SendRst();
    if (IsCurrentlyEstablished(state_)) ++core_.counters.estab_resets;
  }
  receive_queue_.Clear();
  Die(error);
}

// --- STATUS and options -------------------------------------------------------------------------

Error Connection::TakeError() {
  const Error error = error_ != Error::kOk ? error_ : soft_error_;
  error_ = soft_error_ = Error::kOk;
  UpdateReady();
  return error;
}

void Connection::ApplySettings(SharedSettings settings) {
  const bool was_corked = settings_->tcp.cork;
  const bool was_quick = settings_->tcp.quick_ack;
  const Duration patience = settings_->tcp.user_timeout;
  settings_ = std::move(settings);
  const SocketOptions& socket = settings_->socket;
  device = socket.bound_device;
  minimum_hops = MinimumHops(socket, key.remote);
  port_.SetReuse(socket.reuse_address, socket.reuse_port);
  if (socket.send_buffer != 0) send_buffer_ = socket.send_buffer;
  receive_buffer_.Fix(socket.receive_buffer);
  receive_buffer_.Clamp(static_cast<uint32_t>(std::max(settings_->tcp.window_clamp, 0)));
  if (was_quick && !settings_->tcp.quick_ack) ack_policy_.LeaveQuickAck();
  if (!was_quick && settings_->tcp.quick_ack) {
    ack_policy_.EnterQuickAck();
    if (ack_policy_.pending()) WantFlush();
  }
  if (was_corked && !settings_->tcp.cork) push_now_ = true;
  if (settings_->tcp.user_timeout != patience) user_timeout_untold_ = user_timeout_option_;
  UpdatePacing();
  if (state_ == TcpState::kClosed) return;
  UpdateMss();
  ArmIdleTimer();
  Output();
  UpdateReady();
}

Error Connection::SetCongestionControl(std::string_view name) {
  const CongestionAlgorithm* algorithm = FindCongestionAlgorithm(name);
  if (algorithm == nullptr) return Error::kInvalid;
  if (algorithm != algorithm_) congestion_.reset();
  algorithm_ = algorithm;
  UpdatePacing();
  Output();  // what the old one held back
  return Error::kOk;
}

TcpInfo Connection::Info() {
  TcpInfo info;
  const Time now = core_.Now();
  const uint32_t mss = std::max(tcb_.snd.mss, 1u);
  const auto segments = [mss](uint32_t octets) { return (octets + mss - 1) / mss; };
  const auto segments32 = [mss](uint64_t octets) {
    return static_cast<uint32_t>((octets + mss - 1) / mss);
  };
  info.state = state_;
  info.congestion_control = algorithm_->name;
  info.ca_state = static_cast<uint8_t>(recovery_);
  info.retransmits = retransmits_;
  info.probes = static_cast<uint8_t>(std::min(probes_ + keepalive_probes_, 255));
  info.backoff = backoff_;
  info.timestamps = tcb_.ts.enabled;
  info.sack = tcb_.sack;
  info.ecn = ecn_ || accecn_ != nullptr;
  info.ecn_seen = ecn_seen_;
  info.syn_data = syn_data_acked_;
  info.fast_open_child = fast_open_child_;
  info.fast_open_failure = fast_open_failure_;
  info.window_scaling = window_scaling_;
  info.send_window_scale = tcb_.snd.shift;
  info.receive_window_scale = tcb_.rcv.shift;
  info.rto = rtt_.Rto(backoff_);
  info.ato = ack_policy_.delay();
  info.rtt = rtt_.srtt();
  info.rtt_variance = rtt_.variance();
  info.min_rtt = rtt_.min_rtt();
  info.send_mss = mss;
  info.receive_mss = ack_policy_.receive_mss();
  info.advertised_mss = AdvertisedMss();
  info.path_mtu = route_ == nullptr ? 0 : route_->mtu;
  info.unacked = segments(flight_.total());
  info.sacked = segments(flight_.sacked());
  info.lost = segments(flight_.lost());
  info.retransmitted = segments(flight_.retransmitted());
  info.last_data_sent = now - last_send_;
  info.last_data_received = last_data_receive_ == Time{} ? Duration{} : now - last_data_receive_;
  info.last_ack_received = now - last_receive_;
  info.send_ssthresh =
      window_.ssthresh == kInfiniteSsthresh ? kInfiniteSsthresh : window_.ssthresh / mss;
  info.congestion_window = window_.cwnd / mss;
  info.receive_space = receive_buffer_.size();
  info.send_window = tcb_.snd.wnd;
  info.receive_window = ReceiveWindow();
  info.receive_window_limit = WindowLimit();
  info.bytes_acked = stats_.bytes_acked;
  info.bytes_received = stats_.bytes_received;
  info.bytes_sent = stats_.bytes_sent + stats_.bytes_retransmitted;
  info.bytes_retransmitted = stats_.bytes_retransmitted;
  info.segments_out = stats_.segments_out;
  info.segments_in = stats_.segments_in;
  info.data_segments_out = stats_.data_segments_out;
  info.data_segments_in = stats_.data_segments_in;
  info.total_retransmits = stats_.total_retransmits;
  info.not_sent_bytes = static_cast<uint32_t>(UnsentBytes());
  info.reordering = kDupThresh;
  info.delivery_rate = rate_.rate();
  info.delivery_rate_app_limited = rate_.rate_app_limited();
  info.delivered = segments32(rate_.delivered());
  info.pacing_rate = paced_ ? PacingRate() : UnpacedRate();
  info.max_pacing_rate = settings_->tcp.max_pacing_rate;
  info.receive_rtt = receive_buffer_.rtt();
  info.peer_user_timeout = DecodeUserTimeout(tcb_.snd.remote_uto);
  DescribeLimits(info);
  if (repair_ != nullptr) {
    info.total_timeouts = repair_->timeouts;
    info.timeout_recoveries = repair_->timeout_recoveries;
    info.timeout_time = repair_->timeout_time;
    if (repair_->timeout_began != Time{}) info.timeout_time += now - repair_->timeout_began;
    info.reordering = std::max(info.reordering, repair_->reordering);
    info.reordering_events = repair_->reordering_events;
    info.out_of_order_segments = repair_->out_of_order;
    info.rehashes = repair_->rehashes;
    info.received_marked = repair_->received_marked;
    info.duplicates_reported = repair_->dsacks;
    info.delivered_marked = static_cast<uint32_t>(repair_->delivered_marked / mss);
  }
  if (accecn_ != nullptr) {
    info.accurate_ecn = true;
    info.ecn_seen |= accecn_->in.any_capable();
    info.accecn_option_seen = accecn_->out.option_seen();
    info.accecn_failures = static_cast<uint8_t>((accecn_->heed ? 0 : 2) |
                                                (accecn_->options_stopped ? 4 : 0) |
                                                (accecn_->out.option_cleared() ? 8 : 0));
    info.delivered_marked = accecn_->out.marked();
    info.received_marked = accecn_->in.marked();
    info.delivered_e0_bytes = accecn_->out.octets(EcnOctets::kE0);
    info.delivered_e1_bytes = accecn_->out.octets(EcnOctets::kE1);
    info.delivered_ce_bytes = accecn_->out.octets(EcnOctets::kCe);
    info.received_e0_bytes = accecn_->in.octets(EcnOctets::kE0);
    info.received_e1_bytes = accecn_->in.octets(EcnOctets::kE1);
    info.received_ce_bytes = accecn_->in.octets(EcnOctets::kCe);
  }
  return info;
}

}  // namespace moat::netstack::tcp
