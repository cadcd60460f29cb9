// SEGMENT ARRIVES in CLOSED and LISTEN (RFC 9293 3.10.7.1, 3.10.7.2), and opening as such (3.5).
#include "conform/bench/tcp_peer.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("tcp-core");

// --- CLOSED --------------------------------------------------------------------------------------

// Without an ACK, the RST has sequence number 0 and acknowledges all of the segment.
void AnswersWithAck(Bench& b, TcpPeer& t, int flags, size_t text, uint32_t length) {
  b.Send(t.Segment(flags, Pattern(text)));
  b.Expect(t.With(tcp::kRst | tcp::kAck) && Is(tcp::kSequence, 0) &&
           Is(tcp::kAcknowledgment, t.seq + length));
}
// With an ACK, the RST takes its sequence number from there.
void AnswersWithSequence(Bench& b, TcpPeer& t, int flags, size_t text) {
  t.ack = 0x12345678;
  b.Send(t.Segment(flags, Pattern(text)));
  b.Expect(t.Reset() && Is(tcp::kSequence, 0x12345678));
}
// No answer, while an ACK gets one.
void IsNotAnswered(Bench& b, TcpPeer& t, int flags) {
  b.Send(t.Segment(flags));
  b.ExpectNothing(t.Any());
  t.ack = 77;
  b.Send(t.Segment(tcp::kAck));
  b.Expect(t.Reset() && Is(tcp::kSequence, 77));
}

TCP_CASE(36, MUST, "RFC 9293 3.10.7.1",
         "CLOSED: a SYN is answered by <SEQ=0><ACK=SEG.SEQ+1><CTL=RST,ACK>.") {
  AnswersWithAck(b, t, tcp::kSyn, 0, 1);
}
TCP_CASE(37, MUST, "RFC 9293 3.10.7.1",
         "CLOSED: the RST for a SYN with text acknowledges the text too.") {
  AnswersWithAck(b, t, tcp::kSyn, 20, 21);
}
TCP_CASE(38, MUST, "RFC 9293 3.10.7.1",
         "CLOSED: the RST for a FIN without ACK acknowledges the FIN.") {
  AnswersWithAck(b, t, tcp::kFin, 20, 21);
}
TCP_CASE(39, MUST, "RFC 9293 3.10.7.1",
         "CLOSED: the RST for text without ACK acknowledges the text.") {
  AnswersWithAck(b, t, tcp::kPsh, 20, 20);
}
TCP_CASE(
    40, MUST, "RFC 9293 3.10.7.1",
    "CLOSED: a segment without any control bit is answered by <SEQ=0><ACK=SEG.SEQ><CTL=RST,ACK>.") {
  AnswersWithAck(b, t, 0, 0, 0);
}
TCP_CASE(41, MUST, "RFC 9293 3.10.7.1", "CLOSED: an ACK is answered by <SEQ=SEG.ACK><CTL=RST>.") {
  AnswersWithSequence(b, t, tcp::kAck, 0);
}
TCP_CASE(42, MUST, "RFC 9293 3.10.7.1",
         "CLOSED: text with ACK is answered by <SEQ=SEG.ACK><CTL=RST>.") {
  AnswersWithSequence(b, t, tcp::kAck | tcp::kPsh, 20);
}
TCP_CASE(43, MUST, "RFC 9293 3.10.7.1",
         "CLOSED: a SYN,ACK is answered by <SEQ=SEG.ACK><CTL=RST>.") {
  AnswersWithSequence(b, t, tcp::kSyn | tcp::kAck, 0);
}
TCP_CASE(44, MUST, "RFC 9293 3.10.7.1",
         "CLOSED: a FIN,ACK is answered by <SEQ=SEG.ACK><CTL=RST>.") {
  AnswersWithSequence(b, t, tcp::kFin | tcp::kAck, 0);
}
TCP_CASE(45, MUST, "RFC 9293 3.10.7.1", "CLOSED: a RST is not answered.") {
  IsNotAnswered(b, t, tcp::kRst);
}
TCP_CASE(46, MUST, "RFC 9293 3.10.7.1", "CLOSED: a RST,ACK is not answered.") {
  IsNotAnswered(b, t, tcp::kRst | tcp::kAck);
}
TCP_CASE(47, MUST, "RFC 9293 3.10.7.1", "CLOSED: a SYN,RST is not answered.") {
  IsNotAnswered(b, t, tcp::kSyn | tcp::kRst);
}

// --- LISTEN --------------------------------------------------------------------------------------

// No answer, and the device still listens.
void IsIgnoredInListen(Bench& b, TcpPeer& t, int flags, size_t text) {
  t.Listen();
  b.Send(t.Segment(flags, Pattern(text)));
  b.ExpectNothing(t.Any());
  t.SendSyn();
  t.ExpectSynAck();
}

TCP_CASE(48, MUST, "RFC 9293 3.10.7.2, first", "LISTEN: a RST is ignored.") {
  IsIgnoredInListen(b, t, tcp::kRst, 0);
}
TCP_CASE(49, MUST, "RFC 9293 3.10.7.2, first", "LISTEN: a RST,ACK is ignored.") {
  IsIgnoredInListen(b, t, tcp::kRst | tcp::kAck, 0);
}
TCP_CASE(50, MUST, "RFC 9293 3.10.7.2, first", "LISTEN: a SYN,RST opens nothing.") {
  IsIgnoredInListen(b, t, tcp::kRst | tcp::kSyn, 0);
}
TCP_CASE(51, MUST, "RFC 9293 3.10.7.2, fourth", "LISTEN: text without SYN or ACK is dropped.") {
  IsIgnoredInListen(b, t, tcp::kPsh, 10);
}
TCP_CASE(52, MUST, "RFC 9293 3.10.7.2, fourth; 3.10.7.4, eighth",
         "LISTEN: a FIN without SYN or ACK is dropped.") {
  IsIgnoredInListen(b, t, tcp::kFin, 0);
}
TCP_CASE(53, MUST, "RFC 9293 3.10.7.2, second",
         "LISTEN: an ACK is answered by <SEQ=SEG.ACK><CTL=RST>.") {
  t.Listen();
  AnswersWithSequence(b, t, tcp::kAck, 0);
}
TCP_CASE(54, MUST, "RFC 9293 3.10.7.2, second",
         "LISTEN: text with ACK is answered by <SEQ=SEG.ACK><CTL=RST>.") {
  t.Listen();
  AnswersWithSequence(b, t, tcp::kAck, 10);
}
TCP_CASE(55, MUST, "RFC 9293 3.10.7.2, second",
         "LISTEN: a SYN,ACK is answered by <SEQ=SEG.ACK><CTL=RST>.") {
  t.Listen();
  AnswersWithSequence(b, t, tcp::kSyn | tcp::kAck, 0);
}
TCP_CASE(56, MUST, "RFC 9293 3.10.7.2, second",
         "LISTEN: a FIN,ACK is answered by <SEQ=SEG.ACK><CTL=RST>.") {
  t.Listen();
  AnswersWithSequence(b, t, tcp::kFin | tcp::kAck, 0);
}
TCP_CASE(57, MUST, "RFC 9293 3.10.7.2, third",
         "LISTEN: a SYN is answered by <SEQ=ISS><ACK=SEG.SEQ+1><CTL=SYN,ACK>.") {
  t.Listen();
  t.SendSyn();
  t.ExpectSynAck();
}
TCP_CASE(58, MUST, "RFC 9293 3.10.7.2, third",
         "LISTEN: sequence numbers wrap: a SYN of 0xffffffff is acknowledged by 0.") {
  t.seq = 0xffffffff;
  t.Open();
  t.SendText(Pattern(10));
  b.Expect(t.Ack());
}
TCP_CASE(59, MUST, "RFC 9293 3.10.7.2, third",
         "LISTEN: text on a SYN is kept, or taken when it comes again; the program gets it once.") {
  t.Listen();
  b.Send(t.SegmentAt(t.seq, tcp::kSyn, Pattern(10)));
  const Packet answer = b.Expect(t.With(tcp::kSyn | tcp::kAck));
  t.seq += 1;
  t.ack = t.end = static_cast<uint32_t>(answer.Get(tcp::kSequence)) + 1;
  t.SendText(Pattern(10));
  t.SendText(Pattern(5, 10));
  t.Accept();
  b.Check(t.socket().ReceiveAll(15) == Pattern(15), "the stream is not what was sent");
}
TCP_CASE(60, MUST, "RFC 9293 3.9.1.1 (MUST-41, MUST-42)",
         "LISTEN: connections from several ports and hosts are opened beside each other.") {
  t.Open();
  Socket first = t.socket();
  t.port = 4001;
  t.seq = 5000;
  t.Open();
  Socket second = t.socket();
  t.from = b.other;
  t.seq = 9000;
  t.Open();
  t.SendText(Pattern(3));
  b.CheckEqual(t.socket().Receive().data.size(), 3, "octets received by the third");
  first.ExpectNoData(100ms);
  second.ExpectNoData(100ms);
}
TCP_CASE(61, MUST, "RFC 9293 3.9.1.1 (MUST-42)",
         "While it listens on a port, the device can connect from others.") {
  t.Listen();
  t.OpenActive();
}

// --- Active OPEN ---------------------------------------------------------------------------------

TCP_CASE(62, MUST, "RFC 9293 3.10.1",
         "Active OPEN: <SEQ=ISS><CTL=SYN> is sent, without ACK or text.") {
  t.Dial();
  b.CheckPacket(t.syn(), PayloadIs({}));
}
TCP_CASE(63, MUST, "RFC 9293 3.9.1.1",
         "Active OPEN: a local port that was bound is the source port.") {
  Socket socket = b.OpenTcp(t.v6());
  socket.Bind(7777);
  socket.Connect({t.from.ip(t.v6()), t.port});
  b.Expect(TcpFlags(tcp::kSyn) && Is(tcp::kSourcePort, 7777));
}
TCP_CASE(64, MUST, "RFC 9293 3.9.1.1 (MUST-44)",
         "Active OPEN: without a bound address the one of the interface is the source.") {
  t.Dial();
  b.CheckPacket(t.syn(), From(t.to.ip(t.v6())));
}
TCP_CASE(65, MUST, "RFC 9293 3.9.1.1 (MUST-43)",
         "Active OPEN: a local address that was bound is the source.", kAddresses) {
  const Prefix second = t.v6() ? Prefix{"2001:db8::77", 64} : Prefix{"192.0.2.77", 24};
  b.AddAddress(second);
  Socket socket = b.OpenTcp(t.v6());
  socket.Bind(Endpoint{second.address, 0});
  socket.Connect({t.from.ip(t.v6()), t.port});
  b.Expect(TcpFlags(tcp::kSyn) && From(second.address));
}
TCP_CASE(66, MUST, "RFC 9293 3.10.1",
         "Active OPEN: two connections to the same place have different local ports.") {
  t.Dial();
  const int first = t.device_port;
  Socket socket = b.OpenTcp(t.v6());
  socket.Connect({t.from.ip(t.v6()), t.port});
  b.Expect(TcpFlags(tcp::kSyn) && IsNot(tcp::kSourcePort, first));
}
TCP_CASE(67, MUST, "RFC 9293 3.8.3 (MUST-20)",
         "Active OPEN: a SYN without answer is sent again, the same.") {
  t.Dial();
  b.Expect(t.With(tcp::kSyn) && Is(tcp::kSequence, t.irs()), 4s);
}
TCP_CASE(68, MUST, "RFC 9293 3.8.3 (MUST-23)",
         "Active OPEN: the attempt is not given up before three minutes.") {
  t.Dial();
  b.Wait(178s);
  b.CheckEqual(t.socket().Error(0s), 0, "the socket's error");
}
CONFORM_BOTH_WAIVER(68,
                    "given up after 127 s, as in Linux; the sysctl tcp_syn_retries gives longer");

TCP_CASE(69, MUST, "RFC 9293 3.10.4",
         "CLOSE in SYN-SENT deletes the connection: a SYN,ACK gets a RST.") {
  t.Dial();
  t.socket().Close();
  t.SendSynAck();
  b.Expect(t.Reset() && Is(tcp::kSequence, t.ack));
}

}  // namespace
}  // namespace moat::conform
