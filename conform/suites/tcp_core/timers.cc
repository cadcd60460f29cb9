// Urgent data (RFC 9293 3.8.5), retransmission (3.8.1, 3.8.3), keep-alive (3.8.4), and the user
// timeout.
#include "conform/bench/tcp_peer.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("tcp-core");

Match Urgent() {
  return Where("URG", [](const Packet& p) { return (p.Get(tcp::kFlags) & tcp::kUrg) != 0; });
}

// --- Urgent --------------------------------------------------------------------------------------

TCP_CASE(241, MUST, "RFC 9293 3.8.5 (MUST-30)", "Urgent data of the program is sent with URG.") {
  t.Open();
  b.CheckEqual(t.socket().TrySend(Pattern(1), std::nullopt, /*urgent=*/true), 1, "octets written");
  b.CheckPacket(t.ExpectText(), Urgent());
}
TCP_CASE(242, MUST, "RFC 9293 3.8.5 (MUST-62)",
         "The urgent pointer points behind the last urgent octet.") {
  t.Open();
  b.CheckEqual(t.socket().TrySend(Pattern(5), std::nullopt, /*urgent=*/true), 5, "octets written");
  b.CheckPacket(t.ExpectText(), Is(tcp::kUrgentPointer, 5));
}
TCP_CASE(243, MUST, "RFC 9293 3.8.5", "Text without urgent data has no URG.") {
  t.Open();
  t.socket().Send(Pattern(10));
  b.CheckPacket(t.ExpectText(), !Urgent());
}
TCP_CASE(244, MUST, "RFC 9293 3.8.5 (MUST-31)",
         "Urgent data of any length: text whose urgent pointer lies behind it is taken.") {
  t.Open();
  b.Send(t.Segment(tcp::kAck | tcp::kUrg, Pattern(10)).Set(tcp::kUrgentPointer, 40000));
  t.seq += 10;
  b.Expect(t.AckOf(t.seq));
  b.Check(t.socket().ReceiveAll(10) == Pattern(10), "the program got something else");
}
TCP_CASE(245, MUST, "RFC 9293 3.8.5",
         "The text before urgent data reaches the program as it was sent.") {
  t.Open();
  b.Send(t.Segment(tcp::kAck | tcp::kUrg, Pattern(11)).Set(tcp::kUrgentPointer, 11));
  t.seq += 11;
  b.Expect(t.AckOf(t.seq));
  b.Check(t.socket().ReceiveAll(10) == Pattern(10), "the program got something else");
}
TCP_CASE(246, MUST, "RFC 9293 3.1, Urgent Pointer",
         "Without URG the urgent pointer is not looked at.") {
  t.Open();
  b.Send(t.Segment(tcp::kAck, Pattern(10)).Set(tcp::kUrgentPointer, 10));
  t.seq += 10;
  b.Check(t.socket().ReceiveAll(10) == Pattern(10), "the program got something else");
}
TCP_CASE(247, MUST, "RFC 9293 3.10.7.4, sixth", "URG on a segment without text does no harm.") {
  t.Open();
  b.Send(t.Segment(tcp::kAck | tcp::kUrg).Set(tcp::kUrgentPointer, 1));
  t.SendText(Pattern(1));
  b.Expect(t.AckOf(t.seq));
}

// --- Retransmission ------------------------------------------------------------------------------

TCP_CASE(248, MUST, "RFC 9293 3.8.1", "Text that is not acknowledged is sent again, the same.") {
  t.Open();
  t.socket().Send(Pattern(100));
  const Packet first = t.ExpectText();
  b.Expect(t.Text() && Is(tcp::kSequence, first.Get(tcp::kSequence)) && PayloadIs(Pattern(100)),
           4s);
}
TCP_CASE(249, MUST, "RFC 9293 3.8.1 (MUST-19)",
         "Retransmissions of the same text come at growing intervals.") {
  t.Open();
  t.socket().Send(Pattern(100));
  b.Expect(t.Text());
  Duration times[4];
  for (Duration& time : times) time = b.Expect(t.Text(), 10s).time();
  const double first = std::chrono::duration<double>(times[1] - times[0]).count();
  const double last = std::chrono::duration<double>(times[3] - times[2]).count();
  b.CheckBetween(last / first, 2.5, 6, "the ratio of the intervals, two retransmissions apart");
}
TCP_CASE(250, MUST, "RFC 9293 3.8.1", "An acknowledgement ends the retransmissions.") {
  t.Open();
  t.socket().Send(Pattern(100));
  t.ExpectText();
  b.Expect(t.Text(), 4s);
  t.ack = t.end;
  t.SendAck();
  b.Forget();
  b.ExpectNothing(t.Any(), 5s);
}
TCP_CASE(251, SHOULD, "RFC 9293 3.8.3 (SHLD-11)",
         "Retransmissions go on for at least 100 seconds before the connection is given up.") {
  t.Open();
  t.socket().Send(Pattern(100));
  b.Wait(100s);
  b.CheckEqual(t.socket().Error(0s), 0, "the socket's error");
  t.ack = t.end + 100;
  t.SendAck();
  t.end += 100;
  t.ExpectAlive();
}
TCP_CASE(252, MUST, "RFC 9293 3.8.3 (MUST-21)",
         "The program can say how long text may stay without acknowledgement.") {
  t.Open();
  t.socket().Set(Option::kUserTimeout, 3000);
  t.socket().Send(Pattern(100));
  b.Wait(1500ms);
  b.CheckEqual(t.socket().Error(0s), 0, "the socket's error after half of the time");
  t.socket().ExpectError(ETIMEDOUT, 20s);
}
TCP_CASE(253, MUST, "RFC 9293 3.9.1.8; 3.10.8",
         "A connection that was given up is closed: what comes then gets a RST.") {
  t.Open();
  t.socket().Set(Option::kUserTimeout, 1500);
  t.socket().Send(Pattern(100));
  t.socket().ExpectError(ETIMEDOUT, 20s);
  t.ExpectGone();
}

// --- Keep-alive ----------------------------------------------------------------------------------

void OpenKeepAlive(TcpPeer& t) {
  t.Open();
  t.socket().Set(Option::kKeepIdle, 5);
  t.socket().Set(Option::kKeepInterval, 2);
  t.socket().Set(Option::kKeepCount, 3);
  t.socket().Set(Option::kKeepAlive, 1);
}

TCP_CASE(254, MUST, "RFC 9293 3.8.4 (MUST-25)",
         "Without being told to the device sends no keep-alive.") {
  t.Open();
  b.Forget();
  b.ExpectNothing(t.Any(), 60s);
}
TCP_CASE(255, MUST, "RFC 9293 3.8.4 (MUST-28)",
         "Keep-alives come after two hours, if nothing else is said.") {
  t.Open();
  t.socket().Set(Option::kKeepAlive, 1);
  b.Forget();
  b.ExpectNothing(t.Any(), 150s);
}
TCP_CASE(256, MUST, "RFC 9293 3.8.4 (MUST-24, MUST-27)",
         "The program can switch keep-alives on and choose when they come.") {
  OpenKeepAlive(t);
  b.Forget();
  b.ExpectNothing(t.Any(), 4500ms);
  b.Expect(t.Acks(), 3s);
}
TCP_CASE(257, SHOULD, "RFC 9293 3.8.4 (SHLD-12)",
         "A keep-alive has the sequence number SND.NXT-1, so that it is answered.") {
  OpenKeepAlive(t);
  b.Forget();
  b.Expect(t.Any() && Is(tcp::kSequence, t.end - 1), 7s);
}
TCP_CASE(258, MUST, "RFC 9293 3.8.4 (MUST-29)",
         "A keep-alive without answer does not end the connection; one with answer keeps it.") {
  OpenKeepAlive(t);
  b.Forget();
  b.Expect(t.Acks(), 7s);
  b.Expect(t.Acks(), 4s);
  t.SendAck();
  b.Wait(4s);
  b.CheckEqual(t.socket().Error(0s), 0, "the socket's error");
}
TCP_CASE(259, MUST, "RFC 9293 3.8.4",
         "When no keep-alive is answered, the connection is given up.") {
  OpenKeepAlive(t);
  t.socket().ExpectError(ETIMEDOUT, 20s);
}
TCP_CASE(260, MUST, "RFC 9293 3.8.4 (MUST-26)", "While segments come, no keep-alive is sent.") {
  OpenKeepAlive(t);
  for (int i = 0; i < 4; ++i) {
    b.Wait(3s);
    t.SendText(Pattern(1));
    b.Expect(t.AckOf(t.seq));
  }
  b.Forget();
  b.ExpectNothing(t.Any(), 4s);
}
TCP_CASE(261, MUST, "RFC 9293 3.8.4; 3.10.7.4, first",
         "A keep-alive of the other side, with or without an octet, is answered by an ACK.") {
  t.Open();
  t.SendText(Pattern(10));
  b.Expect(t.AckOf(t.seq));
  t.SendAt(t.seq - 1, tcp::kAck, Pattern(1));
  b.Expect(t.Ack());
  b.Wait(600ms);
  t.SendAt(t.seq - 1, tcp::kAck);
  b.Expect(t.Ack());
}

}  // namespace
}  // namespace moat::conform
