// SEGMENT ARRIVES in SYN-SENT (RFC 9293 3.10.7.3) and SYN-RECEIVED, with simultaneous opening.
#include "conform/bench/tcp_peer.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("tcp-core");

// The segment is not answered, and the right SYN,ACK still opens the connection.
void IsIgnoredInSynSent(Bench& b, TcpPeer& t, int flags, const Bytes& text = {}) {
  b.Send(t.Segment(flags, text));
  b.ExpectNothing(t.Any() && !TcpFlags(tcp::kSyn), 300ms);
  t.SendSynAck();
  b.Expect(t.Ack());
}

// SYN-SENT, and the segment's ACK is wrong: <SEQ=SEG.ACK><CTL=RST>, and nothing changes.
void WrongAckInSynSent(Bench& b, TcpPeer& t, int flags, uint32_t offset) {
  t.Dial();
  const uint32_t right = t.ack;
  t.ack = t.irs() + offset;
  b.Send(t.Segment(flags));
  b.Expect(t.Reset() && Is(tcp::kSequence, t.ack));
  t.ack = right;
  t.SendSynAck();
  b.Expect(t.Ack());
}

TCP_CASE(70, MUST, "RFC 9293 3.10.7.3, first",
         "SYN-SENT: an ACK of ISS gets <SEQ=SEG.ACK><CTL=RST>.") {
  WrongAckInSynSent(b, t, tcp::kAck, 0);
}
TCP_CASE(71, MUST, "RFC 9293 3.10.7.3, first",
         "SYN-SENT: an ACK of what was not sent gets <SEQ=SEG.ACK><CTL=RST>.") {
  WrongAckInSynSent(b, t, tcp::kAck, 2);
}
TCP_CASE(
    72, MUST, "RFC 9293 3.10.7.3, first",
    "SYN-SENT: a SYN,ACK with too low an ACK gets <SEQ=SEG.ACK><CTL=RST>, and opens nothing.") {
  WrongAckInSynSent(b, t, tcp::kSyn | tcp::kAck, 0);
}
TCP_CASE(
    73, MUST, "RFC 9293 3.10.7.3, first",
    "SYN-SENT: a SYN,ACK with too high an ACK gets <SEQ=SEG.ACK><CTL=RST>, and opens nothing.") {
  WrongAckInSynSent(b, t, tcp::kSyn | tcp::kAck, 1000);
}
TCP_CASE(74, MUST, "RFC 9293 3.10.7.3, first",
         "SYN-SENT: a RST with a wrong ACK is dropped silently.") {
  t.Dial();
  const uint32_t right = t.ack;
  t.ack = t.irs() + 2;
  b.Send(t.Segment(tcp::kRst | tcp::kAck));
  b.ExpectNothing(t.Any() && !TcpFlags(tcp::kSyn), 300ms);
  t.ack = right;
  t.SendSynAck();
  b.Expect(t.Ack());
}
TCP_CASE(75, MUST, "RFC 9293 3.10.7.3, second",
         "SYN-SENT: a RST with the right ACK ends the attempt: connection refused.") {
  t.Dial();
  t.Send(tcp::kRst | tcp::kAck);
  t.socket().ExpectError(ECONNREFUSED);
  b.Forget();
  t.SendSynAck();
  b.Expect(t.Reset() && Is(tcp::kSequence, t.ack));
}
TCP_CASE(76, MUST, "RFC 9293 3.10.7.3, second", "SYN-SENT: a RST without ACK is dropped.") {
  t.Dial();
  IsIgnoredInSynSent(b, t, tcp::kRst);
}
TCP_CASE(77, MUST, "RFC 9293 3.10.7.3, second", "SYN-SENT: a SYN,RST without ACK is dropped.") {
  t.Dial();
  IsIgnoredInSynSent(b, t, tcp::kRst | tcp::kSyn);
}
TCP_CASE(78, MUST, "RFC 9293 3.10.7.3, fifth", "SYN-SENT: an ACK alone, of the SYN, is dropped.") {
  t.Dial();
  IsIgnoredInSynSent(b, t, tcp::kAck);
}
TCP_CASE(79, MUST, "RFC 9293 3.10.7.3, fifth", "SYN-SENT: text without SYN is dropped.") {
  t.Dial();
  IsIgnoredInSynSent(b, t, tcp::kAck | tcp::kPsh, Pattern(10));
}
TCP_CASE(80, MUST, "RFC 9293 3.10.7.3, fifth", "SYN-SENT: a FIN is dropped.") {
  t.Dial();
  IsIgnoredInSynSent(b, t, tcp::kFin);
}
TCP_CASE(81, MUST, "RFC 9293 3.10.7.3, fourth",
         "SYN-SENT: a SYN,ACK is answered by <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>.") {
  t.OpenActive();
  t.ExpectAlive();
}
TCP_CASE(82, MUST, "RFC 9293 3.10.7.3, fourth",
         "SYN-SENT: text on the SYN,ACK is taken, now or when it comes again.") {
  t.Dial();
  t.SendAt(t.seq, tcp::kSyn | tcp::kAck, Pattern(10));
  ++t.seq;
  b.Expect(t.AckOf(t.seq) || t.AckOf(t.seq + 10));
  t.SendText(Pattern(10));
  b.Check(t.socket().ReceiveAll(10) == Pattern(10), "the stream is not what was sent");
}
TCP_CASE(83, MUST, "RFC 9293 3.10.7.3, fourth",
         "SYN-SENT: a FIN on the SYN,ACK ends the stream, now or when it comes again.") {
  t.Dial();
  t.SendAt(t.seq, tcp::kSyn | tcp::kAck | tcp::kFin);
  ++t.seq;
  b.Expect(t.AckOf(t.seq) || t.AckOf(t.seq + 1));
  t.Send(tcp::kFin | tcp::kAck);
  b.Wait(50ms);
  t.socket().ExpectEnd();
}
TCP_CASE(84, MUST, "RFC 9293 3.10.7.3, fourth; 3.5 (MUST-10)",
         "SYN-SENT: a SYN without ACK (simultaneous open) is answered by <SEQ=ISS><ACK=RCV.NXT>"
         "<CTL=SYN,ACK>.") {
  t.Dial();
  t.SendSyn();
  b.Expect(t.With(tcp::kSyn | tcp::kAck) && Is(tcp::kSequence, t.irs()) &&
           Is(tcp::kAcknowledgment, t.seq));
}
TCP_CASE(85, MUST, "RFC 9293 3.5, figure 8 (MUST-10)",
         "Simultaneous open: the ACK of our SYN opens the connection.") {
  t.Dial();
  t.SendSyn();
  b.Expect(t.With(tcp::kSyn | tcp::kAck));
  t.ack = t.end;
  t.SendAck();
  t.SendText(Pattern(10));
  b.CheckEqual(t.socket().Receive().data.size(), 10, "octets received");
}
TCP_CASE(86, MUST, "RFC 9293 3.5, figure 8 (MUST-10)",
         "Simultaneous open: the other side's SYN,ACK opens the connection.") {
  t.Dial();
  t.SendSyn();
  b.Expect(t.With(tcp::kSyn | tcp::kAck));
  t.ack = t.end;
  t.SendAt(t.iss(), tcp::kSyn | tcp::kAck);
  t.socket().Send(Pattern(10));
  t.ExpectText();
  t.SendText(Pattern(10));
  b.CheckEqual(t.socket().Receive().data.size(), 10, "octets received");
}
TCP_CASE(87, MUST, "RFC 9293 3.10.7.4, second",
         "SYN-RECEIVED from an active OPEN: a RST ends the attempt: connection refused.") {
  t.Dial();
  t.SendSyn();
  b.Expect(t.With(tcp::kSyn | tcp::kAck));
  t.ack = t.end;
  t.Send(tcp::kRst | tcp::kAck);
  t.socket().ExpectError(ECONNREFUSED);
}

// --- SYN-RECEIVED, passive -----------------------------------------------------------------------

TCP_CASE(88, MUST, "RFC 9293 3.10.7.4, fifth",
         "SYN-RECEIVED: the right ACK opens the connection.") {
  t.Open();
  t.ExpectAlive();
}
TCP_CASE(89, MUST, "RFC 9293 3.10.7.4, fifth",
         "SYN-RECEIVED: nothing is given to the program before the ACK.") {
  t.Reach(TcpState::kSynReceived);
  b.Wait(100ms);
  b.Check(!t.listener().HasPending(), "the connection was given out before its ACK");
}

void WrongAckInSynReceived(Bench& b, TcpPeer& t, uint32_t offset) {
  t.Reach(TcpState::kSynReceived);
  const uint32_t right = t.ack;
  t.ack = right + offset;
  b.Send(t.Segment(tcp::kAck));
  b.Expect(t.Reset() && Is(tcp::kSequence, t.ack));
  t.ack = right;
  t.SendAck();
  t.Accept();
}
TCP_CASE(90, MUST, "RFC 9293 3.10.7.4, fifth",
         "SYN-RECEIVED: too low an ACK gets <SEQ=SEG.ACK><CTL=RST>, and ends nothing.") {
  WrongAckInSynReceived(b, t, 0xffffffff);
}
TCP_CASE(91, MUST, "RFC 9293 3.10.7.4, fifth",
         "SYN-RECEIVED: too high an ACK gets <SEQ=SEG.ACK><CTL=RST>, and ends nothing.") {
  WrongAckInSynReceived(b, t, 1);
}
TCP_CASE(92, MUST, "RFC 9293 3.10.7.4, seventh", "SYN-RECEIVED: text with the ACK is taken.") {
  t.Reach(TcpState::kSynReceived);
  t.SendText(Pattern(10));
  b.Expect(t.AckOf(t.seq));
  t.Accept();
  b.CheckEqual(t.socket().Receive().data.size(), 10, "octets received");
}
TCP_CASE(93, MUST, "RFC 9293 3.10.7.4, eighth",
         "SYN-RECEIVED: a FIN with the ACK is acknowledged, and the program sees the end.") {
  t.Reach(TcpState::kSynReceived);
  t.Send(tcp::kFin | tcp::kAck);
  b.Expect(t.Ack());
  t.Accept();
  t.socket().ExpectEnd();
}
TCP_CASE(94, MUST, "RFC 9293 3.8.3",
         "SYN-RECEIVED: a SYN,ACK that is not acknowledged is sent again, the same.") {
  t.Reach(TcpState::kSynReceived);
  b.Expect(t.With(tcp::kSyn | tcp::kAck) && Is(tcp::kSequence, t.irs()), 4s);
}
TCP_CASE(
    95, MUST, "RFC 9293 3.10.7.4, first",
    "SYN-RECEIVED: the SYN again is answered by an acknowledgement of it, with the same ISS.") {
  t.Reach(TcpState::kSynReceived);
  t.SendAt(t.iss(), tcp::kSyn);
  b.Expect(t.AckOf(t.seq) && (Is(tcp::kSequence, t.irs()) || Is(tcp::kSequence, t.irs() + 1)),
           500ms);
}
TCP_CASE(96, MUST, "RFC 9293 3.10.7.4, second",
         "SYN-RECEIVED: after a RST the device listens again, and a new SYN is answered.") {
  t.Reach(TcpState::kSynReceived);
  t.Send(tcp::kRst);
  t.seq += 1000;
  t.SendSyn();
  t.ExpectSynAck();
  t.SendAck();
  t.Accept();
}
TCP_CASE(
    97, MUST, "RFC 9293 3.10.7.4, fourth",
    "SYN-RECEIVED: a new SYN in the window returns the device to LISTEN: a SYN after it opens.") {
  t.Reach(TcpState::kSynReceived);
  t.SendAt(t.seq + 100, tcp::kSyn);
  b.Wait(100ms);
  b.Forget();
  t.seq += 0x1000;
  t.SendSyn();
  t.ExpectSynAck();
  t.SendAck();
  t.Accept();
}
TCP_CASE(98, MUST, "RFC 9293 3.5, figure 9",
         "An old duplicate SYN is recovered from: the peer's RST for the SYN,ACK makes way for the "
         "right "
         "SYN.") {
  t.Listen();
  t.seq = 0x500;
  t.SendSyn();
  t.ExpectSynAck();
  t.Send(tcp::kRst);
  t.seq = 0x40000000;
  t.SendSyn();
  t.ExpectSynAck();
  t.SendAck();
  t.Accept();
  t.SendText(Pattern(4));
  b.CheckEqual(t.socket().Receive().data.size(), 4, "octets received");
}

}  // namespace
}  // namespace moat::conform
