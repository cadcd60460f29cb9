// Explicit congestion notification (RFC 3168 6.1), as net.ipv4.tcp_ecn switches it on.
#include "conform/bench/tcp_peer.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("tcp-highperf");

constexpr uint32_t kMss = 1000;
constexpr int kEcnBits = tcp::kEce | tcp::kCwr;
constexpr int kNotEct = 0, kEct0 = 2, kCe = 3;

int EcnOf(const Packet& p) {
  if (p.Has(Kind::kIpv6)) return static_cast<int>(p.Get(ipv6::kTrafficClass).u64() & 3);
  return static_cast<int>(p.Get(ipv4::kEcn).u64());
}
Match Marked(int codepoint) {
  return Where("ECN codepoint " + std::to_string(codepoint),
               [codepoint](const Packet& p) { return EcnOf(p) == codepoint; });
}
Match Flags(int mask, int wanted) {
  return Where("ECE and CWR as wanted", [mask, wanted](const Packet& p) {
    return (static_cast<int>(p.Get(tcp::kFlags).u64()) & mask) == wanted;
  });
}
Frame WithEcn(TcpPeer& t, const Frame& frame, int codepoint) {
  return t.v6() ? frame.Set(ipv6::kTrafficClass, codepoint) : frame.Set(ipv4::kEcn, codepoint);
}
Match SynAck(TcpPeer& t) {
  return t.Any() && Flags(tcp::kSyn | tcp::kAck, tcp::kSyn | tcp::kAck) &&
         Is(tcp::kAcknowledgment, t.seq);
}

// Our SYN with these of ECE and CWR; returns the SYN,ACK.
Packet Handshake(Bench& b, TcpPeer& t, int bits, int receive_buffer = 0) {
  b.SetSysctl("ipv4.tcp_ecn", "1");
  t.syn_options = tcp_option::Mss(kMss);
  t.Listen();
  if (receive_buffer > 0) t.listener().Set(Option::kReceiveBuffer, receive_buffer);
  t.Send(tcp::kSyn | bits);
  const Packet answer = b.Expect(SynAck(t));
  t.ack = t.end = static_cast<uint32_t>(answer.Get(tcp::kSequence)) + 1;
  return answer;
}
// A connection that uses ECN.
void OpenEcn(Bench& b, TcpPeer& t) {
  b.CheckPacket(Handshake(b, t, kEcnBits), Flags(kEcnBits, tcp::kEce));
  t.SendAck();
  t.Accept();
}
// The device's SYN, when it is told to use ECN.
Packet DialEcn(Bench& b, TcpPeer& t) {
  b.SetSysctl("ipv4.tcp_ecn", "1");
  Socket socket = b.OpenTcp(t.v6());
  socket.Connect({t.from.ip(t.v6()), t.port});
  const Packet syn = b.Expect(Is(tcp::kDestinationPort, t.port) && Flags(tcp::kSyn, tcp::kSyn));
  t.device_port = static_cast<int>(syn.Get(tcp::kSourcePort));
  t.ack = t.end = static_cast<uint32_t>(syn.Get(tcp::kSequence)) + 1;
  return syn;
}
// What the device's text is marked as, after it connected and got a SYN,ACK with these bits.
void TextAfterSynAck(Bench& b, TcpPeer& t, int bits, int codepoint) {
  b.SetSysctl("ipv4.tcp_ecn", "1");
  Socket socket = b.OpenTcp(t.v6());
  socket.Connect({t.from.ip(t.v6()), t.port});
  const Packet syn = b.Expect(Is(tcp::kDestinationPort, t.port) && Flags(tcp::kSyn, tcp::kSyn));
  t.device_port = static_cast<int>(syn.Get(tcp::kSourcePort));
  t.ack = t.end = static_cast<uint32_t>(syn.Get(tcp::kSequence)) + 1;
  t.Send(tcp::kSyn | tcp::kAck | bits);
  b.Expect(t.Any() && Flags(tcp::kAck | tcp::kSyn, tcp::kAck));
  socket.Send(Pattern(10));
  b.Expect(t.Text() && Marked(codepoint));
}

TCP_CASE(27, SHOULD, "RFC 3168 6.1.1",
         "A SYN with ECE and CWR is answered by a SYN,ACK with ECE and without CWR.", kSysctls) {
  b.CheckPacket(Handshake(b, t, kEcnBits), Flags(kEcnBits, tcp::kEce));
}
TCP_CASE(28, MUST, "RFC 3168 6.1.1",
         "A SYN without ECE and CWR is answered by a SYN,ACK without them.", kSysctls) {
  b.CheckPacket(Handshake(b, t, 0), Flags(kEcnBits, 0));
}
TCP_CASE(29, MUST, "RFC 3168 6.1.1", "A SYN with ECE alone does not begin ECN.", kSysctls) {
  b.CheckPacket(Handshake(b, t, tcp::kEce), Flags(kEcnBits, 0));
}
TCP_CASE(30, MUST, "RFC 3168 6.1.1", "A SYN with CWR alone does not begin ECN.", kSysctls) {
  b.CheckPacket(Handshake(b, t, tcp::kCwr), Flags(kEcnBits, 0));
}
TCP_CASE(31, SHOULD, "RFC 3168 6.1.1", "A device that is to use ECN connects with ECE and CWR.",
         kSysctls) {
  b.CheckPacket(DialEcn(b, t), Flags(kEcnBits, kEcnBits));
}
TCP_CASE(32, MUST, "RFC 3168 6.1.1", "A SYN is not marked as ECN-capable.", kSysctls) {
  b.CheckPacket(DialEcn(b, t), Marked(kNotEct));
}
TCP_CASE(33, MUST, "RFC 3168 6.1.1", "A SYN,ACK is not marked as ECN-capable.", kSysctls) {
  b.CheckPacket(Handshake(b, t, kEcnBits), Marked(kNotEct));
}
TCP_CASE(34, MUST, "RFC 3168 6.1.1", "After a SYN,ACK with ECE text is sent as ECN-capable.",
         kSysctls) {
  TextAfterSynAck(b, t, tcp::kEce, kEct0);
}
TCP_CASE(35, MUST, "RFC 3168 6.1.1", "After a SYN,ACK without ECE text is not sent as ECN-capable.",
         kSysctls) {
  TextAfterSynAck(b, t, 0, kNotEct);
}
TCP_CASE(36, MUST, "RFC 3168 6.1.1",
         "After a SYN,ACK that reflects ECE and CWR text is not sent as ECN-capable.", kSysctls) {
  TextAfterSynAck(b, t, kEcnBits, kNotEct);
}
TCP_CASE(37, MUST, "RFC 3168 6.1.4", "ACKs without text are not marked as ECN-capable.", kSysctls) {
  OpenEcn(b, t);
  t.SendText(Pattern(10));
  b.CheckPacket(b.Expect(t.AckOf(t.seq)), Marked(kNotEct));
}
TCP_CASE(38, MUST, "RFC 3168 6.1.5", "Retransmissions are not marked as ECN-capable.", kSysctls) {
  OpenEcn(b, t);
  t.socket().Send(Pattern(10));
  b.Expect(t.Text() && Marked(kEct0));
  b.CheckPacket(b.Expect(t.Text(), 4s), Marked(kNotEct));
}
TCP_CASE(39, MUST, "RFC 3168 6.1.6", "Window probes are not marked as ECN-capable.", kSysctls) {
  OpenEcn(b, t);
  t.window = 0;
  t.SendText(Pattern(1));
  b.Expect(t.AckOf(t.seq));
  t.socket().Send(Pattern(100));
  b.Forget();
  b.CheckPacket(b.Expect(t.Any(), 5s), Marked(kNotEct));
}
TCP_CASE(40, MUST, "RFC 3168 6.1.3", "Text that came with CE is acknowledged with ECE.", kSysctls) {
  OpenEcn(b, t);
  b.Send(WithEcn(t, t.Segment(tcp::kAck, Pattern(10)), kCe));
  t.seq += 10;
  b.Expect(t.AckOf(t.seq) && Flags(tcp::kEce, tcp::kEce));
}
TCP_CASE(41, MUST, "RFC 3168 6.1.3", "ECE is on every ACK until the other side says CWR.",
         kSysctls) {
  OpenEcn(b, t);
  b.Send(WithEcn(t, t.Segment(tcp::kAck, Pattern(10)), kCe));
  t.seq += 10;
  b.Expect(t.AckOf(t.seq));
  for (int i = 0; i < 3; ++i) {
    b.Send(WithEcn(t, t.Segment(tcp::kAck, Pattern(10)), kEct0));
    t.seq += 10;
    b.Expect(t.AckOf(t.seq) && Flags(tcp::kEce, tcp::kEce));
  }
}
TCP_CASE(42, MUST, "RFC 3168 6.1.3", "After text with CWR, ACKs have no ECE.", kSysctls) {
  OpenEcn(b, t);
  b.Send(WithEcn(t, t.Segment(tcp::kAck, Pattern(10)), kCe));
  t.seq += 10;
  b.Expect(t.AckOf(t.seq) && Flags(tcp::kEce, tcp::kEce));
  b.Send(WithEcn(t, t.Segment(tcp::kAck | tcp::kCwr, Pattern(10)), kEct0));
  t.seq += 10;
  b.Expect(t.AckOf(t.seq) && Flags(tcp::kEce, 0));
}
TCP_CASE(43, MUST, "RFC 3168 6.1.3", "Text with both CWR and CE is acknowledged with ECE.",
         kSysctls) {
  OpenEcn(b, t);
  b.Send(WithEcn(t, t.Segment(tcp::kAck, Pattern(10)), kCe));
  t.seq += 10;
  b.Expect(t.AckOf(t.seq));
  b.Send(WithEcn(t, t.Segment(tcp::kAck | tcp::kCwr, Pattern(10)), kCe));
  t.seq += 10;
  b.Expect(t.AckOf(t.seq) && Flags(tcp::kEce, tcp::kEce));
}
TCP_CASE(44, MUST, "RFC 3168 6.1.1", "Without ECN agreed on, CE is not answered by ECE.",
         kSysctls) {
  Handshake(b, t, 0);
  t.SendAck();
  t.Accept();
  b.Send(WithEcn(t, t.Segment(tcp::kAck, Pattern(10)), kCe));
  t.seq += 10;
  b.Expect(t.AckOf(t.seq) && Flags(tcp::kEce, 0));
}
TCP_CASE(45, SHOULD, "RFC 3168 6.1.5", "CE on text outside of the window is ignored.", kSysctls) {
  OpenEcn(b, t);
  b.Send(WithEcn(t, t.SegmentAt(t.seq + 0x20000000, tcp::kAck, Pattern(10)), kCe));
  b.Expect(t.Any() && Flags(tcp::kEce, 0));
  b.Send(WithEcn(t, t.Segment(tcp::kAck, Pattern(10)), kEct0));
  b.Expect(t.AckOf(t.seq + 10) && Flags(tcp::kEce, 0));
}

// --- The sender's answer to ECE ------------------------------------------------------------------

std::vector<Packet> Burst(Bench& b, TcpPeer& t) {
  std::vector<Packet> packets = b.Collect(t.Text(), 60ms);
  for (const Packet& p : packets) {
    t.end = static_cast<uint32_t>(p.Get(tcp::kSequence) + p.Payload().size());
  }
  return packets;
}
// A stream with twenty segments or so in flight, all of them acknowledged with ECE. Returns what
// follows.
std::vector<Packet> AfterEce(Bench& b, TcpPeer& t, size_t* before) {
  OpenEcn(b, t);
  t.socket().Set(Option::kSendBuffer, 400000);
  t.socket().Send(Pattern(100 * kMss));
  Burst(b, t);
  t.ack = t.end;
  t.SendAck();
  *before = Burst(b, t).size();
  t.ack = t.end;
  t.Send(tcp::kAck | tcp::kEce);
  return Burst(b, t);
}
TCP_CASE(46, MUST, "RFC 3168 6.1.2", "An ACK with ECE makes the window smaller.", kSysctls) {
  size_t before = 0;
  const size_t after = AfterEce(b, t, &before).size();
  b.CheckBetween(static_cast<double>(after), 1, 0.8 * static_cast<double>(before) + 1,
                 "segments after ECE");
}
TCP_CASE(47, MUST, "RFC 3168 6.1.2", "The first new text after the reduction has CWR, and only it.",
         kSysctls) {
  size_t before = 0;
  const std::vector<Packet> after = AfterEce(b, t, &before);
  b.Check(!after.empty(), "no text came");
  for (size_t i = 0; i < after.size(); ++i) {
    b.CheckPacket(after[i], Flags(tcp::kCwr, i == 0 ? tcp::kCwr : 0));
  }
}
TCP_CASE(48, MUST, "RFC 3168 6.1.2", "ECE does not make the device send anything again.",
         kSysctls) {
  size_t before = 0;
  for (const Packet& p : AfterEce(b, t, &before)) {
    b.Check(static_cast<int32_t>(static_cast<uint32_t>(p.Get(tcp::kSequence)) - t.ack) >= 0,
            "acknowledged text was sent again");
  }
}
TCP_CASE(49, MUST, "RFC 3168 6.1.1; 6.1.2", "Without ECN agreed on, ECE changes nothing.",
         kSysctls) {
  Handshake(b, t, 0);
  t.SendAck();
  t.Accept();
  t.socket().Set(Option::kSendBuffer, 400000);
  t.socket().Send(Pattern(100 * kMss));
  const size_t before = Burst(b, t).size();
  t.ack = t.end;
  t.Send(tcp::kAck | tcp::kEce);
  const std::vector<Packet> after = Burst(b, t);
  b.Check(after.size() > before, "the window did not grow");
  for (const Packet& p : after) b.CheckPacket(p, Flags(tcp::kCwr, 0));
}

// --- Handshakes in which only a part is about ECN ------------------------------------------------

TCP_CASE(60, MUST, "RFC 3168 6.1.1",
         "After a SYN,ACK with CWR alone text is not sent as ECN-capable.", kSysctls) {
  TextAfterSynAck(b, t, tcp::kCwr, kNotEct);
}
TCP_CASE(61, SHOULD, "RFC 3168 6.1.1",
         "A device that is not to use ECN answers a SYN that asks for it without ECE and CWR.",
         kSysctls) {
  b.SetSysctl("ipv4.tcp_ecn", "0");
  t.Listen();
  t.Send(tcp::kSyn | kEcnBits);
  b.CheckPacket(b.Expect(SynAck(t)), Flags(kEcnBits, 0));
}
TCP_CASE(62, SHOULD, "RFC 3168 6.1.1",
         "After a second SYN, without ECE and CWR, text is not sent as ECN-capable.", kSysctls) {
  b.CheckPacket(Handshake(b, t, kEcnBits), Flags(kEcnBits, tcp::kEce));
  b.Wait(600ms);
  t.SendAt(t.seq - 1, tcp::kSyn);
  b.Expect(SynAck(t), 3s);
  t.SendAck();
  t.Accept();
  t.socket().Send(Pattern(10));
  b.Expect(t.Text() && Marked(kNotEct));
}
// The device's SYN went once with ECE and CWR and then without; the SYN,ACK answers the first.
void AnswerLate(Bench& b, TcpPeer& t, std::optional<Socket>& socket) {
  b.SetSysctl("ipv4.tcp_ecn", "1");
  socket.emplace(b.OpenTcp(t.v6()));
  socket->Connect({t.from.ip(t.v6()), t.port});
  const Match syn = Is(tcp::kDestinationPort, t.port) && Flags(tcp::kSyn, tcp::kSyn);
  const Packet first = b.Expect(syn && Flags(kEcnBits, kEcnBits));
  t.device_port = static_cast<int>(first.Get(tcp::kSourcePort));
  t.ack = t.end = static_cast<uint32_t>(first.Get(tcp::kSequence)) + 1;
  const Packet again = b.Expect(syn, 4s);
  if (b.ok() && (again.Get(tcp::kFlags).u64() & kEcnBits) != 0)
    return b.NotApplicable("the device asks for ECN again");
  t.Send(tcp::kSyn | tcp::kAck | tcp::kEce);
  b.Expect(t.Any() && Flags(tcp::kAck | tcp::kSyn, tcp::kAck));
}
TCP_CASE(63, MUST, "RFC 3168 6.1.1",
         "A device that has also sent a SYN without ECE and CWR sends no text as ECN-capable.",
         kSysctls) {
  std::optional<Socket> socket;
  AnswerLate(b, t, socket);
  if (!b.ok()) return;
  socket->Send(Pattern(10));
  b.Expect(t.Text() && Marked(kNotEct));
}
TCP_CASE(64, MUST, "RFC 3168 6.1.1", "But it echoes the marks of text that comes.", kSysctls) {
  std::optional<Socket> socket;
  AnswerLate(b, t, socket);
  if (!b.ok()) return;
  b.Send(WithEcn(t, t.Segment(tcp::kAck, Pattern(10)), kCe));
  t.seq += 10;
  b.Expect(t.AckOf(t.seq) && Flags(tcp::kEce, tcp::kEce));
}
TCP_CASE(65, SHOULD, "RFC 3168 6.1.2", "What is sent again has no CWR.", kSysctls) {
  size_t before = 0;
  const std::vector<Packet> after = AfterEce(b, t, &before);
  b.Check(!after.empty(), "no text came");
  if (!b.ok()) return;
  b.CheckPacket(after[0], Flags(tcp::kCwr, tcp::kCwr));
  b.CheckPacket(b.Expect(t.Text() && Is(tcp::kSequence, after[0].Get(tcp::kSequence).u64()), 4s),
                Flags(tcp::kCwr, 0) && Marked(kNotEct));
}
TCP_CASE(66, SHOULD, "RFC 3168 6.1.6", "The mark of a window probe is echoed.", kSysctls) {
  auto window = static_cast<uint32_t>(Handshake(b, t, kEcnBits, 16384).Get(tcp::kWindow));
  t.SendAck();
  for (int i = 0; i < 400 && window > 0 && b.ok(); ++i) {
    b.Send(WithEcn(t, t.Segment(tcp::kAck, Pattern(std::min(window, kMss))), kEct0));
    const Packet ack = b.Expect(t.Acks(), 2s);
    t.seq = static_cast<uint32_t>(ack.Get(tcp::kAcknowledgment));
    window = static_cast<uint32_t>(ack.Get(tcp::kWindow));
  }
  b.CheckEqual(window, 0, "the window");
  b.Wait(600ms);
  b.Forget();
  b.Send(WithEcn(t, t.Segment(tcp::kAck, Pattern(1)), kCe));
  b.Expect(t.AckOf(t.seq) && Flags(tcp::kEce, tcp::kEce));
}

}  // namespace
}  // namespace moat::conform
