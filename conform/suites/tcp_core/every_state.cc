// SEGMENT ARRIVES in SYN-RECEIVED and the synchronized states (RFC 9293 3.10.7.4): what every state
// does with the same segment. One line is one case.
#include "conform/bench/tcp_peer.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("tcp-core");

constexpr uint32_t kFar = 0x20000000;  // beyond any window

// --- First: the sequence number ------------------------------------------------------------------

void OldText(TcpPeer& t, TcpState state) {
  t.Reach(state);
  t.ExpectAlive();
}
#define OLD_TEXT(number, state, name)                                                   \
  TCP_CASE(number, MUST, "RFC 9293 3.10.7.4, first",                                    \
           name ": text before the window gets <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>.") { \
    OldText(t, TcpState::state);                                                        \
  }
OLD_TEXT(99, kSynReceived, "SYN-RECEIVED")
OLD_TEXT(100, kEstablished, "ESTABLISHED")
OLD_TEXT(101, kFinWait1, "FIN-WAIT-1")
OLD_TEXT(102, kFinWait2, "FIN-WAIT-2")
OLD_TEXT(103, kCloseWait, "CLOSE-WAIT")
OLD_TEXT(104, kClosing, "CLOSING")
OLD_TEXT(105, kLastAck, "LAST-ACK")
OLD_TEXT(106, kTimeWait, "TIME-WAIT")

void FutureText(Bench& b, TcpPeer& t, TcpState state) {
  t.Reach(state);
  b.Forget();
  t.SendAt(t.seq + kFar, tcp::kAck, Pattern(1));
  b.Expect(t.Ack());
}
#define FUTURE_TEXT(number, state, name)                                                \
  TCP_CASE(number, MUST, "RFC 9293 3.10.7.4, first",                                    \
           name ": text behind the window gets <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>.") { \
    FutureText(b, t, TcpState::state);                                                  \
  }
FUTURE_TEXT(107, kSynReceived, "SYN-RECEIVED")
FUTURE_TEXT(108, kEstablished, "ESTABLISHED")
FUTURE_TEXT(109, kFinWait1, "FIN-WAIT-1")
FUTURE_TEXT(110, kFinWait2, "FIN-WAIT-2")
FUTURE_TEXT(111, kCloseWait, "CLOSE-WAIT")
FUTURE_TEXT(112, kClosing, "CLOSING")
FUTURE_TEXT(113, kLastAck, "LAST-ACK")
FUTURE_TEXT(114, kTimeWait, "TIME-WAIT")

// --- Second: the RST bit -------------------------------------------------------------------------

void ResetOutside(Bench& b, TcpPeer& t, TcpState state) {
  t.Reach(state);
  b.Forget();
  t.SendAt(t.seq - 1, tcp::kRst);
  t.SendAt(t.seq + kFar, tcp::kRst);
  b.ExpectNothing(t.Acks() || t.Reset(), 100ms);
  t.ExpectAlive();
}
#define RESET_OUTSIDE(number, state, name)                              \
  TCP_CASE(number, MUST, "RFC 9293 3.10.7.4, second; RFC 5961 3.2, 1)", \
           name ": a RST outside of the window is dropped silently.") { \
    ResetOutside(b, t, TcpState::state);                                \
  }
RESET_OUTSIDE(115, kSynReceived, "SYN-RECEIVED")
RESET_OUTSIDE(116, kEstablished, "ESTABLISHED")
RESET_OUTSIDE(117, kFinWait1, "FIN-WAIT-1")
RESET_OUTSIDE(118, kFinWait2, "FIN-WAIT-2")
RESET_OUTSIDE(119, kCloseWait, "CLOSE-WAIT")
RESET_OUTSIDE(120, kClosing, "CLOSING")
RESET_OUTSIDE(121, kLastAck, "LAST-ACK")
RESET_OUTSIDE(122, kTimeWait, "TIME-WAIT")

void ResetExact(Bench& b, TcpPeer& t, TcpState state) {
  t.Reach(state);
  b.Forget();
  t.Send(tcp::kRst);
  b.ExpectNothing(t.Acks() || t.Reset(), 100ms);
  t.ExpectGone();
}
#define RESET_EXACT(number, state, name)                                                           \
  TCP_CASE(number, MUST, "RFC 9293 3.10.7.4, second; RFC 5961 3.2, 2)",                            \
           name                                                                                    \
           ": a RST with the sequence number RCV.NXT ends the connection, and is not answered.") { \
    ResetExact(b, t, TcpState::state);                                                             \
  }
RESET_EXACT(123, kSynReceived, "SYN-RECEIVED")
RESET_EXACT(124, kEstablished, "ESTABLISHED")
RESET_EXACT(125, kFinWait1, "FIN-WAIT-1")
RESET_EXACT(126, kFinWait2, "FIN-WAIT-2")
RESET_EXACT(127, kCloseWait, "CLOSE-WAIT")
RESET_EXACT(128, kClosing, "CLOSING")
RESET_EXACT(129, kLastAck, "LAST-ACK")
RESET_EXACT(130, kTimeWait, "TIME-WAIT")

void ResetInside(Bench& b, TcpPeer& t, TcpState state) {
  t.Reach(state);
  b.Wait(600ms);  // answers to what may be forged are limited in rate
  b.Forget();
  t.SendAt(t.seq + 10, tcp::kRst);
  b.Expect(t.Ack());
  t.ExpectAlive();
}
#define RESET_INSIDE(number, state, name)                                                     \
  TCP_CASE(number, MUST, "RFC 9293 3.10.7.4, second; RFC 5961 3.2, 3)",                       \
           name                                                                               \
           ": a RST in the window, but not RCV.NXT, is answered by a challenge ACK and ends " \
           "nothing.") {                                                                      \
    ResetInside(b, t, TcpState::state);                                                       \
  }
RESET_INSIDE(131, kSynReceived, "SYN-RECEIVED")
RESET_INSIDE(132, kEstablished, "ESTABLISHED")
RESET_INSIDE(133, kFinWait1, "FIN-WAIT-1")
RESET_INSIDE(134, kFinWait2, "FIN-WAIT-2")
RESET_INSIDE(135, kCloseWait, "CLOSE-WAIT")
RESET_INSIDE(136, kClosing, "CLOSING")
RESET_INSIDE(137, kLastAck, "LAST-ACK")
RESET_INSIDE(138, kTimeWait, "TIME-WAIT")

// --- Fourth: the SYN bit -------------------------------------------------------------------------

void SynInside(Bench& b, TcpPeer& t, TcpState state) {
  t.Reach(state);
  b.Wait(600ms);
  b.Forget();
  t.SendAt(t.seq + 10, tcp::kSyn);
  b.Expect(t.Ack());
  t.ExpectAlive();
}
#define SYN_INSIDE(number, state, name)                                                     \
  TCP_CASE(number, MUST, "RFC 9293 3.10.7.4, fourth; RFC 5961 4.2",                         \
           name ": a SYN in the window is answered by a challenge ACK and ends nothing.") { \
    SynInside(b, t, TcpState::state);                                                       \
  }
SYN_INSIDE(139, kEstablished, "ESTABLISHED")
SYN_INSIDE(140, kFinWait1, "FIN-WAIT-1")
SYN_INSIDE(141, kFinWait2, "FIN-WAIT-2")
SYN_INSIDE(142, kCloseWait, "CLOSE-WAIT")
SYN_INSIDE(143, kClosing, "CLOSING")
SYN_INSIDE(144, kLastAck, "LAST-ACK")

TCP_CASE(145, MUST, "RFC 9293 3.10.7.4, first; RFC 5961 4.2",
         "ESTABLISHED: a SYN before the window is answered by an ACK and ends nothing.") {
  t.Open();
  b.Wait(600ms);
  t.SendAt(t.seq - 1000, tcp::kSyn);
  b.Expect(t.Ack());
  t.ExpectAlive();
}
TCP_CASE(146, MUST, "RFC 9293 3.10.7.4, fourth; RFC 5961 4.2",
         "ESTABLISHED: a SYN,ACK again (its ACK was lost) is answered by an ACK.") {
  t.OpenActive();
  b.Wait(600ms);
  t.SendAt(t.iss(), tcp::kSyn | tcp::kAck);
  b.Expect(t.Ack());
  t.ExpectAlive();
}

void SynElsewhere(Bench& b, TcpPeer& t, uint32_t seq, const Bytes& text) {
  t.Open();
  b.Wait(600ms);
  b.Forget();
  t.SendAt(seq, tcp::kSyn, text);
  b.Expect(t.Ack());
  t.ExpectAlive();
}
TCP_CASE(286, MUST, "RFC 9293 3.10.7.4, fourth; RFC 5961 4.2",
         "ESTABLISHED: a SYN with the sequence number RCV.NXT, and text, is answered by a "
         "challenge ACK, and its text is not taken.") {
  SynElsewhere(b, t, TcpPeer::kIss + 1, Pattern(10));
}
TCP_CASE(287, MUST, "RFC 9293 3.10.7.4, first; RFC 5961 4.2",
         "ESTABLISHED: a SYN behind the window is answered by an ACK and ends nothing.") {
  SynElsewhere(b, t, TcpPeer::kIss + kFar, {});
}

// --- Fifth: the ACK field ------------------------------------------------------------------------

void NoAckBit(Bench& b, TcpPeer& t, TcpState state) {
  t.Reach(state);
  t.SendAt(t.seq, tcp::kPsh | tcp::kFin, Pattern(10));
  b.ExpectNothing(t.AckOf(t.seq + 10) || t.AckOf(t.seq + 11), 300ms);
  t.ExpectAlive();
}
#define NO_ACK_BIT(number, state, name)                                     \
  TCP_CASE(number, MUST, "RFC 9293 3.10.7.4, fifth",                        \
           name ": text and FIN of a segment without ACK are not taken.") { \
    NoAckBit(b, t, TcpState::state);                                        \
  }
NO_ACK_BIT(147, kSynReceived, "SYN-RECEIVED")
NO_ACK_BIT(148, kEstablished, "ESTABLISHED")
NO_ACK_BIT(149, kFinWait1, "FIN-WAIT-1")
NO_ACK_BIT(150, kFinWait2, "FIN-WAIT-2")

void AckOfUnsent(Bench& b, TcpPeer& t, TcpState state) {
  t.Reach(state);
  b.Wait(600ms);
  b.Forget();
  const uint32_t right = t.ack;
  t.ack = t.end + 1;
  b.Send(t.Segment(tcp::kAck, Pattern(10)));
  b.Expect(t.Ack());
  t.ack = right;
  t.ExpectAlive();
}
#define ACK_OF_UNSENT(number, state, name)                                                       \
  TCP_CASE(                                                                                      \
      number, MUST, "RFC 9293 3.10.7.4, fifth",                                                  \
      name                                                                                       \
      ": a segment that acknowledges what was not sent gets an ACK, and its text is dropped.") { \
    AckOfUnsent(b, t, TcpState::state);                                                          \
  }
ACK_OF_UNSENT(151, kEstablished, "ESTABLISHED")
ACK_OF_UNSENT(152, kFinWait1, "FIN-WAIT-1")
ACK_OF_UNSENT(153, kFinWait2, "FIN-WAIT-2")
ACK_OF_UNSENT(154, kCloseWait, "CLOSE-WAIT")
ACK_OF_UNSENT(155, kClosing, "CLOSING")

TCP_CASE(156, MUST, "RFC 9293 3.10.7.4, fifth",
         "ESTABLISHED: text in a segment whose ACK is old, but not too old, is taken.") {
  t.Open();
  t.socket().Send(Pattern(100));
  t.ExpectText();
  t.ack = t.end;
  t.SendAck();
  t.ack = t.end - 50;
  t.SendText(Pattern(10));
  b.Expect(t.AckOf(t.seq));
}
TCP_CASE(
    157, MUST, "RFC 9293 3.10.7.4, fifth; RFC 5961 5.2",
    "ESTABLISHED: text in a segment whose ACK is older than the largest window is dropped, and "
    "answered by an ACK.") {
  t.window = 1000;
  t.Open();
  b.Wait(600ms);
  const uint32_t right = t.ack;
  t.ack = t.end - 100000;
  b.Send(t.Segment(tcp::kAck, Pattern(10)));
  b.Expect(t.Ack());
  t.ack = right;
  t.ExpectAlive();
}
TCP_CASE(288, MUST, "RFC 5961 5.2",
         "ESTABLISHED: an ACK older than SND.UNA by the largest window is taken with its text, one "
         "that is an octet older is not.") {
  t.window = 1000;
  t.Open();
  t.socket().Send(Pattern(3000));
  t.Read(3000);
  b.Wait(600ms);
  b.Forget();
  const uint32_t right = t.ack;
  t.ack = right - 1001;
  b.Send(t.Segment(tcp::kAck, Pattern(10)));
  b.Expect(t.Ack());
  t.ack = right - 1000;
  t.SendText(Pattern(10));
  t.ack = right;
  b.Expect(t.AckOf(t.seq));
}
TCP_CASE(158, MUST, "RFC 9293 3.10.7.4, fifth",
         "ESTABLISHED: what is acknowledged is not sent again; the rest is.") {
  t.Open();
  t.socket().Send(Pattern(1000));
  t.ExpectText();
  t.ack = t.end - 400;
  t.SendAck();
  b.Expect(t.Text() && Is(tcp::kSequence, t.ack) && PayloadIs(Pattern(400, 1000 - 400 - 512)), 3s);
}

// --- Seventh: the text ---------------------------------------------------------------------------

void TakesText(Bench& b, TcpPeer& t, TcpState state) {
  t.Reach(state);
  t.SendText(Pattern(100));
  b.Expect(t.AckOf(t.seq));
  b.Check(t.socket().ReceiveAll(100) == Pattern(100), "the program got something else");
}
#define TAKES_TEXT(number, state, name)                              \
  TCP_CASE(number, MUST, "RFC 9293 3.10.7.4, seventh",               \
           name ": text is acknowledged and reaches the program.") { \
    TakesText(b, t, TcpState::state);                                \
  }
TAKES_TEXT(159, kEstablished, "ESTABLISHED")
TAKES_TEXT(160, kFinWait1, "FIN-WAIT-1")
TAKES_TEXT(161, kFinWait2, "FIN-WAIT-2")

void IgnoresText(Bench& b, TcpPeer& t, TcpState state) {
  t.Reach(state);
  t.SendAt(t.seq, tcp::kAck | tcp::kPsh, Pattern(10));
  b.ExpectNothing(t.AckOf(t.seq + 10), 300ms);
  t.ExpectAlive();
}
#define IGNORES_TEXT(number, state, name)                                                          \
  TCP_CASE(number, MUST, "RFC 9293 3.10.7.4, seventh", name ": text behind the FIN is ignored.") { \
    IgnoresText(b, t, TcpState::state);                                                            \
  }
IGNORES_TEXT(162, kCloseWait, "CLOSE-WAIT")
IGNORES_TEXT(163, kClosing, "CLOSING")
IGNORES_TEXT(164, kLastAck, "LAST-ACK")
IGNORES_TEXT(165, kTimeWait, "TIME-WAIT")

// --- Eighth: the FIN bit -------------------------------------------------------------------------

void FinAgain(Bench& b, TcpPeer& t, TcpState state) {
  t.Reach(state);
  b.Wait(600ms);
  b.Forget();
  t.SendAt(t.seq - 1, tcp::kFin | tcp::kAck);
  b.Expect(t.Ack());
  t.ExpectAlive();
}
#define FIN_AGAIN(number, state, name)                                           \
  TCP_CASE(number, MUST, "RFC 9293 3.10.7.4, first, eighth",                     \
           name ": the FIN again is acknowledged again, and changes nothing.") { \
    FinAgain(b, t, TcpState::state);                                             \
  }
FIN_AGAIN(166, kCloseWait, "CLOSE-WAIT")
FIN_AGAIN(167, kClosing, "CLOSING")
FIN_AGAIN(168, kLastAck, "LAST-ACK")
FIN_AGAIN(169, kTimeWait, "TIME-WAIT")

TCP_CASE(170, MUST, "RFC 9293 3.10.7.4, eighth",
         "ESTABLISHED: a FIN is acknowledged, and the program sees the end of the stream.") {
  t.Open();
  t.Send(tcp::kFin | tcp::kAck, Pattern(10));
  b.Expect(t.Ack());
  t.socket().ReceiveAll(10);
  t.socket().ExpectEnd();
}
TCP_CASE(171, MUST, "RFC 9293 3.10.7.4, eighth",
         "FIN-WAIT-1: a FIN with the ACK of ours is acknowledged: TIME-WAIT.") {
  t.Reach(TcpState::kFinWait1);
  t.ack = t.end;
  t.Send(tcp::kFin | tcp::kAck);
  b.Expect(t.Ack());
  b.Wait(3s);
  t.ExpectAlive();
}
TCP_CASE(
    172, MUST, "RFC 9293 3.10.7.4, eighth",
    "FIN-WAIT-1: a FIN without the ACK of ours is acknowledged, and ours is sent again: CLOSING.") {
  t.Reach(TcpState::kClosing);
  b.Expect(t.With(tcp::kFin | tcp::kAck) && Is(tcp::kSequence, t.end - 1) &&
               Is(tcp::kAcknowledgment, t.seq),
           3s);
}
TCP_CASE(173, MUST, "RFC 9293 3.10.7.4, fifth", "CLOSING: the ACK of our FIN leads to TIME-WAIT.") {
  t.Reach(TcpState::kClosing);
  t.ack = t.end;
  t.SendAck();
  b.Forget();
  b.ExpectNothing(t.With(tcp::kFin | tcp::kAck), 3s);
  t.ExpectAlive();
}
TCP_CASE(174, MUST, "RFC 9293 3.10.7.4, fifth",
         "LAST-ACK: the ACK of our FIN ends the connection.") {
  t.Reach(TcpState::kLastAck);
  t.ack = t.end;
  t.SendAck();
  t.ExpectGone();
}
TCP_CASE(175, MUST, "RFC 9293 3.10.7.4, eighth", "FIN-WAIT-2: a FIN is acknowledged: TIME-WAIT.") {
  t.Reach(TcpState::kTimeWait);
  b.Wait(3s);
  t.ExpectAlive();
}
TCP_CASE(176, MUST, "RFC 9293 3.10.7.4, eighth",
         "A FIN behind a hole counts only once the hole is filled.") {
  t.Open();
  t.SendAt(t.seq + 10, tcp::kFin | tcp::kAck, Pattern(10, 10));
  b.ExpectNothing(t.AckOf(t.seq + 21), 200ms);
  t.SendAt(t.seq, tcp::kAck, Pattern(10));
  t.seq += 10;
  b.Wait(50ms);
  b.Forget();
  t.SendAt(t.seq, tcp::kFin | tcp::kAck, Pattern(10, 10));
  b.Expect(t.AckOf(t.seq + 11));
  b.Check(t.socket().ReceiveAll(20) == Pattern(20), "the program got something else");
  t.socket().ExpectEnd();
}

}  // namespace
}  // namespace moat::conform
