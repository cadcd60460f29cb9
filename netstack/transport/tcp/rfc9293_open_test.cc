// Opening: CLOSED, LISTEN, SYN-SENT, SYN-RECEIVED (RFC 9293 3.5, 3.10.7.1 to 3.10.7.4).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netstack/transport/tcp/testing/story.h"

namespace moat::netstack::tcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Rfc9293 : public Story {};

// --- 3.10.7.1 CLOSED ----------------------------------------------------------------------------

TEST_F(Rfc9293, S3_10_7_1_SynToClosedGetsResetThatAcknowledgesIt) {
  Send(Syn().Seq(0));
  EXPECT_THAT(Next(), Is(Rst().Ack(1)));
  EXPECT_EQ(Counter("Tcp.OutRsts"), 1u);
}

TEST_F(Rfc9293, S3_10_7_1_AckToClosedGetsResetAtItsAck) {
  Send(Ack(77).Seq(5).Data("abc"));
  EXPECT_THAT(Next(), Is(Rst().Seq(77)));
}

TEST_F(Rfc9293, S3_10_7_1_ResetToClosedIsSilent) {
  Send(Rst().Seq(5));
  Send(Rst().Seq(5).Ack(4));
  EXPECT_TRUE(Quiet());
}

TEST_F(Rfc9293, S3_10_7_1_NothingIsAnsweredToABroadcast) {
  broadcast = true;
  Send(Syn().Seq(0));
  EXPECT_TRUE(Quiet());
}

// --- 3.10.7.2 LISTEN ----------------------------------------------------------------------------

TEST_F(Rfc9293, S3_10_7_2_ListenIgnoresReset) {
  Listen();
  Send(Rst().Seq(0));
  EXPECT_TRUE(Quiet());
}

TEST_F(Rfc9293, S3_10_7_2_ListenAnswersAckWithReset) {
  Listen();
  Send(Ack(9).Seq(0));
  EXPECT_THAT(Next(), Is(Rst().Seq(9)));
}

TEST_F(Rfc9293, S3_10_7_2_ListenIgnoresSegmentWithoutSyn) {
  Listen();
  Send(Packet().Seq(0));
  EXPECT_TRUE(Quiet());
}

TEST_F(Rfc9293, S3_10_7_2_SynMakesSynReceived) {
  Listen();
  Send(Syn().Seq(0).Mss(1460));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(1).Mss(1460)));
  EXPECT_EQ(host.StateOf(kHostPort), "SYN-RECV");
  EXPECT_EQ(Accept(), nullptr);
}

TEST_F(Rfc9293, S3_10_7_2_SynToBroadcastIsIgnored) {
  Listen();
  broadcast = true;
  Send(Syn().Seq(0));
  EXPECT_TRUE(Quiet());
}

// --- 3.10.7.3 SYN-SENT --------------------------------------------------------------------------

TEST_F(Rfc9293, S3_10_7_3_SynAckEstablishes) {
  Establish();
  EXPECT_EQ(state(), TcpState::kEstablished);
  EXPECT_TRUE(observer.bits & ready::kConnected);
  EXPECT_TRUE(observer.bits & ready::kWritable);
}

TEST_F(Rfc9293, S3_10_7_3_SynSentBadAckSendsReset) {
  Connect();
  Send(SynAck().Seq(0).Ack(2));
  EXPECT_THAT(Next(), Is(Rst().Seq(2)));
  Send(SynAck().Seq(0).Ack(0));
  EXPECT_THAT(Next(), Is(Rst().Seq(0)));
  EXPECT_EQ(state(), TcpState::kSynSent);
}

TEST_F(Rfc9293, S3_10_7_3_SynSentBadAckWithResetIsSilent) {
  Connect();
  Send(Rst().Seq(0).Ack(7));
  EXPECT_TRUE(Quiet());
  EXPECT_EQ(state(), TcpState::kSynSent);
}

TEST_F(Rfc9293, S3_10_7_3_ResetWithGoodAckRefuses) {
  Connect();
  observer.Take();
  Send(Rst().Seq(0).Ack(1));
  EXPECT_EQ(state(), TcpState::kClosed);
  EXPECT_TRUE(observer.bits & ready::kError);
  EXPECT_EQ(socket->TakeError(), Error::kConnectionRefused);
  EXPECT_EQ(socket->TakeError(), Error::kOk);
  EXPECT_EQ(Counter("Tcp.AttemptFails"), 1u);
}

TEST_F(Rfc9293, S3_10_7_3_ResetWithoutAckIsIgnored) {
  Connect();
  Send(Rst().Seq(0));
  EXPECT_EQ(state(), TcpState::kSynSent);
}

TEST_F(Rfc9293, S3_10_7_3_AckWithoutSynIsIgnored) {
  Connect();
  Send(Ack(1).Seq(5));
  EXPECT_EQ(state(), TcpState::kSynSent);
  EXPECT_TRUE(Quiet());
}

TEST_F(Rfc9293, S3_10_7_3_TextOnSynAckIsDelivered) {
  Connect();
  Send(SynAck().Seq(0).Ack(1).Data("hi"));
  EXPECT_THAT(Next(), Is(Ack(3).Seq(1)));
  EXPECT_EQ(Read(), "hi");
}

TEST_F(Rfc9293, S3_10_7_3_FinOnSynAckMakesCloseWait) {
  Connect();
  Send(SynAck().Seq(0).Ack(1).Flag(tcp_flag::kFin));
  EXPECT_EQ(state(), TcpState::kCloseWait);
  EXPECT_THAT(Next(), Is(Ack(2).Seq(1)));
}

// --- 3.5, figure 8: simultaneous open ------------------------------------------------------------

TEST_F(Rfc9293, S3_5_SimultaneousOpenByAck) {
  Connect();
  Send(Syn().Seq(0).Mss(1460));
  EXPECT_EQ(state(), TcpState::kSynReceived);
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(1)));
  Send(Ack(1).Seq(1));
  EXPECT_EQ(state(), TcpState::kEstablished);
}

TEST_F(Rfc9293, S3_5_SimultaneousOpenByCrossingSynAcks) {
  Connect();
  Send(Syn().Seq(0).Mss(1460));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(1)));
  Send(SynAck().Seq(0).Ack(1));
  EXPECT_EQ(state(), TcpState::kEstablished);
  EXPECT_EQ(Write("x"), Error::kOk);
  EXPECT_THAT(Next(), Is(Data("x").Seq(1).Ack(1)));
}

// --- 3.10.7.4 SYN-RECEIVED -----------------------------------------------------------------------

TEST_F(Rfc9293, S3_10_7_4_AckOfSynEstablishes) {
  EstablishPassive();
  EXPECT_EQ(state(), TcpState::kEstablished);
  EXPECT_EQ(Counter("Tcp.PassiveOpens"), 1u);
  EXPECT_EQ(Counter("Tcp.CurrEstab"), 1u);
}

TEST_F(Rfc9293, S3_10_7_4_TextOnTheFinalAckIsDelivered) {
  Listen();
  Send(Syn().Seq(0));
  Next();
  Send(Ack(1).Seq(1).Data("GET"));
  socket = Accept();
  ASSERT_NE(socket, nullptr);
  EXPECT_EQ(Read(), "GET");
}

TEST_F(Rfc9293, S3_10_7_4_SynReceivedBadAckSendsReset) {
  Listen();
  Send(Syn().Seq(0));
  Next();
  Send(Ack(2).Seq(1));
  EXPECT_THAT(Next(), Is(Rst().Seq(2)));
  EXPECT_EQ(host.StateOf(kHostPort), "SYN-RECV");
}

TEST_F(Rfc9293, S3_10_7_4_ResetReturnsPassiveOpenToListen) {
  Listen();
  Send(Syn().Seq(0));
  Next();
  Send(Rst().Seq(1));
  EXPECT_EQ(host.StateOf(kHostPort), "");
  EXPECT_TRUE(Quiet());
  Send(Syn().Seq(100));  // and it listens still
  EXPECT_THAT(Next(), Is(SynAck().Ack(101)));
}

TEST_F(Rfc9293, S3_10_7_4_ResetRefusesActiveOpenInSynReceived) {
  Connect();
  Send(Syn().Seq(0));
  Next();
  Send(Rst().Seq(1));
  EXPECT_EQ(socket->TakeError(), Error::kConnectionRefused);
}

TEST_F(Rfc9293, S3_10_7_4_RepeatedSynGetsTheSynAckAgain) {
  Listen();
  Send(Syn().Seq(0));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(1)));
  Advance(milliseconds(600));
  Send(Syn().Seq(0));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(1)));
}

// The first SYN,ACK was late rather than lost, and its ACK comes right behind the second one.
TEST_F(Rfc9293, S3_10_7_4_AckOfARepeatedSynAckMeasuresNoRoundTrip) {
  Listen();
  Send(Syn().Seq(0));
  Next();
  Advance(milliseconds(600));
  Send(Syn().Seq(0));
  Next();
  Advance(milliseconds(1));
  Send(Ack(1).Seq(1));
  socket = Accept();
  ASSERT_NE(socket, nullptr);
  EXPECT_EQ(socket->Info().rtt, Duration::zero());
  EXPECT_EQ(socket->Info().rto, seconds(1));
}

TEST_F(Rfc9293, S3_10_7_4_NewSynInWindowReturnsToListen) {
  Listen();
  Send(Syn().Seq(0));
  Next();
  Send(Syn().Seq(5));
  EXPECT_EQ(host.StateOf(kHostPort), "");
}

TEST_F(Rfc9293, S3_10_7_4_FinInSynReceivedMakesCloseWait) {
  Listen();
  Send(Syn().Seq(0));
  Next();
  Send(Fin().Seq(1).Ack(1));
  socket = Accept();
  ASSERT_NE(socket, nullptr);
  EXPECT_EQ(state(), TcpState::kCloseWait);
  EXPECT_TRUE(socket->AtEndOfStream());
}

// --- Retransmission of SYN and SYN,ACK (RFC 6298 2.1, 5.5; RFC 9293 3.8.3) -----------------------

TEST_F(Rfc9293, S3_8_3_SynIsRetransmittedWithBackOffAndGivesUp) {
  Connect();
  for (int wait : {1, 2, 4, 8, 16, 32}) {
    Advance(seconds(wait) - milliseconds(10));
    EXPECT_TRUE(Quiet());
    Advance(milliseconds(10));
    EXPECT_THAT(Next(), Is(Syn().Seq(0))) << wait;
  }
  Advance(seconds(70));
  EXPECT_TRUE(Quiet());
  EXPECT_EQ(socket->TakeError(), Error::kTimedOut);
  EXPECT_EQ(Counter("TcpExt.TCPSynRetrans"), 6u);
}

TEST_F(Rfc9293, S3_8_3_SynAckIsRetransmittedAndForgotten) {
  Listen();
  Send(Syn().Seq(0));
  Next();
  Advance(milliseconds(1005));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(1)));
  Advance(seconds(120));
  EXPECT_EQ(All().size(), 4u);
  EXPECT_EQ(host.StateOf(kHostPort), "");
}

// --- 3.7.1: maximum segment size -----------------------------------------------------------------

TEST_F(Rfc9293, S3_7_1_MssOptionIsSentFromTheMtu) {
  host.ip.set_mtu(9000);
  Listen();
  Send(Syn().Seq(0));
  EXPECT_THAT(Next(), Is(SynAck().Mss(8960)));
}

TEST_F(Rfc9293, S3_7_1_WithoutMssOptionSegmentsHave536Octets) {
  EstablishPassive(Packet());
  EXPECT_EQ(WriteBytes(2000), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(536).Seq(1)));
}

TEST_F(Rfc9293, S3_7_1_SegmentsHaveAtMostThePeersMss) {
  EstablishPassive(Packet().Mss(700));
  EXPECT_EQ(WriteBytes(2000), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(700).Seq(1)));
}

// --- Calls in the wrong state --------------------------------------------------------------------

TEST_F(Rfc9293, S3_10_1_SecondOpenIsAnError) {
  Connect();
  Endpoint to;
  to.address = peer;
  to.port = 1;
  EXPECT_EQ(socket->Connect(to), Error::kAlready);
  Send(SynAck().Seq(0).Ack(1));
  EXPECT_EQ(socket->Connect(to), Error::kIsConnected);
  EXPECT_EQ(socket->Listen(1), Error::kInvalid);
}

TEST_F(Rfc9293, S3_10_2_SendBeforeTheConnectionIsAnError) {
  socket = host.tcp->NewSocket(Family::kIpv4);
  EXPECT_EQ(Write("x"), Error::kNotConnected);
  Connect();
  EXPECT_EQ(Write("x"), Error::kNotConnected);
  EXPECT_EQ(socket->WriteSpace(), 0u);
}

TEST_F(Rfc9293, S3_10_4_CloseInSynSentForgetsTheConnection) {
  Connect();
  socket.reset();
  EXPECT_TRUE(Quiet());
  EXPECT_EQ(host.Sockets().size(), 0u);
  EXPECT_EQ(host.armed_timers(), 0u);
}

TEST_F(Rfc9293, S3_10_1_ConnectAfterRefusalWorks) {
  Connect();
  Send(Rst().Seq(0).Ack(1));
  EXPECT_EQ(socket->TakeError(), Error::kConnectionRefused);
  Connect();
  Send(SynAck().Seq(0).Ack(1));
  EXPECT_EQ(state(), TcpState::kEstablished);
}

// --- Both families -------------------------------------------------------------------------------

class OverIpv6 : public Story {
 protected:
  OverIpv6() : Story(Family::kIpv6) {}
};

TEST_F(OverIpv6, MssLeavesRoomForTheBiggerHeader) {
  Listen();
  Send(Syn().Seq(0));
  EXPECT_THAT(Next(), Is(SynAck().Mss(1440)));
}

TEST_F(OverIpv6, WithoutMssOptionSegmentsHave1220Octets) {
  EstablishPassive(Packet());
  EXPECT_EQ(WriteBytes(2000), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(1220).Seq(1)));
}

}  // namespace
}  // namespace moat::netstack::tcp
