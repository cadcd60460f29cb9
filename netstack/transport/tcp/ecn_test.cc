// Explicit congestion notification (RFC 3168).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netstack/transport/tcp/testing/ecn_story.h"

namespace moat::netstack::tcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using tcp_flag::kCwr;
using tcp_flag::kEce;

class Ecn : public EcnStory {
 protected:
  // Negotiated by our asking, with a round trip of 40 ms.
  void EstablishEcn(Packet syn_ack = Packet().Mss(1460)) {
    host.Sysctl("ipv4.tcp_ecn", "1");
    StartConnect();
    ASSERT_THAT(Next(), Is(Syn().Seq(0).Flag(kEce | kCwr).Ecn(kNotEct)));
    Advance(milliseconds(40));
    Send(syn_ack.Flag(tcp_flag::kSyn | kEce).Seq(0).Ack(1));
    ASSERT_THAT(Next(), Is(Ack(1).Seq(1).Ecn(kNotEct)));
  }
};

// --- 6.1.1: negotiation --------------------------------------------------------------------------

TEST_F(Ecn, Rfc3168_S6_1_1_ByDefaultWeDoNotAskButGrant) {
  StartConnect();
  EXPECT_THAT(Next(), Is(Syn().Seq(0)));
  socket.reset();
  Listen();
  host_port = kHostPort;
  peer_port = 999;
  Send(Syn().Seq(0).Mss(1460).Flag(kEce | kCwr));
  EXPECT_THAT(Next(), Is(SynAck().Flag(kEce).Seq(0).Ack(1).Ecn(kNotEct)));
}

TEST_F(Ecn, Rfc3168_S6_1_1_ASynThatDoesNotAskGetsNone) {
  Listen();
  Send(Syn().Seq(0).Mss(1460).Flag(kEce));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(1)));
}

TEST_F(Ecn, Rfc3168_S6_1_1_ASynWithACodepointGetsNone) {
  Listen();
  Send(Syn().Seq(0).Mss(1460).Flag(kEce | kCwr).Ecn(kEct0));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(1)));
}

TEST_F(Ecn, TcpEcn0_GrantsNone) {
  host.Sysctl("ipv4.tcp_ecn", "0");
  Listen();
  Send(Syn().Seq(0).Mss(1460).Flag(kEce | kCwr));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(1)));
}

TEST_F(Ecn, Rfc3168_S6_1_1_AnAnswerWithoutEceMeansNone) {
  host.Sysctl("ipv4.tcp_ecn", "1");
  StartConnect();
  Next();
  Send(SynAck().Mss(1460).Seq(0).Ack(1));
  Next();
  ASSERT_EQ(Write("x"), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(1).Ecn(kNotEct)));
}

TEST_F(Ecn, Rfc3168_S6_1_1_AnAnswerThatReflectsBothFlagsMeansNone) {
  host.Sysctl("ipv4.tcp_ecn", "1");
  StartConnect();
  Next();
  Send(SynAck().Flag(kEce | kCwr).Mss(1460).Seq(0).Ack(1));
  Next();
  EXPECT_FALSE(socket->Info().ecn);
}

TEST_F(Ecn, Rfc3168_S6_1_1_1_ASynThatIsSentAgainDoesNotAsk) {
  host.Sysctl("ipv4.tcp_ecn", "1");
  StartConnect();
  EXPECT_THAT(Next(), Is(Syn().Seq(0).Flag(kEce | kCwr)));
  Advance(seconds(1) + milliseconds(5));
  EXPECT_THAT(Next(), Is(Syn().Seq(0)));
}

// 6.1.1: a SYN without ECE and CWR went, so nothing is ECN-capable; but the other one promised that
// marks are echoed.
TEST_F(Ecn, Rfc3168_S6_1_1_AfterASynThatDidNotAskTextIsNotEctButMarksAreEchoed) {
  host.Sysctl("ipv4.tcp_ecn", "1");
  StartConnect();
  Advance(seconds(1) + milliseconds(5));
  All();
  Send(SynAck().Flag(kEce).Mss(1460).Seq(0).Ack(1));
  Next();
  ASSERT_EQ(Write("x"), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(1).Ecn(kNotEct)));
  Send(Data("a").Seq(1).Ack(2).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(2).Flag(kEce)));
}

TEST_F(Ecn, Rfc3168_S6_1_1_1_ASecondSynThatDoesNotAskEndsIt) {
  Listen();
  Send(Syn().Seq(0).Mss(1460).Flag(kEce | kCwr));
  EXPECT_THAT(Next(), Is(SynAck().Flag(kEce).Seq(0).Ack(1)));
  Send(Syn().Seq(0).Mss(1460));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(1)));
  Send(Ack(1).Seq(1));
  socket = Accept();
  ASSERT_NE(socket, nullptr);
  ASSERT_EQ(Write("x"), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(1).Ecn(kNotEct)));
}

TEST_F(Ecn, Rfc3168_S6_1_1_WhoDidNotAskHimselfSendsNothingEctAfterASimultaneousOpen) {
  StartConnect();
  EXPECT_THAT(Next(), Is(Syn().Seq(0)));
  Send(Syn().Seq(0).Mss(1460).Flag(kEce | kCwr));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ack(1)));
  Send(SynAck().Flag(kEce).Seq(0).Ack(1));
  All();
  ASSERT_EQ(state(), TcpState::kEstablished);
  ASSERT_EQ(Write("x"), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(1).Ecn(kNotEct)));
}

// RFC 3168 5.2: an ECN-capable codepoint is for what TCP would miss, whatever the program asks for.
TEST_F(Ecn, Rfc3168_S5_2_AProgramCannotSetACodepoint) {
  Establish();
  SocketOptions options = socket->options();
  options.tos = 0x2b;
  socket->SetOptions(options);
  ASSERT_EQ(Write("x"), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(1).Ecn(kNotEct)));
}

TEST_F(Ecn, SynCookiesRememberIt) {
  host.Sysctl("ipv4.tcp_syncookies", "2");
  Listen();
  Send(Syn().Seq(0).Mss(1460).Ts(7, 0).Flag(kEce | kCwr));
  EXPECT_THAT(Next(), Is(SynAck().Flag(kEce).Seq(0).Ack(1)));
  Send(Ack(1).Seq(1).Ts(8, host_ts));
  socket = Accept();
  ASSERT_NE(socket, nullptr);
  EXPECT_TRUE(socket->Info().ecn);
}

TEST_F(Ecn, TheCodepointOfACookiesAckMeansNothing) {
  host.Sysctl("ipv4.tcp_syncookies", "2");
  Listen();
  Send(Syn().Seq(0).Mss(1460).Ts(7, 0).Flag(kEce | kCwr));
  EXPECT_THAT(Next(), Is(SynAck().Flag(kEce).Seq(0).Ack(1)));
  Send(Data("x").Seq(1).Ack(1).Ts(8, host_ts).Ecn(kEct0));
  socket = Accept();
  ASSERT_NE(socket, nullptr);
  Next();
  ASSERT_EQ(Write("y"), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(1).Ecn(kEct0)));
}

// --- 6.1.2, 6.1.5: the sender --------------------------------------------------------------------

TEST_F(Ecn, Rfc3168_S6_1_2_NewDataIsEct0AndPureAcksAreNot) {
  EstablishEcn();
  ASSERT_EQ(Write("x"), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(1).Ecn(kEct0)));
  Send(Data("y").Seq(1).Ack(2));
  EXPECT_THAT(Next(), Is(Ack(2).Ecn(kNotEct)));
}

TEST_F(Ecn, Rfc3168_S6_1_5_RetransmissionsAreNotEct) {
  EstablishEcn();
  ASSERT_EQ(Write("x"), Error::kOk);
  Next();
  Advance(milliseconds(400));
  EXPECT_THAT(Next(), Is(Packet().Size(1).Seq(1).Ecn(kNotEct)));
}

TEST_F(Ecn, Rfc3168_S6_1_6_WindowProbesAreNotEct) {
  EstablishEcn();
  Send(Ack(1).Seq(1).Wnd(0));
  ASSERT_EQ(WriteBytes(kMss), Error::kOk);
  EXPECT_TRUE(Quiet());
  Advance(milliseconds(400));
  EXPECT_THAT(Next(), Is(Packet().Size(1).Seq(1).Ecn(kNotEct)));
}

TEST_F(Ecn, Rfc3168_S6_1_2_AnEchoReducesTheWindowOncePerWindowAndIsAnsweredByCwr) {
  EstablishEcn();
  ASSERT_EQ(WriteBytes(10 * kMss), Error::kOk);
  All();
  const uint32_t before = socket->Info().congestion_window;
  Advance(milliseconds(40));
  Send(Ack(Seg(2)).Seq(1).Flag(kEce));
  EXPECT_EQ(socket->Info().ca_state, 2);
  const uint32_t ssthresh = socket->Info().send_ssthresh;
  EXPECT_LT(ssthresh, before);
  for (uint32_t n = 4; n <= 10; n += 2) Send(Ack(Seg(n)).Seq(1).Flag(kEce));
  EXPECT_EQ(socket->Info().send_ssthresh, ssthresh);
  EXPECT_EQ(Counter("Tcp.RetransSegs"), 0u);
  ASSERT_EQ(WriteBytes(4 * kMss), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(10)).Flag(kCwr).Ecn(kEct0)));
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(11))));
  All();
  // The peer's last echo was sent before CWR reached it.
  Advance(milliseconds(40));
  Send(Ack(Seg(14)).Seq(1));
  EXPECT_EQ(socket->Info().ca_state, 0);
  EXPECT_LE(socket->Info().congestion_window, ssthresh + 1);
}

TEST_F(Ecn, Rfc3168_S6_1_2_ANewWindowMayBeReducedAgain) {
  EstablishEcn();
  ASSERT_EQ(WriteBytes(10 * kMss), Error::kOk);
  All();
  Send(Ack(Seg(10)).Seq(1).Flag(kEce));
  const uint32_t once = socket->Info().send_ssthresh;
  ASSERT_EQ(WriteBytes(4 * kMss), Error::kOk);
  All();
  Send(Ack(Seg(14)).Seq(1));
  ASSERT_EQ(WriteBytes(6 * kMss), Error::kOk);
  All();
  Send(Ack(Seg(16)).Seq(1).Flag(kEce));
  EXPECT_LT(socket->Info().send_ssthresh, once);
}

TEST_F(Ecn, Rfc3168_S6_1_2_FastRetransmitSaysCwrToo) {
  EstablishEcn(Packet().Mss(1460).SackOk());
  ASSERT_EQ(WriteBytes(6 * kMss), Error::kOk);
  All();
  Advance(milliseconds(40));
  Send(Ack(Seg(0)).Seq(1).Sack({{Seg(1), Seg(6)}}));
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(0)).Ecn(kNotEct)));
  ASSERT_EQ(WriteBytes(kMss), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(6)).Flag(kCwr)));
}

TEST_F(Ecn, Rfc3168_S6_1_2_ATimeoutSaysCwrToo) {
  EstablishEcn();
  ASSERT_EQ(Write("x"), Error::kOk);
  All();
  Advance(milliseconds(400));
  EXPECT_THAT(Next(), Is(Packet().Size(1).Seq(1).Ecn(kNotEct)));  // not what is sent again
  Send(Ack(2).Seq(1));
  ASSERT_EQ(Write("y"), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(1).Seq(2).Flag(kCwr).Ecn(kEct0)));
}

// What says CWR is lost: the window is reduced again, and it is said again.
TEST_F(Ecn, Rfc3168_S6_1_2_ALossOfTheSegmentWithCwrReducesAgain) {
  EstablishEcn(Packet().Mss(1460).SackOk());
  ASSERT_EQ(WriteBytes(10 * kMss), Error::kOk);
  All();
  Advance(milliseconds(40));
  Send(Ack(Seg(10)).Seq(1).Flag(kEce));
  const uint32_t once = socket->Info().send_ssthresh;
  ASSERT_EQ(WriteBytes(5 * kMss), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(10)).Flag(kCwr)));
  const auto others = static_cast<uint32_t>(All().size());
  ASSERT_GE(others, 4u);
  Advance(milliseconds(40));
  Send(Ack(Seg(10)).Seq(1).Flag(kEce).Sack({{Seg(11), Seg(11 + others)}}));
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(10)).Ecn(kNotEct)));
  EXPECT_LT(socket->Info().send_ssthresh, once);
  All();
  Send(Ack(Seg(11 + others)).Seq(1).Flag(kEce));
  ASSERT_EQ(WriteBytes(kMss), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(11 + others)).Flag(kCwr).Ecn(kEct0)));
}

// An echo of the window that was reduced, after the reduction was undone, is the first that counts.
TEST_F(Ecn, Rfc3168_S6_1_2_AnEchoAfterAnUndoneTimeoutReducesTheWindow) {
  EstablishEcn();
  ASSERT_EQ(WriteBytes(10 * kMss), Error::kOk);
  All();
  Advance(milliseconds(400));
  ASSERT_EQ(WriteBytes(4 * kMss), Error::kOk);
  Send(Ack(Seg(1)).Seq(1));
  Send(Ack(Seg(2)).Seq(1));
  ASSERT_EQ(Counter("TcpExt.TCPSpuriousRTOs"), 1u);
  const uint32_t before = socket->Info().congestion_window;
  ASSERT_GE(before, 10u);
  Send(Ack(Seg(6)).Seq(1).Flag(kEce));
  EXPECT_EQ(socket->Info().ca_state, 2);
  EXPECT_LT(socket->Info().send_ssthresh, before);
}

TEST_F(Ecn, Rfc4015_S3_1_9_WithAnEchoAReductionIsNotUndone) {
  EstablishEcn();
  ASSERT_EQ(WriteBytes(10 * kMss), Error::kOk);
  All();
  Advance(milliseconds(400));
  ASSERT_EQ(WriteBytes(4 * kMss), Error::kOk);
  Send(Ack(Seg(1)).Seq(1));
  Send(Ack(Seg(2)).Seq(1).Flag(kEce));
  // The timeout was needless, so that nothing more is sent again; but there was congestion.
  EXPECT_EQ(Counter("TcpExt.TCPSpuriousRTOs"), 1u);
  EXPECT_LT(socket->Info().congestion_window, 10u);
  EXPECT_LT(socket->Info().send_ssthresh, 10u);
  Send(Ack(Seg(10)).Seq(1));
  EXPECT_EQ(Counter("Tcp.RetransSegs"), 1u);
}

TEST_F(Ecn, Rfc3168_S6_1_6_WindowProbesDoNotSayCwr) {
  EstablishEcn();
  ASSERT_EQ(WriteBytes(2 * kMss), Error::kOk);
  All();
  Send(Ack(Seg(2)).Seq(1).Flag(kEce).Wnd(0));
  ASSERT_EQ(WriteBytes(kMss), Error::kOk);
  EXPECT_TRUE(Quiet());
  Advance(milliseconds(400));
  EXPECT_THAT(Next(), Is(Packet().Size(1).Seq(Seg(2)).Ecn(kNotEct)));
  Send(Ack(Seg(2)).Seq(1));
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(2)).Flag(kCwr)));
}

TEST_F(Ecn, CwrIsOnOneSegmentOnlyOfWhatCouldBeASuperSegment) {
  EstablishEcn();
  host.ip.set_max_gso_bytes(65535);
  host.ip.Invalidate();
  ASSERT_EQ(WriteBytes(4 * kMss), Error::kOk);
  All();
  Advance(milliseconds(40));
  Send(Ack(Seg(4)).Seq(1).Flag(kEce));
  ASSERT_EQ(WriteBytes(4 * kMss), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(4)).Flag(kCwr)));
}

TEST_F(Ecn, WithoutNegotiationAnEchoMeansNothing) {
  Establish();
  ASSERT_EQ(WriteBytes(4 * kMss), Error::kOk);
  All();
  Send(Ack(Seg(2)).Seq(1).Flag(kEce));
  EXPECT_EQ(socket->Info().ca_state, 0);
}

// --- 6.1.3: the receiver -------------------------------------------------------------------------

TEST_F(Ecn, Rfc3168_S6_1_3_AMarkIsEchoedUntilCwr) {
  EstablishEcn();
  Send(Data("a").Seq(1).Ack(1).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(2).Flag(kEce)));
  Send(Data("b").Seq(2).Ack(1).Ecn(kEct0));
  EXPECT_THAT(Next(), Is(Ack(3).Flag(kEce)));
  ASSERT_EQ(Write("x"), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(1).Flag(kEce).Ecn(kEct0)));
  Send(Data("c").Seq(3).Ack(2).Flag(kCwr).Ecn(kEct0));
  EXPECT_THAT(Next(), Is(Ack(4)));
}

TEST_F(Ecn, Rfc3168_S6_1_3_AMarkOnTheSegmentWithCwrIsANewOne) {
  EstablishEcn();
  Send(Data("a").Seq(1).Ack(1).Ecn(kCe));
  Next();
  Send(Data("b").Seq(2).Ack(1).Flag(kCwr).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(3).Flag(kEce)));
}

// The text of one does not come in, but it had to be at the right place.
TEST_F(Ecn, Rfc3168_S6_1_6_TheMarkOfAWindowProbeIsEchoed) {
  EstablishEcn();
  uint32_t seq = 1;
  Packet last = Nothing();
  while (seq < 1000000) {
    Send(Packet().Size(kMss).Seq(seq).Ack(1));
    seq += kMss;
    Advance(milliseconds(300));  // past its delay
    last = All().back();
    if (last.wnd == 0 || last.ack != seq) break;
  }
  ASSERT_EQ(last.wnd, 0);
  Advance(seconds(1));
  Send(Data("x").Seq(*last.ack).Ack(1).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(*last.ack).Wnd(0).Flag(kEce)));
}

TEST_F(Ecn, Rfc3168_S6_1_5_AMarkOutsideOfTheWindowIsIgnored) {
  EstablishEcn();
  Send(Data("a").Seq(200000).Ack(1).Ecn(kCe));
  All();
  Send(Data("a").Seq(1).Ack(1));
  EXPECT_THAT(Next(), Is(Ack(2)));
}

}  // namespace
}  // namespace moat::netstack::tcp
