#include "conform/bench/tcp_peer.h"

namespace moat::conform {
namespace {

constexpr uint32_t kOld = 50;  // octets behind seq

size_t Length(int flags, const Bytes& data) {
  return data.size() + ((flags & tcp::kSyn) != 0 ? 1 : 0) + ((flags & tcp::kFin) != 0 ? 1 : 0);
}

}  // namespace

TcpPeer::TcpPeer(Bench& bench, bool v6)
    : syn_options(tcp_option::Mss(v6 ? 1440 : 1460)),
      from(bench.peer),
      to(bench.device),
      b_(bench),
      v6_(v6) {}

// --- Handshakes ----------------------------------------------------------------------------------

void TcpPeer::Listen(int backlog) {
  listener_.emplace(b_, SocketType::kTcp, v6_);
  listener_->Bind(device_port);
  listener_->Listen(backlog);
}

void TcpPeer::SendSyn() {
  iss_ = seq;
  ack = 0;
  Send(tcp::kSyn);
}

Packet TcpPeer::ExpectSynAck() {
  syn_ = b_.Expect(With(tcp::kSyn | tcp::kAck) && Is(tcp::kAcknowledgment, seq));
  irs_ = static_cast<uint32_t>(syn_.Get(tcp::kSequence));
  end = ack = irs_ + 1;
  return syn_;
}

void TcpPeer::Accept() { socket_.emplace(listener_->Accept()); }

void TcpPeer::Open() {
  if (!listener_.has_value()) Listen();
  SendSyn();
  ExpectSynAck();
  SendAck();
  Accept();
}

void TcpPeer::Dial() {
  if (!socket_.has_value()) socket_.emplace(b_, SocketType::kTcp, v6_);
  socket_->Connect({from.ip(v6_), port});
  syn_ = b_.Expect(Is(tcp::kDestinationPort, port) && TcpFlags(tcp::kSyn));
  device_port = static_cast<int>(syn_.Get(tcp::kSourcePort));
  irs_ = static_cast<uint32_t>(syn_.Get(tcp::kSequence));
  end = ack = irs_ + 1;
}

void TcpPeer::SendSynAck() {
  iss_ = seq;
  Send(tcp::kSyn | tcp::kAck);
}

void TcpPeer::OpenActive() {
  Dial();
  SendSynAck();
  b_.Expect(Ack());
}

void TcpPeer::Reach(TcpState state) {
  if (state == TcpState::kSynSent) return Dial();
  Listen();
  if (state == TcpState::kListen) return;
  if (state == TcpState::kSynReceived) {
    SendSyn();
    ExpectSynAck();
    return;
  }
  Open();
  if (state == TcpState::kEstablished) return;
  if (state == TcpState::kCloseWait || state == TcpState::kLastAck) {
    Send(tcp::kFin | tcp::kAck);
    b_.Expect(Ack());
    if (state == TcpState::kCloseWait) return;
  }
  socket_->Shutdown();
  ExpectFin();
  if (state == TcpState::kFinWait1 || state == TcpState::kLastAck) return;
  if (state != TcpState::kClosing) {
    ack = end;
    SendAck();
    if (state == TcpState::kFinWait2) return;
  }
  Send(tcp::kFin | tcp::kAck);
  b_.Expect(Ack());
}

// --- Our segments --------------------------------------------------------------------------------

Frame TcpPeer::SegmentAt(uint32_t at, int flags, const Bytes& data) const {
  const bool syn = (flags & tcp::kSyn) != 0;
  const uint32_t acknowledged = (flags & tcp::kAck) != 0 ? ack : 0;
  const Layer header = Tcp(port, device_port, flags, at, acknowledged, window);
  return IpOf(v6_, from, to) / header.Options(syn ? syn_options : options) / Raw(data);
}

void TcpPeer::Send(int flags, const Bytes& data) {
  SendAt(seq, flags, data);
  seq += static_cast<uint32_t>(Length(flags, data));
}

void TcpPeer::SendAt(uint32_t at, int flags, const Bytes& data) {
  b_.Send(SegmentAt(at, flags, data), from.port);
}

// --- The device's segments -----------------------------------------------------------------------

Match TcpPeer::Any() const {
  return Is(tcp::kSourcePort, device_port) && Is(tcp::kDestinationPort, port) && To(from.ip(v6_));
}
Match TcpPeer::With(int flags) const { return Any() && TcpFlags(flags); }
Match TcpPeer::Acks() const { return With(tcp::kAck) && PayloadIs({}); }
Match TcpPeer::Ack() const {
  return Acks() && Is(tcp::kSequence, end) && Is(tcp::kAcknowledgment, seq);
}
Match TcpPeer::AckOf(uint32_t next) const { return Any() && Is(tcp::kAcknowledgment, next); }
Match TcpPeer::Text() const {
  return Any() && Where("with text", [](const Packet& p) { return !p.Payload().empty(); });
}
Match TcpPeer::Reset() const {
  return Any() &&
         Where("RST", [](const Packet& p) { return (p.Get(tcp::kFlags) & tcp::kRst) != 0; });
}

void TcpPeer::ExpectFin() {
  b_.Expect(With(tcp::kFin | tcp::kAck) && PayloadIs({}) && Is(tcp::kSequence, end));
  ++end;
}

Packet TcpPeer::ExpectText(Duration within) {
  const Packet text = b_.Expect(Text() && Is(tcp::kSequence, end), within);
  end += static_cast<uint32_t>(text.Payload().size());
  return text;
}

Bytes TcpPeer::Read(size_t size) {
  Bytes all;
  while (b_.ok() && all.size() < size) {
    const Bytes text = ExpectText(2s).Payload();
    all.insert(all.end(), text.begin(), text.end());
    ack = end;
    SendAck();
  }
  return all;
}

// --- Which state ---------------------------------------------------------------------------------

void TcpPeer::ExpectAlive(Line where) {
  b_.Forget();
  SendAt(seq - kOld, tcp::kAck, Pattern(1));
  b_.Expect(Ack(), kSoon, where);
}

void TcpPeer::ExpectGone(Line where) {
  b_.Forget();
  SendAck();
  b_.Expect(Reset() && Is(tcp::kSequence, ack), kSoon, where);
}

}  // namespace moat::conform
