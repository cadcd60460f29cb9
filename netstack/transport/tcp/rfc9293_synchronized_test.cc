// The synchronized states: sequence check, RST, SYN, ACK, URG, text (RFC 9293 3.10.7.4), the
// challenge ACKs of RFC 5961, and closing (3.6).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netstack/transport/tcp/testing/story.h"

namespace moat::netstack::tcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Established : public Story {
 protected:
  void SetUp() override { Establish(); }
};

// --- First: sequence number ----------------------------------------------------------------------

TEST_F(Established, Rfc9293_S3_10_7_4_TextInOrderIsDeliveredAndAcknowledged) {
  Send(Data("hello").Seq(1).Ack(1));
  EXPECT_TRUE(observer.bits & ready::kReadable);
  EXPECT_EQ(socket->ReadableBytes(), 5u);
  EXPECT_THAT(Next(), Is(Ack(6).Seq(1)));
  EXPECT_EQ(Read(), "hello");
}

TEST_F(Established, Rfc9293_S3_10_7_4_OldSegmentIsAcknowledgedAndDropped) {
  Send(Data("hello").Seq(1).Ack(1));
  Next();
  Send(Data("hello").Seq(1).Ack(1));
  EXPECT_THAT(Next(), Is(Ack(6).Seq(1)));
  EXPECT_EQ(Read(), "hello");
}

TEST_F(Established, Rfc9293_S3_10_7_4_SegmentBeyondTheWindowIsAcknowledgedAndDropped) {
  Send(Data("x").Seq(1 + 70000).Ack(1));
  EXPECT_THAT(Next(), Is(Ack(1).Seq(1)));
  EXPECT_EQ(socket->ReadableBytes(), 0u);
}

TEST_F(Established, Rfc9293_S3_10_7_4_OverlapIsTrimmedToTheWindow) {
  Send(Data("abc").Seq(1).Ack(1));
  Send(Data("bcdef").Seq(2).Ack(1));
  EXPECT_EQ(Read(), "abcdef");
  All();
  // The right part beyond the window is not taken.
  const uint32_t edge = 7 + 65536;
  Send(Packet().Size(1000).Seq(7).Ack(1));
  for (uint32_t at = 1007; at + 1000 <= edge; at += 1000) Send(Packet().Size(1000).Seq(at).Ack(1));
  EXPECT_LE(socket->ReadableBytes(), 65536u);
}

TEST_F(Established, Rfc9293_S3_10_7_4_OutOfOrderTextWaitsForTheHole) {
  Send(Data("def").Seq(4).Ack(1));
  EXPECT_THAT(Next(), Is(Ack(1).Seq(1)));  // at once (RFC 5681 4.2)
  EXPECT_EQ(socket->ReadableBytes(), 0u);
  Send(Data("abc").Seq(1).Ack(1));
  EXPECT_THAT(Next(), Is(Ack(7).Seq(1)));
  EXPECT_EQ(Read(), "abcdef");
}

TEST_F(Established, Rfc9293_S3_10_7_4_ZeroWindowStillTakesAcks) {
  // Fill the window exactly: 65535 octets, as the peer does not scale.
  for (uint32_t at = 1; at < 65536; at += 1024) Send(Packet().Size(1024).Seq(at).Ack(1));
  All();
  EXPECT_EQ(Write("x"), Error::kOk);
  EXPECT_THAT(Next(), Is(Data("x").Seq(1).Ack(65536).Wnd(0)));
  Send(Packet().Size(1).Seq(65536).Ack(
      2));  // a probe with an ACK: the ACK counts, the text does not
  EXPECT_EQ(socket->UnackedBytes(), 0u);
  EXPECT_EQ(socket->ReadableBytes(), 65535u);
  EXPECT_THAT(Next(), Is(Ack(65536).Wnd(0)));
}

TEST_F(Established, Rfc9293_S3_8_6_WindowNeverShrinks) {
  uint32_t edge = 0;
  for (uint32_t at = 1; at < 60000; at += 700) {
    Send(Packet().Size(700).Seq(at).Ack(1));
    for (const Packet& packet : All()) {
      const uint32_t now = *packet.ack + *packet.wnd;
      EXPECT_GE(now, edge);
      edge = std::max(edge, now);
    }
  }
  EXPECT_LE(edge, 1 + 65536u);
}

// --- Second: RST (RFC 5961 3.2) ------------------------------------------------------------------

TEST_F(Established, Rfc5961_S3_2_ExactResetResets) {
  Send(Rst().Seq(1));
  EXPECT_EQ(state(), TcpState::kClosed);
  EXPECT_EQ(socket->TakeError(), Error::kConnectionReset);
  EXPECT_TRUE(observer.bits & ready::kClosed);
  EXPECT_TRUE(Quiet());
  EXPECT_EQ(Counter("Tcp.EstabResets"), 1u);
  EXPECT_EQ(Counter("Tcp.CurrEstab"), 0u);
}

TEST_F(Established, Rfc5961_S3_2_ResetInWindowGetsAChallenge) {
  Send(Rst().Seq(2));
  EXPECT_THAT(Next(), Is(Ack(1).Seq(1)));
  EXPECT_EQ(state(), TcpState::kEstablished);
  EXPECT_EQ(Counter("TcpExt.TCPChallengeACK"), 1u);
}

TEST_F(Established, Rfc5961_S3_2_ResetOutsideOfTheWindowIsDropped) {
  Send(Rst().Seq(0));
  Send(Rst().Seq(70000));
  Send(Rst().Seq(1 + 65535));  // right behind it
  EXPECT_TRUE(Quiet());
  EXPECT_EQ(state(), TcpState::kEstablished);
  Send(Rst().Seq(65535));
  EXPECT_THAT(Next(), Is(Ack(1).Seq(1)));
}

TEST_F(Established, Rfc5961_S7_TheLimitIsASysctl) {
  host.Sysctl("ipv4.tcp_challenge_ack_limit", "1");
  Send(Rst().Seq(2));
  EXPECT_THAT(Next(), Is(Ack(1).Seq(1)));
  Advance(std::chrono::milliseconds(600));  // past the limit of one connection
  Send(Rst().Seq(2));
  EXPECT_TRUE(Quiet());
  Advance(std::chrono::milliseconds(600));
  Send(Rst().Seq(2));
  EXPECT_THAT(Next(), Is(Ack(1).Seq(1)));
}

// --- Fourth: SYN (RFC 5961 4.2) ------------------------------------------------------------------

TEST_F(Established, Rfc5961_S4_2_SynGetsAChallenge) {
  Send(Syn().Seq(1));
  EXPECT_THAT(Next(), Is(Ack(1).Seq(1)));
  Send(Syn().Seq(1));  // once in 500 ms
  EXPECT_TRUE(Quiet());
  EXPECT_EQ(state(), TcpState::kEstablished);
}

// --- Fifth: ACK (RFC 5961 5.2) -------------------------------------------------------------------

TEST_F(Established, Rfc9293_S3_10_7_4_SegmentWithoutAckIsDropped) {
  Send(Packet().Seq(1));
  EXPECT_TRUE(Quiet());
}

TEST_F(Established, Rfc9293_S3_10_7_4_AckOfWhatWasNotSentGetsAnAck) {
  Send(Ack(2).Seq(1));
  EXPECT_THAT(Next(), Is(Ack(1).Seq(1)));
}

TEST_F(Established, Rfc5961_S5_2_VeryOldAckGetsAChallengeAndItsTextIsDropped) {
  Send(Data("evil").Seq(1).Ack(1u - 70000u));
  EXPECT_THAT(Next(), Is(Ack(1).Seq(1)));
  EXPECT_EQ(socket->ReadableBytes(), 0u);
}

// A window is no measure of what can be acknowledged before so much was sent.
TEST_F(Established, Rfc5961_S5_2_NorIsAnAckOfWhatWasNeverSentTaken) {
  Send(Data("evil").Seq(1).Ack(1u - 1000u));
  EXPECT_THAT(Next(), Is(Ack(1).Seq(1)));
  EXPECT_EQ(socket->ReadableBytes(), 0u);
  ASSERT_EQ(WriteBytes(1000), Error::kOk);
  Next();
  Send(Ack(1001).Seq(1));
  Send(Data("good").Seq(1).Ack(1));
  EXPECT_EQ(Read(), "good");
}

TEST_F(Established, Rfc9293_S3_10_7_4_OldAckIsIgnoredButItsTextCounts) {
  ASSERT_EQ(Write("abc"), Error::kOk);
  Next();
  Send(Ack(4).Seq(1));
  Send(Data("x").Seq(1).Ack(2));
  EXPECT_EQ(Read(), "x");
}

TEST_F(Established, Rfc9293_S3_10_7_4_WindowUpdateOnlyFromANewerSegment) {
  Send(Ack(1).Seq(1).Wnd(1000));
  Send(Data("abc").Seq(1).Ack(1).Wnd(2000));
  // An old segment's window (SND.WL1) is not taken.
  Send(Ack(1).Seq(1).Wnd(5000));
  EXPECT_EQ(socket->Info().send_window, 2000u);
}

// --- Sixth: URG ----------------------------------------------------------------------------------

TEST_F(Established, Rfc9293_S3_10_7_4_UrgentDataIsAnnouncedAndStaysInTheStream) {
  Send(Data("abc").Seq(1).Ack(1).Urg(3));
  EXPECT_TRUE(observer.bits & ready::kUrgent);
  EXPECT_EQ(Read(), "abc");
  EXPECT_FALSE(socket->Ready() & ready::kUrgent);
}

TEST_F(Established, Rfc9293_S3_8_5_TheUserLearnsHowMuchUrgentDataIsLeft) {
  EXPECT_EQ(socket->UrgentEnd(), std::nullopt);
  Send(Data("abcdef").Seq(1).Ack(1).Urg(4));
  EXPECT_EQ(socket->UrgentEnd(), 4);
  socket->Consume(3);
  EXPECT_EQ(socket->UrgentEnd(), 1);
  EXPECT_TRUE(socket->Ready() & ready::kUrgent);
  socket->Consume(1);
  EXPECT_EQ(socket->UrgentEnd(), 0);
  EXPECT_FALSE(socket->Ready() & ready::kUrgent);  // though there is more to read
  socket->Consume(2);
  EXPECT_EQ(socket->UrgentEnd(), -2);
  // What is announced and has not come yet counts.
  Send(Data("gh").Seq(7).Ack(1).Urg(100));
  EXPECT_EQ(socket->UrgentEnd(), 100);
  EXPECT_EQ(Read(), "gh");
  EXPECT_EQ(socket->UrgentEnd(), 98);
  EXPECT_TRUE(socket->Ready() & ready::kUrgent);
  // A FIN is no octet to be read.
  Send(Fin().Seq(9).Ack(1));
  EXPECT_EQ(socket->UrgentEnd(), 98);
}

TEST_F(Established, Rfc9293_S3_4_ZeroWindowStillTakesUrgentPointers) {
  uint32_t next = 1;
  while (socket->Info().receive_window > 0 && next < 10000000) {
    const std::string text(std::min<uint32_t>(socket->Info().receive_window, 1460), 'x');
    Send(Data(text).Seq(next).Ack(1));
    next += static_cast<uint32_t>(text.size());
  }
  ASSERT_EQ(socket->Info().receive_window, 0u);
  EXPECT_FALSE(observer.bits & ready::kUrgent);
  Send(Data("abc").Seq(next).Ack(1).Urg(3));
  EXPECT_TRUE(observer.bits & ready::kUrgent);
}

TEST_F(Established, Rfc9293_S3_8_5_UrgentPointerIsBehindTheUrgentOctet) {
  ASSERT_EQ(socket->WriteUrgent(Bytes("abc")), Error::kOk);
  EXPECT_THAT(Next(), Is(Data("abc").Seq(1).Urg(3)));
}

// --- Closing: 3.6 --------------------------------------------------------------------------------

TEST_F(Established, Rfc9293_S3_6_NormalCloseFromOurSide) {
  EXPECT_EQ(socket->Shutdown(ShutdownHow::kWrite), Error::kOk);
  EXPECT_EQ(state(), TcpState::kFinWait1);
  EXPECT_THAT(Next(), Is(Fin().Seq(1).Ack(1)));
  Send(Ack(2).Seq(1));
  EXPECT_EQ(state(), TcpState::kFinWait2);
  Send(Data("late").Seq(1).Ack(2));
  EXPECT_EQ(Read(), "late");
  All();
  Send(Fin().Seq(5).Ack(2));
  EXPECT_THAT(Next(), Is(Ack(6).Seq(2)));
  EXPECT_EQ(host.StateOf(host_port), "TIME-WAIT");
  EXPECT_TRUE(observer.bits & ready::kPeerClosed);
  Advance(seconds(61));
  EXPECT_EQ(host.StateOf(host_port), "");
}

TEST_F(Established, Rfc9293_S3_6_CloseFromThePeersSide) {
  Send(Fin().Seq(1).Ack(1));
  EXPECT_EQ(state(), TcpState::kCloseWait);
  EXPECT_THAT(Next(), Is(Ack(2).Seq(1)));
  EXPECT_TRUE(socket->AtEndOfStream());
  EXPECT_EQ(Write("bye"), Error::kOk);  // half open still
  EXPECT_THAT(Next(), Is(Data("bye").Seq(1).Ack(2)));
  Send(Ack(4).Seq(2));
  EXPECT_EQ(socket->Shutdown(ShutdownHow::kWrite), Error::kOk);
  EXPECT_THAT(Next(), Is(Fin().Seq(4).Ack(2)));
  EXPECT_EQ(state(), TcpState::kLastAck);
  Send(Ack(5).Seq(2));
  EXPECT_EQ(state(), TcpState::kClosed);
  EXPECT_EQ(socket->TakeError(), Error::kOk);
}

TEST_F(Established, Rfc9293_S3_6_SimultaneousClose) {
  EXPECT_EQ(socket->Shutdown(ShutdownHow::kWrite), Error::kOk);
  EXPECT_THAT(Next(), Is(Fin().Seq(1)));
  Send(Fin().Seq(1).Ack(1));  // does not acknowledge ours
  EXPECT_EQ(state(), TcpState::kClosing);
  EXPECT_THAT(Next(), Is(Ack(2).Seq(2)));
  Send(Ack(2).Seq(2));
  EXPECT_EQ(host.StateOf(host_port), "TIME-WAIT");
}

TEST_F(Established, Rfc9293_S3_10_7_4_FinThatAcknowledgesOursGoesToTimeWait) {
  EXPECT_EQ(socket->Shutdown(ShutdownHow::kWrite), Error::kOk);
  Next();
  Send(Fin().Seq(1).Ack(2));
  EXPECT_THAT(Next(), Is(Ack(2).Seq(2)));
  EXPECT_EQ(host.StateOf(host_port), "TIME-WAIT");
}

TEST_F(Established, Rfc9293_S3_10_7_4_FinBehindAHoleTakesEffectWhenItIsFilled) {
  Send(Data("b").Seq(2).Ack(1).Flag(tcp_flag::kFin));
  EXPECT_EQ(state(), TcpState::kEstablished);
  EXPECT_THAT(Next(), Is(Ack(1)));
  Send(Data("a").Seq(1).Ack(1));
  EXPECT_EQ(state(), TcpState::kCloseWait);
  EXPECT_EQ(Read(), "ab");
  EXPECT_TRUE(socket->AtEndOfStream());
  EXPECT_EQ(All().back().ack, 4u);
}

TEST_F(Established, Rfc9293_S3_10_7_4_RetransmittedFinIsAcknowledged) {
  Send(Fin().Seq(1).Ack(1));
  EXPECT_THAT(Next(), Is(Ack(2)));
  Send(Fin().Seq(1).Ack(1));
  EXPECT_THAT(Next(), Is(Ack(2)));
}

TEST_F(Established, Rfc9293_S3_10_4_FinGoesBehindQueuedData) {
  ASSERT_EQ(Write("data"), Error::kOk);
  Next();
  ASSERT_EQ(socket->Shutdown(ShutdownHow::kWrite), Error::kOk);
  EXPECT_THAT(Next(), Is(Fin().Seq(5)));
  EXPECT_EQ(Write("x"), Error::kBrokenPipe);
}

TEST_F(Established, Rfc9293_S3_8_3_FinIsRetransmitted) {
  ASSERT_EQ(socket->Shutdown(ShutdownHow::kWrite), Error::kOk);
  EXPECT_THAT(Next(), Is(Fin().Seq(1)));
  Advance(milliseconds(1100));
  EXPECT_THAT(Next(), Is(Fin().Seq(1)));
}

TEST_F(Established, Rfc9293_S3_10_5_AbortSendsReset) {
  ASSERT_EQ(Write("data"), Error::kOk);
  Next();
  socket->Abort();
  EXPECT_THAT(Next(), Is(Rst().Seq(5).Ack(1)));
  EXPECT_EQ(state(), TcpState::kClosed);
}

TEST_F(Established, Rfc2525_S2_17_CloseWithUnreadDataSendsReset) {
  Send(Data("unread").Seq(1).Ack(1));
  All();
  socket.reset();
  EXPECT_THAT(Next(), Is(Rst().Seq(1).Ack(7)));
  EXPECT_EQ(Counter("TcpExt.TCPAbortOnClose"), 1u);
  EXPECT_EQ(host.Sockets().size(), 0u);
}

TEST_F(Established, Rfc1122_S4_2_2_13_DataAfterCloseSendsReset) {
  socket.reset();
  EXPECT_THAT(Next(), Is(Fin().Seq(1)));
  Send(Data("late").Seq(1).Ack(2));
  EXPECT_THAT(Next(), Is(Rst().Seq(2).Ack(1)));
  EXPECT_EQ(host.Sockets().size(), 0u);
  EXPECT_EQ(Counter("TcpExt.TCPAbortOnData"), 1u);
}

TEST_F(Established, OrphanSendsItsDataAndFin) {
  ASSERT_EQ(WriteBytes(3000), Error::kOk);
  socket.reset();
  uint32_t sent = 0;
  for (const Packet& packet : All()) sent += static_cast<uint32_t>(packet.data->size());
  EXPECT_EQ(sent, 3000u);
  Send(Ack(3002).Seq(1));
  EXPECT_EQ(host.StateOf(host_port), "FIN-WAIT-2");
  Advance(seconds(61));  // tcp_fin_timeout
  EXPECT_EQ(host.Sockets().size(), 0u);
}

TEST_F(Established, OrphanWithoutAnswerGivesUp) {
  ASSERT_EQ(WriteBytes(3000), Error::kOk);
  socket.reset();
  Advance(seconds(600));
  EXPECT_EQ(host.Sockets().size(), 0u);
  EXPECT_EQ(host.armed_timers(), 0u);
}

TEST_F(Established, ShutdownOfReadingDropsLaterData) {
  ASSERT_EQ(socket->Shutdown(ShutdownHow::kRead), Error::kOk);
  EXPECT_TRUE(socket->AtEndOfStream());
  Send(Data("unwanted").Seq(1).Ack(1));
  EXPECT_EQ(socket->ReadableBytes(), 0u);
  EXPECT_THAT(Next(), Is(Ack(9)));
}

TEST_F(Established, ResetInCloseWaitIsABrokenPipe) {
  Send(Fin().Seq(1).Ack(1));
  All();
  Send(Rst().Seq(2));
  EXPECT_EQ(socket->TakeError(), Error::kBrokenPipe);
  EXPECT_EQ(Write("x"), Error::kBrokenPipe);
}

TEST_F(Established, DisconnectMakesAFreshSocket) {
  EXPECT_EQ(socket->Disconnect(), Error::kOk);
  EXPECT_THAT(Next(), Is(Rst().Seq(1).Ack(1)));
  EXPECT_EQ(state(), TcpState::kClosed);
  EXPECT_EQ(socket->Local().port, 0);
  Connect();
}

}  // namespace
}  // namespace moat::netstack::tcp
