// SEGMENT ARRIVES in LISTEN (RFC 9293 3.10.7.2).
#include <memory>
#include <optional>
#include <utility>

#include "netstack/transport/ip_options.h"
#include "netstack/transport/tcp/connection.h"
#include "netstack/transport/tcp/listener.h"

namespace moat::netstack::tcp {

void Listener::SegmentArrives(const Segment& segment, const SeqNum* minimum_isn) {
  // First, check for a RST.
  if (segment.Has(tcp_flag::kRst)) return;
  // Second, check for an ACK: any acknowledgment is bad here, unless it answers a cookie.
  if (segment.Has(tcp_flag::kAck)) {
    if (!OnCookieAck(segment)) core_.SendReset(segment);
    return;
  }
  // Third, check for a SYN. RFC 1122 4.2.3.10: not from or to a group or a broadcast;
  // nor to an anycast address, as Linux: the next segment may reach another node.
  if (!segment.Has(tcp_flag::kSyn)) return;
  if (segment.packet->to_several()) return;
  if (segment.packet->source.IsMulticast() || segment.packet->source.IsUnspecified()) return;
  // DEVIATION: SYN with FIN or RST never begins a connection (as Linux and most do).
  if (segment.Has(tcp_flag::kFin)) return;
  OnSyn(segment, minimum_isn);
}

void Listener::OnSyn(const Segment& segment, const SeqNum* minimum_isn) {
  if (AcceptQueueFull()) {
    ++core_.counters.listen_overflows;
    ++core_.counters.listen_drops;
    return;
  }
  const int64_t cookies = core_.sysctls.syncookies->value();
  if (cookies == 2 || embryo_count_ >= core_.sysctls.max_syn_backlog->value() ||
      !core_.memory.Allows(MemoryUse::kHalfOpen, Connection::MemoryCost())) {
    if (cookies != 0) {
      ++core_.counters.request_queue_full_cookies;
      SendSynCookie(segment);
    } else {
      ++core_.counters.request_queue_full_drop;
      ++core_.counters.listen_drops;
    }
    return;
  }
  const FlowKey key = Core::KeyOf(segment);
  Connection* connection = NewEmbryo(key, segment);
  SeqNum iss = core_.isn.Isn(key, core_.Now());
  if (minimum_isn != nullptr && iss < *minimum_isn) iss = *minimum_isn;
  if (settings_->tcp.save_syn) [[unlikely]] core_.SaveSyn(connection, segment);
  if (connection->OpenPassive(*this, segment, iss, JudgeFastOpen(segment)) == Error::kOk) return;
  ++core_.counters.listen_drops;
  OnGone(*connection);
  core_.flows.Erase(connection);
  core_.Retire(connection);
}

// A connection answers with the IP options that its SYN brought (as Linux: record route and
// timestamp), and with no others.
SharedSettings Listener::SettingsFor(const Segment& syn) const {
  if (settings_->socket.ip_options == nullptr && syn.packet->ip_options_size == 0) [[likely]] {
    return settings_;
  }
  auto own = std::make_shared<Settings>(*settings_);
  own->socket.ip_options = nullptr;
  if (const Ipv4OptionsRef arrived = ArrivedIpOptions(core_.env, *syn.packet)) {
    own->socket.ip_options = ReturnedIpv4Options(arrived->span());
  }
  return own;
}

Connection* Listener::NewEmbryo(const FlowKey& key, const Segment& syn) {
  auto connection = std::make_unique<Connection>(core_, core_.NextId(), key, SettingsFor(syn),
                                                 port_.Share(key.local));
  if (!congestion_control_.empty()) (void)connection->SetCongestionControl(congestion_control_);
  core_.flows.Insert(connection.get());
  embryos_.PushBack(connection->listener_hook());
  ++embryo_count_;
  return core_.Adopt(std::move(connection));
}

void Listener::SendSynCookie(const Segment& syn) {
  const FlowKey key = Core::KeyOf(syn);
  const Time now = core_.Now();
  uint16_t mss = syn.options.has_mss ? syn.options.mss : (key.remote.is_v4() ? 536 : 1220);
  Core::Bare answer;
  answer.flow = key;
  answer.interface = device();
  answer.seq = core_.cookies.Make(key, syn.seq, &mss, now);
  answer.ack = syn.seq + 1;
  answer.flags = tcp_flag::kSyn | tcp_flag::kAck;
  answer.wnd = 65535;
  answer.mss = key.remote.is_v4() ? 1460 : 1440;
  const EcnMode ecn = Connection::JudgeEcn(core_, syn);
  // RFC 9768 5.1: this need not be remembered, for the ACK says it again.
  if (ecn == EcnMode::kAccurate) answer.ace = HandshakeAce(syn.packet->traffic_class);
  // Without timestamps there is nowhere to keep the other options, so they are not accepted.
  if (syn.options.has_timestamps && core_.sysctls.timestamps->value() != 0) {
    TcpOptionSet kept = syn.options;
    if (core_.sysctls.sack->value() == 0) kept.sack_permitted = false;
    if (core_.sysctls.window_scaling->value() == 0) kept.has_window_scale = false;
    answer.timestamps = true;
    answer.ts_value =
        SynCookies::EncodeOptions(kept, ecn == EcnMode::kClassic, core_.TimestampNow()) +
        core_.isn.TimestampOffset(key);
    if (ecn == EcnMode::kClassic) answer.ace = AceOf(false, tcp_flag::kEce);
    answer.ts_echo = syn.options.ts_value;
    answer.sack_permitted = kept.sack_permitted;
    answer.has_window_scale = kept.has_window_scale;
    answer.window_scale =
        ReceiveBuffer::ShiftFor(static_cast<uint32_t>(core_.sysctls.rmem->value(2)));
  }
  ++core_.counters.syncookies_sent;
  last_cookie_ = now;
  sent_cookies_ = true;
  core_.Send(answer);
}

// True when the ACK completes a handshake that a cookie began.
bool Listener::OnCookieAck(const Segment& segment) {
  const Time now = core_.Now();
  if (!sent_cookies_ || now - last_cookie_ > 2 * SynCookies::kPeriod) return false;
  const FlowKey key = Core::KeyOf(segment);
  const SeqNum irs = segment.seq - 1;
  const SeqNum iss = segment.ack - 1;
  const std::optional<uint16_t> mss = core_.cookies.Check(key, irs, iss, now);
  if (!mss.has_value()) {
    ++core_.counters.syncookies_failed;
    return false;
  }
  const bool memory = core_.memory.Allows(MemoryUse::kConnections, Connection::MemoryCost());
  if (AcceptQueueFull() || !memory) {
    if (memory) ++core_.counters.listen_overflows;
    ++core_.counters.listen_drops;
    return true;
  }
  ++core_.counters.syncookies_received;
  // The SYN as it was.
  Segment syn;
  syn.packet = segment.packet;
  syn.source_port = segment.source_port;
  syn.destination_port = segment.destination_port;
  syn.seq = irs;
  syn.flags = tcp_flag::kSyn;
  syn.wnd = segment.wnd;
  syn.options.has_mss = true;
  syn.options.mss = *mss;
  if (segment.options.has_timestamps) {
    syn.options.has_timestamps = true;
    syn.options.ts_value = segment.options.ts_value;
    const uint32_t kept = segment.options.ts_echo - core_.isn.TimestampOffset(key);
    if (SynCookies::DecodeOptions(kept, &syn.options)) syn.flags |= tcp_flag::kEce | tcp_flag::kCwr;
  }
  // RFC 9768 5.1: ACE of a client that agreed to AccECN is 2 or more. With data it counts already,
  // which is as good unless marks have made it cycle.
  if (!syn.Has(tcp_flag::kEce) && segment.ace() >= 2 && Connection::AcceptsAccEcn(core_)) {
    syn.flags |= tcp_flag::kEce | tcp_flag::kCwr;
    syn.ae = true;
  }
  Connection* connection = NewEmbryo(key, syn);
  if (connection->OpenFromCookie(*this, syn, iss) != Error::kOk) {
    OnGone(*connection);
    core_.flows.Erase(connection);
    core_.Retire(connection);
    return true;
  }
  Segment ack = segment;
  connection->SegmentArrives(ack);
  return true;
}

}  // namespace moat::netstack::tcp
