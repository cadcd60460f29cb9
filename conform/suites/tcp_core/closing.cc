// The user's calls CLOSE and ABORT, half-closed connections, TIME-WAIT, and resets as the program
// sees them.
#include "conform/bench/tcp_peer.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("tcp-core");

TCP_CASE(177, MUST, "RFC 9293 3.10.4",
         "CLOSE in ESTABLISHED: the FIN follows all that was sent before.") {
  t.Open();
  t.window = 1000;
  t.SendText(Pattern(1));
  t.socket().Send(Pattern(1500));
  t.socket().Shutdown();
  Bytes all = t.ExpectText().Payload();
  b.CheckEqual(all.size(), 1000, "octets in the window");
  t.ack = t.end;
  t.SendAck();
  const Packet last = b.Expect((t.With(tcp::kFin | tcp::kAck) && Is(tcp::kSequence, t.end + 500)) ||
                               (t.With(tcp::kFin | tcp::kAck) && Is(tcp::kSequence, t.end)));
  b.Check(last.Payload().size() == 500 || last.Get(tcp::kSequence) == t.end + 500,
          "the FIN is not behind the text");
}
TCP_CASE(178, MUST, "RFC 9293 3.10.4", "CLOSE in ESTABLISHED with nothing queued: a FIN is sent.") {
  t.Reach(TcpState::kFinWait1);
}
TCP_CASE(179, MUST, "RFC 9293 3.10.4", "CLOSE in CLOSE-WAIT: a FIN is sent.") {
  t.Reach(TcpState::kLastAck);
}
TCP_CASE(180, MUST, "RFC 9293 3.8.3", "A FIN that is not acknowledged is sent again.") {
  t.Reach(TcpState::kFinWait1);
  b.Expect(t.With(tcp::kFin | tcp::kAck) && Is(tcp::kSequence, t.end - 1), 3s);
}
TCP_CASE(181, MUST, "RFC 9293 3.10.4",
         "CLOSE in SYN-RECEIVED by the program of a simultaneous open is followed by a FIN.") {
  t.Dial();
  t.SendSyn();
  b.Expect(t.With(tcp::kSyn | tcp::kAck));
  t.socket().Shutdown();
  t.ack = t.end;
  t.SendAck();
  b.Expect(t.With(tcp::kFin | tcp::kAck) && Is(tcp::kSequence, t.end), 3s);
}
TCP_CASE(182, MUST, "RFC 9293 3.6",
         "After its FIN was acknowledged the device still takes text for minutes.") {
  t.Reach(TcpState::kFinWait2);
  b.Wait(100s);
  t.SendText(Pattern(10));
  b.Expect(t.Ack());
  b.CheckEqual(t.socket().Receive().data.size(), 10, "octets received");
}
TCP_CASE(183, MUST, "RFC 9293 3.10.2", "In CLOSE-WAIT the device can still send.") {
  t.Reach(TcpState::kCloseWait);
  t.socket().Send(Pattern(10));
  b.CheckPacket(t.ExpectText(), PayloadIs(Pattern(10)) && Is(tcp::kAcknowledgment, t.seq));
}
TCP_CASE(184, MUST, "RFC 9293 3.10.2", "SEND after CLOSE fails.") {
  t.Reach(TcpState::kFinWait2);
  b.Check(t.socket().TrySend(Pattern(1)) < 0, "sending worked");
  b.ExpectNothing(t.Text());
}
TCP_CASE(185, SHOULD, "RFC 9293 3.6.1 (SHLD-3)",
         "CLOSE with text that the program has not read sends a RST.") {
  t.Open();
  t.SendText(Pattern(10));
  b.Expect(t.AckOf(t.seq));
  t.socket().Close();
  b.Expect(t.Reset());
}
TCP_CASE(186, SHOULD, "RFC 9293 3.6.1 (SHLD-3)",
         "Text that comes when the program has closed both ways is answered by a RST.") {
  t.Open();
  t.socket().Close();
  t.ExpectFin();
  t.ack = t.end;
  t.SendAck();
  b.Forget();
  t.SendText(Pattern(10));
  b.Expect(t.Reset());
}

// --- ABORT ---------------------------------------------------------------------------------------

void AbortSendsReset(Bench& b, TcpPeer& t, TcpState state) {
  t.Reach(state);
  t.socket().Abort();
  b.Expect(t.Reset() && Is(tcp::kSequence, t.end));
  t.ExpectGone();
}
#define ABORT(number, state, name)                                                         \
  TCP_CASE(number, MUST, "RFC 9293 3.10.5; 3.9.1.5",                                       \
           "ABORT in " name " sends <SEQ=SND.NXT><CTL=RST> and deletes the connection.") { \
    AbortSendsReset(b, t, TcpState::state);                                                \
  }
ABORT(187, kEstablished, "ESTABLISHED")
ABORT(188, kFinWait1, "FIN-WAIT-1")
ABORT(189, kFinWait2, "FIN-WAIT-2")
ABORT(190, kCloseWait, "CLOSE-WAIT")

void AbortIsQuiet(Bench& b, TcpPeer& t, TcpState state) {
  t.Reach(state);
  t.socket().Abort();
  b.ExpectNothing(t.Text());
  t.ExpectGone();
}
TCP_CASE(191, MUST, "RFC 9293 3.10.5", "ABORT in CLOSING deletes the connection.") {
  AbortIsQuiet(b, t, TcpState::kClosing);
}
TCP_CASE(192, MUST, "RFC 9293 3.10.5", "ABORT in LAST-ACK deletes the connection.") {
  AbortIsQuiet(b, t, TcpState::kLastAck);
}
TCP_CASE(193, MUST, "RFC 9293 3.10.5", "ABORT drops what is queued: the RST is the last segment.") {
  t.window = 100;
  t.Open();
  t.socket().Send(Pattern(3000));
  b.Wait(100ms);
  t.socket().Abort();
  b.Expect(t.Reset());
  t.ack = t.end;
  b.ExpectNothing(t.Text(), 3s);
}

// --- Resets, as the program sees them ------------------------------------------------------------

TCP_CASE(194, MUST, "RFC 9293 3.10.7.4, second", "A RST in ESTABLISHED is told to the program.") {
  t.Open();
  t.Send(tcp::kRst | tcp::kAck);
  t.socket().ExpectError(ECONNRESET);
}
TCP_CASE(195, MUST, "RFC 9293 3.10.7.4, second", "A RST in FIN-WAIT-2 is told to the program.") {
  t.Reach(TcpState::kFinWait2);
  t.Send(tcp::kRst | tcp::kAck);
  t.socket().ExpectError(ECONNRESET);
}
TCP_CASE(196, MUST, "RFC 9293 3.10.7.4, second",
         "A RST is taken whatever it acknowledges: the sequence number decides.") {
  t.Open();
  t.ack = t.end + 5000;
  t.SendAt(t.seq, tcp::kRst | tcp::kAck);
  t.socket().ExpectError(ECONNRESET);
}
TCP_CASE(
    197, MUST, "RFC 9293 3.5.1, figure 10",
    "A host that crashed and connects again gets an ACK that lets it end the old connection.") {
  t.Open();
  b.Wait(600ms);
  t.SendAt(0x70000000, tcp::kSyn);
  const Packet answer = b.Expect(t.Ack());
  t.SendAt(static_cast<uint32_t>(answer.Get(tcp::kAcknowledgment)), tcp::kRst);
  t.socket().ExpectError(ECONNRESET);
  t.seq = 0x70000000;
  t.SendSyn();
  t.ExpectSynAck();
}
TCP_CASE(198, MUST, "RFC 9293 3.5.1, figure 11",
         "When its text is answered by a RST, the connection ends and the program is told.") {
  t.Open();
  t.socket().Send(Pattern(10));
  t.ExpectText();
  b.Send(t.Segment(tcp::kRst));
  t.socket().ExpectError(ECONNRESET);
  b.Forget();
  b.ExpectNothing(t.Any(), 3s);
}

// --- TIME-WAIT -----------------------------------------------------------------------------------

TCP_CASE(199, MUST, "RFC 9293 3.6.1 (MUST-13)",
         "TIME-WAIT lasts for twice the maximum segment lifetime: the connection is remembered for "
         "50 s.") {
  t.Reach(TcpState::kTimeWait);
  b.Wait(50s);
  t.ExpectAlive();
}
TCP_CASE(200, MUST, "RFC 9293 3.10.7.4, eighth",
         "A FIN in TIME-WAIT starts the time anew: 50 s after it the connection is remembered.") {
  t.Reach(TcpState::kTimeWait);
  b.Wait(45s);
  t.SendAt(t.seq - 1, tcp::kFin | tcp::kAck);
  b.Wait(50s);
  t.ExpectAlive();
}
TCP_CASE(
    201, MAY, "RFC 9293 3.6.1 (MAY-2)",
    "A SYN with a higher sequence number than all before opens a new connection from TIME-WAIT.") {
  t.Reach(TcpState::kTimeWait);
  t.seq += 100000;
  t.SendSyn();
  t.ExpectSynAck();
}
TCP_CASE(202, MUST, "RFC 9293 3.6.1 (MAY-2), a)",
         "The new connection from TIME-WAIT begins above the old one's last sequence number.") {
  t.Reach(TcpState::kTimeWait);
  const uint32_t last = t.end;
  t.seq += 100000;
  t.SendSyn();
  t.ExpectSynAck();
  b.Check(static_cast<int32_t>(t.irs() - last) > 0, "the ISS is not above the old SND.NXT");
}
TCP_CASE(203, MUST, "RFC 9293 3.6.1 (MAY-2), b)",
         "An old duplicate SYN in TIME-WAIT opens nothing, and is answered by an ACK.") {
  t.Reach(TcpState::kTimeWait);
  b.Wait(600ms);
  t.SendAt(t.seq - 1000, tcp::kSyn);
  b.Expect(t.Ack());
  t.ExpectAlive();
}
TCP_CASE(204, MUST, "RFC 9293 3.6",
         "Who closes first does the TIME-WAIT; the other side's end is free at once.") {
  t.Reach(TcpState::kLastAck);
  t.ack = t.end;
  t.SendAck();
  t.seq += 1;
  t.SendSyn();
  t.ExpectSynAck();
}
TCP_CASE(205, MUST, "RFC 9293 3.10.7.4, fifth",
         "FIN-WAIT-1: the ACK of the FIN ends its retransmission, and sends nothing.") {
  t.Reach(TcpState::kFinWait2);
  b.Forget();
  b.ExpectNothing(t.Any(), 3s);
}

}  // namespace
}  // namespace moat::conform
