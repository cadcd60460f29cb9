// Building one segment, or one super-segment that the link cuts, and handing it to IP.
#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "netstack/transport/ip_options.h"
#include "netstack/transport/tcp/connection.h"
#include "netstack/transport/tcp/state.h"

namespace moat::netstack::tcp {
namespace {

// Pieces of the send queue that one super-segment may gather.
constexpr size_t kMaxPieces = 32;

}  // namespace

struct OutSegment {
  SeqNum seq;
  uint8_t flags = 0;
  bool ae = false;
  uint32_t offset = 0;  // of the text in the send queue
  uint32_t text = 0;    // octets wanted; what was sent afterwards
  TcpOptionSet options;
  uint16_t wnd = 0;
  bool whole = false;     // a probe of the path: bigger than the MSS, and not to be cut
  bool new_text = false;  // sent for the first time, and not as a probe
};

void Connection::FillOptions(TcpOptionSet& options, const SackBlock* duplicate) const {
  if (tcb_.ts.enabled) {
    options.has_timestamps = true;
    options.ts_value = core_.TimestampNow() + tcb_.ts.offset;
    options.ts_echo = tcb_.ts.recent;
  }
  if (!tcb_.sack) return;
  // RFC 2883 4: a D-SACK is the first block; RFC 2018 4: then the most recent.
  if (duplicate != nullptr) options.sack[options.sack_count++] = *duplicate;
  if (out_of_order_ == nullptr) return;
  for (const SackBlock& block : out_of_order_->blocks()) {
    if (options.sack_count == kTcpMaxSackBlocks) break;
    options.sack[options.sack_count++] = block;
  }
}

// Full-sized text makes room for it, once; a SYN's text has left room for all options.
void Connection::TellUserTimeout(OutSegment& out) const {
  if (out.whole || !PutUserTimeout(out.options, out.flags)) return;
  const auto most = tcb_.snd.mss - static_cast<uint32_t>(kTcpUserTimeoutSize);
  if ((out.flags & tcp_flag::kSyn) != 0 || out.text <= most) return;
  out.text = most;
  out.flags &= static_cast<uint8_t>(~(tcp_flag::kFin | tcp_flag::kPsh));
}

Error Connection::SendOut(OutSegment& out) {
  if (!EnsureRoute()) return Error::kNetworkUnreachable;
  if (user_timeout_untold_) [[unlikely]] TellUserTimeout(out);
  std::array<uint8_t, kTcpMaxHeaderSize> header;
  // Uninitialized: clearing half a kilobyte costs more than building a header.
  using Piece = std::span<const uint8_t>;
  alignas(Piece) std::byte storage[kMaxPieces * sizeof(Piece)];
  const std::span<Piece> pieces(reinterpret_cast<Piece*>(storage), kMaxPieces);
  size_t piece_count = 0;
  if (out.text > 0) {
    const auto covered =
        static_cast<uint32_t>(send_queue_.Gather(out.offset, out.text, pieces, &piece_count));
    if (covered < out.text) {
      // Cut short where the pieces ran out: no FIN and, if it can be, only full segments.
      const uint32_t mss = tcb_.snd.mss;
      out.text = covered > mss ? covered / mss * mss : covered;
      out.flags &= static_cast<uint8_t>(~(tcp_flag::kFin | tcp_flag::kPsh));
      (void)send_queue_.Gather(out.offset, out.text, pieces, &piece_count);
    }
  }
  TcpFields fields;
  fields.source_port = key.local_port;
  fields.destination_port = key.remote_port;
  fields.seq = out.seq;
  fields.flags = out.flags;
  fields.ae = out.ae;
  if (echo_ce_ && (out.flags & (tcp_flag::kSyn | tcp_flag::kRst)) == 0)
    fields.flags |= tcp_flag::kEce;
  if ((out.flags & tcp_flag::kAck) != 0) fields.ack = tcb_.rcv.nxt;
  fields.window = out.wnd;
  if (tcb_.snd.urgent && tcb_.snd.up > out.seq && tcb_.snd.up - out.seq <= 65535) {
    fields.flags |= tcp_flag::kUrg;
    fields.urgent_pointer = static_cast<uint16_t>(tcb_.snd.up - out.seq);
  }
  if (accecn_ != nullptr) [[unlikely]] StampAccEcn(fields, out.options, out.text);
  fields.options_size = EmitTcpOptions(out.options, header.data() + kTcpHeaderSize);
  EmitTcp(fields, header.data());

  IpPacketOut packet;
  packet.protocol = ip_protocol::kTcp;
  const SocketOptions& options = settings_->socket;
  const bool v4 = key.remote.is_v4();
  packet.traffic_class = TrafficClass(
      v4 || options.traffic_class < 0 ? options.tos : static_cast<uint8_t>(options.traffic_class),
      out.new_text);
  const int16_t hops = v4 ? options.ttl : options.hop_limit;
  packet.hop_limit = hops > 0 ? static_cast<uint8_t>(hops) : 0;
  using Discover = SocketOptions::MtuDiscover;
  packet.dont_fragment = options.mtu_discover != Discover::kDont &&
                         !(route_->mtu_is_floor && options.mtu_discover == Discover::kWant);
  if (!v4) packet.flow_label = FlowLabel();
  packet.transport_header = {header.data(), kTcpHeaderSize + fields.options_size};
  packet.payload = pieces.first(piece_count);
  packet.checksum_offset = kTcpChecksumOffset;
  uint32_t segments = 1;
  if (out.text > tcb_.snd.mss && !out.whole) {
    packet.gso = v4 ? GsoType::kTcpV4 : GsoType::kTcpV6;
    packet.gso_size = static_cast<uint16_t>(tcb_.snd.mss);
    segments = (out.text - 1) / tcb_.snd.mss + 1;
  }
  Ipv4Options ip_options;
  if (const Ipv4Options* given = IpOptions()) [[unlikely]] {
    packet.options = LeavingIpOptions(core_.env, *route_, *given, ip_options);
  }
  const Error error = core_.env.ip->Send(*route_, packet);
  if (error != Error::kOk) return error;
  core_.counters.out_segs += segments;
  stats_.segments_out += segments;
  if (out.text > 0) stats_.data_segments_out += segments;
  // RFC 5482 3: the first segment without SYN has it again, for peers that remember no SYN.
  if (out.options.user_timeout != 0) [[unlikely]] {
    user_timeout_untold_ = (out.flags & tcp_flag::kSyn) != 0;
  }
  return Error::kOk;
}

// Everything that carries an ACK settles what was owed.
void Connection::NoteSent(bool data) {
  tcb_.rcv.acked = tcb_.rcv.nxt;
  ack_policy_.OnAckSent();
  if (ack_timer_.armed()) ack_timer_.Cancel();
  if (data) {
    last_send_ = core_.Now();
    ack_policy_.OnDataSent(last_send_);
  }
}

// <SYN> in SYN-SENT, <SYN,ACK> in SYN-RECEIVED.
Error Connection::SendSyn() {
  const Sysctls& sysctls = core_.sysctls;
  const bool answer = state_ == TcpState::kSynReceived || syn_ack_unacked_;
  if (!EnsureRoute()) return Error::kNetworkUnreachable;
  OutSegment out;
  out.seq = tcb_.snd.iss;
  out.flags = tcp_flag::kSyn;
  if (answer) out.flags |= tcp_flag::kAck;
  const uint8_t ace = EcnSetupAce(answer);
  out.flags |= FlagsOfAce(ace);
  out.ae = AeOfAce(ace);
  out.options.has_mss = true;
  out.options.mss = AdvertisedMss();
  // An answer offers only what the SYN offered (RFC 7323 1.3, RFC 2018 2).
  const bool scaling = answer ? window_scaling_ : sysctls.window_scaling->value() != 0;
  const bool timestamps = answer ? tcb_.ts.enabled : sysctls.timestamps->value() != 0;
  out.options.sack_permitted = answer ? tcb_.sack : sysctls.sack->value() != 0;
  if (scaling) {
    out.options.has_window_scale = true;
    out.options.window_scale = tcb_.rcv.shift;
  }
  if (timestamps) {
    out.options.has_timestamps = true;
    out.options.ts_value = core_.TimestampNow() + tcb_.ts.offset;
    out.options.ts_echo = answer ? tcb_.ts.recent : 0;
  }
  out.wnd = static_cast<uint16_t>(std::min<uint32_t>(receive_buffer_.size(), 65535));
  last_send_ = core_.Now();
  if (fast_open_ == nullptr) return SendOut(out);
  // What is sent again has neither option nor text, in case that is what gets lost (RFC
  // 7413 4.2.1, 4.2.2).
  if (fast_open_->with_option && retransmits_ == 0) fast_open_->cookie.Put(out.options);
  if (!answer) out.text = SynText();
  const Error error = SendOut(out);
  if (error == Error::kOk && out.text > 0) {
    fast_open_->syn_text = out.text;
    stats_.bytes_sent += out.text;
  }
  return error;
}

// New or old text from `seq` on. Returns what was sent in *text, which may be less.
Error Connection::SendSegment(SeqNum seq, uint32_t* text, uint8_t flags, bool whole) {
  OutSegment out;
  out.whole = whole;
  out.seq = seq;
  out.flags = flags | tcp_flag::kAck;
  out.offset = seq - tcb_.snd.una;
  out.text = *text;
  FillOptions(out.options, nullptr);
  // SACK blocks go along where there is room; full segments leave them to the ACKs that each
  // out-of-order arrival sends at once.
  if (*text + kTcpMaxOptionsSize > tcb_.snd.mss) out.options.sack_count = 0;
  out.wnd = AdvertiseWindow();
  out.new_text = out.text > 0 && seq == tcb_.snd.nxt && tcb_.snd.wnd > 0;
  const Error error = SendOut(out);
  *text = out.text;
  if (error == Error::kOk) NoteSent(true);
  return error;
}

void Connection::SendAck(const SackBlock* duplicate, bool with_sack) {
  OutSegment out;
  out.seq = tcb_.snd.nxt;
  out.flags = tcp_flag::kAck;
  FillOptions(out.options, duplicate);
  if (!with_sack) out.options.sack_count = 0;
  out.wnd = AdvertiseWindow();
  (void)SendOut(out);  // a lost ACK is repaired by the peer
  NoteSent(false);
}

// Keepalive: an octet that the peer has (RFC 9293 3.8.4), so that it answers.
void Connection::SendProbe() {
  OutSegment out;
  out.seq = tcb_.snd.una - 1;
  out.flags = tcp_flag::kAck;
  FillOptions(out.options, nullptr);
  out.wnd = AdvertiseWindow();
  (void)SendOut(out);
}

void Connection::SendRst() {
  OutSegment out;
  out.seq = tcb_.snd.nxt;
  out.flags = tcp_flag::kRst | tcp_flag::kAck;
  // RFC 7323 3.2: a RST may carry them; what helps is that it passes the peer's sequence check.
  if (tcb_.ts.enabled) FillOptions(out.options, nullptr);
  out.options.sack_count = 0;
  ++core_.counters.out_rsts;
  (void)SendOut(out);
}

}  // namespace moat::netstack::tcp
