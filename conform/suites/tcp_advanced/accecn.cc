// Accurate ECN feedback (RFC 9768), as net.ipv4.tcp_ecn 3 switches it on. A device whose tcp_ecn
// does not go so far has none of it.
#include "conform/bench/tcp_peer.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("tcp-advanced");

constexpr uint32_t kMss = 1000;
constexpr int kNotEct = 0, kEct1 = 1, kEct0 = 2, kCe = 3;
constexpr int kFirstAce = 5;  // of the counter (3.2.1)
constexpr uint8_t kOrder0 = 172, kOrder1 = 174;

// AE, CWR and ECE as one number.
int AceOf(const Packet& p) {
  return static_cast<int>((p.Get(tcp::kReserved).u64() & 1) << 2 | p.Get(tcp::kFlags).u64() >> 6);
}
Match Ace(int wanted) {
  return Where("AE, CWR, ECE as the number " + std::to_string(wanted),
               [wanted](const Packet& p) { return AceOf(p) == wanted; });
}
Match Has(int flags, int of) {
  return Where("with flags as wanted", [flags, of](const Packet& p) {
    return (static_cast<int>(p.Get(tcp::kFlags).u64()) & of) == flags;
  });
}
Match Marked(int codepoint) {
  return Where("ECN codepoint " + std::to_string(codepoint), [codepoint](const Packet& p) {
    if (p.Has(Kind::kIpv6))
      return static_cast<int>(p.Get(ipv6::kTrafficClass).u64() & 3) == codepoint;
    return static_cast<int>(p.Get(ipv4::kEcn).u64()) == codepoint;
  });
}
std::optional<Bytes> OptionOf(const Packet& p) {
  const Bytes options = p.Options(Kind::kTcp);
  std::optional<Bytes> found = FindTlv(options, kOrder0);
  return found.has_value() ? found : FindTlv(options, kOrder1);
}
Match WithOption(bool wanted) {
  return Where(wanted ? "with an AccECN option" : "without an AccECN option",
               [wanted](const Packet& p) { return OptionOf(p).has_value() == wanted; });
}
Match Without() {
  return Where("without text", [](const Packet& p) { return p.Payload().empty(); });
}

// A segment of ours with this number in AE, CWR, ECE and this codepoint.
Frame With(TcpPeer& t, int ace, int codepoint, int flags, const Bytes& data = {}) {
  const Frame frame = t.Segment(flags | (ace & 3) << 6, data).Set(tcp::kReserved, ace >> 2);
  return t.v6() ? frame.Set(ipv6::kTrafficClass, codepoint) : frame.Set(ipv4::kEcn, codepoint);
}
void Send(Bench& b, TcpPeer& t, int ace, int codepoint, int flags, const Bytes& data = {}) {
  b.Send(With(t, ace, codepoint, flags, data), t.from.port);
  t.seq += static_cast<uint32_t>(data.size()) + ((flags & tcp::kSyn) != 0 ? 1 : 0);
}
void Mark(Bench& b, TcpPeer& t, const Bytes& text) { Send(b, t, kFirstAce, kCe, tcp::kAck, text); }

// The device listens and gets this SYN; its SYN,ACK.
Packet Ask(Bench& b, TcpPeer& t, int ace, int codepoint = kNotEct) {
  b.SetSysctl("ipv4.tcp_ecn", "3");
  t.syn_options = tcp_option::Mss(kMss);
  t.Listen();
  Send(b, t, ace, codepoint, tcp::kSyn);
  const Packet answer = b.Expect(t.Any() && Has(tcp::kSyn | tcp::kAck, tcp::kSyn | tcp::kAck) &&
                                 Is(tcp::kAcknowledgment, t.seq));
  t.ack = t.end = static_cast<uint32_t>(answer.Get(tcp::kSequence)) + 1;
  return answer;
}
// A connection that uses it, by our SYN; our ACK has this number.
void Open(Bench& b, TcpPeer& t, int ace = 2) {
  b.CheckPacket(Ask(b, t, 7), Ace(2));
  Send(b, t, ace, kNotEct, tcp::kAck);
  t.Accept();
}
// The device's SYN.
Packet Dial(Bench& b, TcpPeer& t, std::optional<Socket>& socket) {
  b.SetSysctl("ipv4.tcp_ecn", "3");
  socket.emplace(b.OpenTcp(t.v6()));
  socket->Connect({t.from.ip(t.v6()), t.port});
  const Packet syn = b.Expect(Is(tcp::kDestinationPort, t.port) && Has(tcp::kSyn, tcp::kSyn));
  t.device_port = static_cast<int>(syn.Get(tcp::kSourcePort));
  t.ack = t.end = static_cast<uint32_t>(syn.Get(tcp::kSequence)) + 1;
  return syn;
}
// After a SYN,ACK with this number and codepoint, the device's ACK of it.
Packet DialAndAnswer(Bench& b, TcpPeer& t, std::optional<Socket>& socket, int ace,
                     int codepoint = kNotEct) {
  Dial(b, t, socket);
  Send(b, t, ace, codepoint, tcp::kSyn | tcp::kAck);
  return b.Expect(t.AckOf(t.seq) && Has(tcp::kAck, tcp::kAck | tcp::kSyn));
}
// The codepoint that the device's next text has.
void SendsTextAs(Bench& b, TcpPeer& t, Socket& socket, int codepoint) {
  socket.Send(Pattern(10));
  b.CheckPacket(b.Expect(t.Text()), Marked(codepoint));
}

// --- Negotiation ---------------------------------------------------------------------------------

TCP_CASE(77, MUST, "RFC 9768 3.1.1",
         "A device that asks for AccECN sets AE, CWR and ECE on its SYN.", kSysctls) {
  std::optional<Socket> socket;
  b.CheckPacket(Dial(b, t, socket), Ace(7));
}
TCP_CASE(78, MUST, "RFC 9768 3.2.3.2.1", "A SYN has no AccECN option.", kSysctls) {
  std::optional<Socket> socket;
  b.CheckPacket(Dial(b, t, socket), Ace(7) && WithOption(false));
}
TCP_CASE(79, MUST, "RFC 9768 3.1.1",
         "A SYN that asks for AccECN and is Not-ECT gets the answer 0, 1, 0.", kSysctls) {
  b.CheckPacket(Ask(b, t, 7), Ace(2));
}
TCP_CASE(80, MUST, "RFC 9768 3.1.1",
         "A SYN that asks for AccECN and is ECT(1) gets the answer 0, 1, 1.", kSysctls) {
  b.CheckPacket(Ask(b, t, 7, kEct1), Ace(3));
}
TCP_CASE(81, MUST, "RFC 9768 3.1.1",
         "A SYN that asks for AccECN and is ECT(0) gets the answer 1, 0, 0.", kSysctls) {
  b.CheckPacket(Ask(b, t, 7, kEct0), Ace(4));
}
TCP_CASE(82, MUST, "RFC 9768 3.1.1",
         "A SYN that asks for AccECN and is CE gets the answer 1, 1, 0.", kSysctls) {
  b.CheckPacket(Ask(b, t, 7, kCe), Ace(6));
}
TCP_CASE(83, MUST, "RFC 9768 3.1.2", "A SYN that asks for classic ECN gets classic ECN or none.",
         kSysctls) {
  const int ace = AceOf(Ask(b, t, 3));
  b.Check(ace == 0 || ace == 1, "the SYN,ACK agrees to something else");
}
TCP_CASE(84, MUST, "RFC 9768 3.1.2", "A SYN that asks for no ECN gets none.", kSysctls) {
  b.CheckPacket(Ask(b, t, 0), Ace(0) && WithOption(false));
}
TCP_CASE(85, MUST, "RFC 9768 3.1.3", "A SYN with AE alone asks for AccECN.", kSysctls) {
  b.CheckPacket(Ask(b, t, 4), Ace(2));
}
TCP_CASE(86, MUST, "RFC 9768 3.1.3", "A SYN with AE and CWR asks for AccECN.", kSysctls) {
  b.CheckPacket(Ask(b, t, 6), Ace(2));
}
TCP_CASE(87, MUST, "RFC 9768 3.1.2", "After a SYN,ACK with ECE alone the device uses classic ECN.",
         kSysctls) {
  std::optional<Socket> socket;
  DialAndAnswer(b, t, socket, 1);
  Send(b, t, 0, kCe, tcp::kAck, Pattern(10));
  b.Expect(t.AckOf(t.seq) && Ace(1));
}
TCP_CASE(88, MUST, "RFC 9768 3.1.2",
         "After a SYN,ACK with AE, CWR and ECE text is not ECN-capable.", kSysctls) {
  std::optional<Socket> socket;
  b.CheckPacket(DialAndAnswer(b, t, socket, 7), Ace(0));
  SendsTextAs(b, t, *socket, kNotEct);
}
TCP_CASE(89, MUST, "RFC 9768 3.1.5",
         "After a SYN,ACK without AE, CWR and ECE text is not ECN-capable.", kSysctls) {
  std::optional<Socket> socket;
  b.CheckPacket(DialAndAnswer(b, t, socket, 0), Ace(0));
  SendsTextAs(b, t, *socket, kNotEct);
}
TCP_CASE(90, SHOULD, "RFC 9768 3.1.5", "After a SYN,ACK that agrees to AccECN text is ECN-capable.",
         kSysctls) {
  std::optional<Socket> socket;
  DialAndAnswer(b, t, socket, 2);
  SendsTextAs(b, t, *socket, kEct0);
}
TCP_CASE(91, MUST, "RFC 9768 3.1.3", "A SYN,ACK with the reserved 1, 0, 1 agrees to AccECN.",
         kSysctls) {
  std::optional<Socket> socket;
  b.CheckPacket(DialAndAnswer(b, t, socket, 5), Ace(2));
  Mark(b, t, Pattern(10));
  b.Expect(t.AckOf(t.seq) && Ace(6));
}
TCP_CASE(92, SHOULD, "RFC 9768 3.1.4.1", "The first SYN that is sent again asks for AccECN, too.",
         kSysctls) {
  std::optional<Socket> socket;
  Dial(b, t, socket);
  b.CheckPacket(b.Expect(t.Any() && Has(tcp::kSyn, tcp::kSyn), 4s), Ace(7));
}
TCP_CASE(93, SHOULD, "RFC 9768 3.1.4.1", "SYNs that are sent once more do not ask for ECN.",
         kSysctls) {
  std::optional<Socket> socket;
  Dial(b, t, socket);
  b.Expect(t.Any() && Has(tcp::kSyn, tcp::kSyn), 4s);
  b.CheckPacket(b.Expect(t.Any() && Has(tcp::kSyn, tcp::kSyn), 6s), Ace(0));
}
TCP_CASE(94, MUST, "RFC 9768 3.1.5", "What is fed back is the codepoint of the latest SYN.",
         kSysctls) {
  b.CheckPacket(Ask(b, t, 7), Ace(2));
  t.seq -= 1;
  Send(b, t, 7, kEct0, tcp::kSyn);
  b.Expect(t.Any() && Has(tcp::kSyn | tcp::kAck, tcp::kSyn | tcp::kAck) && Ace(4), 2s);
}
TCP_CASE(95, MUST, "RFC 9768 3.1.5",
         "SYNs that ask for AccECN and for classic ECN in one handshake end it.", kSysctls) {
  b.CheckPacket(Ask(b, t, 7), Ace(2));
  t.seq -= 1;
  Send(b, t, 3, kNotEct, tcp::kSyn);
  b.Expect(t.Reset());
}
TCP_CASE(96, MUST, "RFC 9768 3.1.5",
         "A listener that got a SYN without ECN after one with AccECN sends nothing ECN-capable.",
         kSysctls) {
  b.CheckPacket(Ask(b, t, 7), Ace(2));
  t.seq -= 1;
  Send(b, t, 0, kNotEct, tcp::kSyn);
  b.Expect(t.Any() && Has(tcp::kSyn | tcp::kAck, tcp::kSyn | tcp::kAck), 2s);
  Send(b, t, 2, kNotEct, tcp::kAck);
  t.Accept();
  SendsTextAs(b, t, t.socket(), kNotEct);
}

// --- The handshake's feedback and the counter ----------------------------------------------------

TCP_CASE(97, MUST, "RFC 9768 3.2.2.1", "The ACK of a Not-ECT SYN,ACK says 0, 1, 0.", kSysctls) {
  std::optional<Socket> socket;
  b.CheckPacket(DialAndAnswer(b, t, socket, 2), Ace(2) && Without());
}
TCP_CASE(98, MUST, "RFC 9768 3.2.2.1", "The ACK of an ECT(0) SYN,ACK says 1, 0, 0.", kSysctls) {
  std::optional<Socket> socket;
  b.CheckPacket(DialAndAnswer(b, t, socket, 2, kEct0), Ace(4) && Without());
}
TCP_CASE(99, MUST, "RFC 9768 3.2.2.1, 3.2.2.2",
         "The ACK of a SYN,ACK with CE says 1, 1, 0, and the mark is counted.", kSysctls) {
  std::optional<Socket> socket;
  b.CheckPacket(DialAndAnswer(b, t, socket, 2, kCe), Ace(6) && Without());
  socket->Send(Pattern(10));
  b.CheckPacket(b.Expect(t.Text()), Ace(6));
}
TCP_CASE(100, MUST, "RFC 9768 3.2.1", "The counter of marked packets begins with five.", kSysctls) {
  Open(b, t);
  t.socket().Send(Pattern(10));
  b.CheckPacket(b.Expect(t.Text()), Ace(kFirstAce));
}
TCP_CASE(101, MUST, "RFC 9768 3.2.2.2", "A SYN with CE is not counted.", kSysctls) {
  b.CheckPacket(Ask(b, t, 7, kCe), Ace(6));
  Send(b, t, 2, kNotEct, tcp::kAck);
  t.Accept();
  t.socket().Send(Pattern(10));
  b.CheckPacket(b.Expect(t.Text()), Ace(kFirstAce));
}
TCP_CASE(102, MUST, "RFC 9768 3.2, 3.2.2",
         "Each segment with CE increases the counter, which wraps at eight.", kSysctls) {
  Open(b, t);
  for (int i = 1; i <= 9; ++i) {
    Mark(b, t, Pattern(10));
    b.Expect(t.AckOf(t.seq) && Ace((kFirstAce + i) % 8));
  }
}
TCP_CASE(103, MUST, "RFC 9768 3.2", "ACKs with CE are counted as well.", kSysctls) {
  Open(b, t);
  Mark(b, t, {});
  Send(b, t, kFirstAce, kNotEct, tcp::kAck, Pattern(10));
  b.Expect(t.AckOf(t.seq) && Ace(6));
}
TCP_CASE(104, MUST, "RFC 9768 3.2", "Segments with ECT leave the counter as it is.", kSysctls) {
  Open(b, t);
  Send(b, t, kFirstAce, kEct0, tcp::kAck, Pattern(10));
  b.Expect(t.AckOf(t.seq) && Ace(kFirstAce));
  Send(b, t, kFirstAce, kEct1, tcp::kAck, Pattern(10));
  b.Expect(t.AckOf(t.seq) && Ace(kFirstAce));
}
TCP_CASE(105, MUST, "RFC 9768 3.2", "CE on a segment outside of the window is not counted.",
         kSysctls) {
  Open(b, t);
  t.seq += 0x20000000;
  b.Send(With(t, kFirstAce, kCe, tcp::kAck, Pattern(10)), t.from.port);
  t.seq -= 0x20000000;
  b.Expect(t.Any() && Ace(kFirstAce));
  Send(b, t, kFirstAce, kNotEct, tcp::kAck, Pattern(10));
  b.Expect(t.AckOf(t.seq) && Ace(kFirstAce));
}
TCP_CASE(106, MUST, "RFC 9768 3.2.2", "Without AccECN agreed on, nothing is counted.", kSysctls) {
  b.CheckPacket(Ask(b, t, 0), Ace(0));
  Send(b, t, 0, kNotEct, tcp::kAck);
  t.Accept();
  Send(b, t, 0, kCe, tcp::kAck, Pattern(10));
  b.Expect(t.AckOf(t.seq) && Ace(0));
}
TCP_CASE(107, MUST, "RFC 9768 3.2.2.5.1", "Seven ACKs with CE are acknowledged.", kSysctls) {
  Open(b, t);
  b.Forget();
  for (int i = 0; i < 7; ++i) Mark(b, t, {});
  b.Expect(t.AckOf(t.seq) && Without());
}
TCP_CASE(108, MUST, "RFC 9768 3.2.2.1, table 4",
         "After an ACK of the SYN,ACK with 0, 0, 0 nothing is sent as ECN-capable, and marks are "
         "still counted.",
         kSysctls) {
  Open(b, t, 0);
  SendsTextAs(b, t, t.socket(), kNotEct);
  Mark(b, t, Pattern(10));
  b.Expect(t.AckOf(t.seq) && Ace(6));
}

// --- Options -------------------------------------------------------------------------------------

TCP_CASE(109, SHOULD, "RFC 9768 3.2.3.2.1", "A SYN,ACK that agrees to AccECN has the option.",
         kSysctls) {
  b.CheckPacket(Ask(b, t, 7), Ace(2) && WithOption(true));
}
TCP_CASE(110, SHOULD, "RFC 9768 3.2.3.2.2", "A SYN,ACK that is sent again does not have it.",
         kSysctls) {
  Ask(b, t, 7);
  b.CheckPacket(b.Expect(t.Any() && Has(tcp::kSyn | tcp::kAck, tcp::kSyn | tcp::kAck), 4s),
                Ace(2) && WithOption(false));
}
TCP_CASE(111, MUST, "RFC 9768 3.2.1, 3.2.3.1",
         "The option on the ACK of ten octets with ECT(0) says eleven of them, in three octets.",
         kSysctls) {
  Ask(b, t, 7);
  Send(b, t, 2, kNotEct, tcp::kAck);
  t.Accept();
  Send(b, t, kFirstAce, kEct0, tcp::kAck, Pattern(10));
  const Packet ack = b.Expect(t.AckOf(t.seq));
  const std::optional<Bytes> option = OptionOf(ack);
  if (b.ok() && !option.has_value()) return b.NotApplicable("the device sends no AccECN options");
  if (!b.ok()) return;
  const bool order1 = FindTlv(ack.Options(Kind::kTcp), kOrder1).has_value();
  const size_t at = order1 ? 6 : 0;
  b.Check(option->size() >= at + 3, "the field is missing");
  if (!b.ok()) return;
  b.CheckEqual((*option)[at] << 16 | (*option)[at + 1] << 8 | (*option)[at + 2], 11,
               "octets with ECT(0)");
}

// --- The sender ----------------------------------------------------------------------------------

std::vector<Packet> Burst(Bench& b, TcpPeer& t) {
  std::vector<Packet> packets = b.Collect(t.Text(), 60ms);
  for (const Packet& p : packets)
    t.end = static_cast<uint32_t>(p.Get(tcp::kSequence) + p.Payload().size());
  return packets;
}
// A stream with about twenty segments in flight, of whose ACK the counter says that `marks` were
// marked.
std::vector<Packet> AfterMarks(Bench& b, TcpPeer& t, int marks, size_t* before) {
  Open(b, t);
  t.socket().Set(Option::kSendBuffer, 400000);
  t.socket().Send(Pattern(100 * kMss));
  Burst(b, t);
  t.ack = t.end;
  Send(b, t, kFirstAce, kNotEct, tcp::kAck);
  *before = Burst(b, t).size();
  t.ack = t.end;
  Send(b, t, (kFirstAce + marks) % 8, kNotEct, tcp::kAck);
  return Burst(b, t);
}
TCP_CASE(112, MUST, "RFC 9768 3.1.5; RFC 3168 6.1.2", "A count of marks makes the window smaller.",
         kSysctls) {
  size_t before = 0;
  const size_t after = AfterMarks(b, t, 3, &before).size();
  b.CheckBetween(static_cast<double>(after), 1, 0.8 * static_cast<double>(before) + 1,
                 "segments after marks");
}
TCP_CASE(113, MUST, "RFC 9768 3.1.5",
         "The device does not set CWR to say so: ACE stays the counter.", kSysctls) {
  size_t before = 0;
  const std::vector<Packet> after = AfterMarks(b, t, 3, &before);
  b.Check(!after.empty(), "no text came");
  for (const Packet& p : after) b.CheckPacket(p, Ace(kFirstAce));
}

// --- What comes again, or does not fit -----------------------------------------------------------

TCP_CASE(114, SHOULD, "RFC 9768 3.1.5",
         "A SYN without ECN after one that asked for AccECN gets a SYN,ACK with AccECN.",
         kSysctls) {
  b.CheckPacket(Ask(b, t, 7), Ace(2));
  t.seq -= 1;
  Send(b, t, 0, kNotEct, tcp::kSyn);
  b.Expect(t.Any() && Has(tcp::kSyn | tcp::kAck, tcp::kSyn | tcp::kAck) && Ace(2), 900ms);
}
TCP_CASE(115, MUST, "RFC 9768 3.1.4.1",
         "SYNs that are sent again, with and without AccECN, have the sequence number of the "
         "first.",
         kSysctls) {
  std::optional<Socket> socket;
  Dial(b, t, socket);
  const Match syn = t.Any() && Has(tcp::kSyn, tcp::kSyn);
  b.CheckPacket(b.Expect(syn, 4s), Is(tcp::kSequence, t.ack - 1));
  b.CheckPacket(b.Expect(syn, 6s), Is(tcp::kSequence, t.ack - 1));
}
TCP_CASE(116, MUST, "RFC 9768 3.2", "What is sent again has the counter as it is then.", kSysctls) {
  Open(b, t);
  t.socket().Send(Pattern(10));
  b.CheckPacket(b.Expect(t.Text()), Ace(kFirstAce));
  Mark(b, t, {});
  b.CheckPacket(b.Expect(t.Text(), 4s), Ace(6));
}
TCP_CASE(117, SHOULD, "RFC 9768 3.2.3.2.2",
         "A SYN,ACK that is sent a third time has neither AccECN nor its option.", kSysctls) {
  Ask(b, t, 7);
  const Match again = t.Any() && Has(tcp::kSyn | tcp::kAck, tcp::kSyn | tcp::kAck);
  b.Expect(again, 4s);
  b.CheckPacket(b.Expect(again, 6s), Ace(0) && WithOption(false));
}
TCP_CASE(118, MUST, "RFC 9768 3.1.5",
         "That text comes as ECN-capable is no reason to send text so.", kSysctls) {
  b.CheckPacket(Ask(b, t, 0), Ace(0));
  Send(b, t, 0, kNotEct, tcp::kAck);
  t.Accept();
  Send(b, t, 0, kEct0, tcp::kAck, Pattern(10));
  b.Expect(t.AckOf(t.seq));
  SendsTextAs(b, t, t.socket(), kNotEct);
}
TCP_CASE(119, SHOULD, "RFC 9768 3.1.5",
         "The flags of a SYN,ACK that comes once the connection is established are ignored.",
         kSysctls) {
  std::optional<Socket> socket;
  DialAndAnswer(b, t, socket, 2);
  b.Wait(600ms);
  t.seq -= 1;
  Send(b, t, 0, kNotEct, tcp::kSyn | tcp::kAck);
  b.Expect(t.AckOf(t.seq));
  SendsTextAs(b, t, *socket, kEct0);
}
TCP_CASE(120, MUST, "RFC 9768 3.2.2.4",
         "The first counter may have any value but zero: text goes on as ECN-capable.", kSysctls) {
  Open(b, t);
  t.socket().Send(Pattern(10));
  t.end = static_cast<uint32_t>(b.Expect(t.Text()).Get(tcp::kSequence)) + 10;
  t.ack = t.end;
  Send(b, t, 3, kNotEct, tcp::kAck);
  SendsTextAs(b, t, t.socket(), kEct0);
}
TCP_CASE(121, MUST, "RFC 9768 3.2.2.5.1", "Two ACKs with CE are not acknowledged.", kSysctls) {
  Open(b, t);
  b.Forget();
  for (int i = 0; i < 2; ++i) Mark(b, t, {});
  b.ExpectNothing(t.Any());
  for (int i = 0; i < 5; ++i) Mark(b, t, {});
  b.Expect(t.AckOf(t.seq) && Without());
}

}  // namespace
}  // namespace moat::conform
