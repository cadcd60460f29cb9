// Accurate ECN feedback (RFC 9768): the options, sent and received.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netstack/transport/tcp/testing/ecn_story.h"

namespace moat::netstack::tcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// --- 3.2.3: options ------------------------------------------------------------------------------

TEST_F(Rfc9768, S3_2_3_2_1_TheHandshakeAndTheFirstTextTryTheOption) {
  StartConnect();
  Next();
  Answer(2);
  EXPECT_THAT(Next(), Is(Ack(1).AccEcn0({1, 0, 1})));
  ASSERT_EQ(Write("x"), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(1).AccEcn0({1, 0, 1})));
  SetTcp([](TcpOptions& o) { o.no_delay = true; });
  ASSERT_EQ(Write("y"), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(1).NoAccEcn()));
}

TEST_F(Rfc9768, S3_2_3_3_EachIncrementIsToldWithTheFieldsThatEverChanged) {
  AcceptAccurate();
  Send(Data("abc").Seq(1).Ack(1).Ace(kFirstAce).Ecn(kEct0));
  EXPECT_THAT(Next(), Is(Ack(4).AccEcn0({4})));
  Send(Data("de").Seq(4).Ack(1).Ace(kFirstAce).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(6).AccEcn0({4, 2})));
  Send(Data("f").Seq(6).Ack(1).Ace(kFirstAce).Ecn(kEct0));
  EXPECT_THAT(Next(), Is(Ack(7).AccEcn0({5, 2})));
  // A change is said twice.
  Send(Data("g").Seq(7).Ack(1).Ace(kFirstAce));
  EXPECT_THAT(Next(), Is(Ack(8).AccEcn0({5, 2})));
  Send(Data("h").Seq(8).Ack(1).Ace(kFirstAce));
  EXPECT_THAT(Next(), Is(Ack(9).NoAccEcn()));
}

TEST_F(Rfc9768, S3_2_3_Ect1ComesFirstWhereItIsAllThereIs) {
  AcceptAccurate();
  Send(Data("abc").Seq(1).Ack(1).Ace(kFirstAce).Ecn(kEct1));
  EXPECT_THAT(Next(), Is(Ack(4).AccEcn1({4})));
  Send(Data("d").Seq(4).Ack(1).Ace(kFirstAce).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(5).AccEcn1({4, 1})));
  Send(Data("e").Seq(5).Ack(1).Ace(kFirstAce).Ecn(kEct0));
  EXPECT_THAT(Next(), Is(Ack(6).AccEcn0({2, 1, 4})));
}

TEST_F(Rfc9768, S3_2_3_3_TwoSackBlocksHavePrecedence) {
  AcceptAccurate(2, Packet().Mss(1460).SackOk().Ts(100, 0));
  const uint32_t echo = host_ts;
  const auto text = [&](uint32_t seq, uint8_t codepoint) {
    return Data("a").Seq(seq).Ack(1).Ts(100, echo).Ace(kFirstAce).Ecn(codepoint);
  };
  Send(text(3, kEct0));
  EXPECT_THAT(Next(), Is(Ack(1).Sack({{3, 4}}).AccEcn0({2})));
  Send(text(5, kCe));
  EXPECT_THAT(Next(), Is(Ack(1).Sack({{5, 6}, {3, 4}}).AccEcn0({2, 1})));
  // Three fields do not fit beside timestamps and two blocks: then there is no option at all.
  Send(text(7, kEct1));
  EXPECT_THAT(Next(), Is(Ack(1).Sack({{7, 8}, {5, 6}, {3, 4}}).NoAccEcn()));
}

TEST_F(Rfc9768, S3_2_3_3_AFullSegmentHasNoRoomForIt) {
  EstablishAccurate();
  Send(Data("abc").Seq(1).Ack(1).Ace(kFirstAce).Ecn(kEct0));
  All();
  ASSERT_EQ(WriteBytes(kMss), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).NoAccEcn()));
}

TEST_F(Rfc9768, TcpEcnOption0SendsNone) {
  host.Sysctl("ipv4.tcp_ecn_option", "0");
  Listen();
  Send(Syn().Seq(0).Mss(1460).Ace(7));
  EXPECT_THAT(Next(), Is(SynAck().Ace(2).NoAccEcn()));
  Send(Ack(1).Seq(1).Ace(2));
  Send(Data("a").Seq(1).Ack(1).Ace(kFirstAce).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(2).Ace(6).NoAccEcn()));
}

TEST_F(Rfc9768, TcpEcnOption1SendsItWhenTheCodepointChangesAndForMarks) {
  host.Sysctl("ipv4.tcp_ecn_option", "1");
  AcceptAccurate();
  const auto text = [](uint32_t seq, uint8_t codepoint) {
    return Data("a").Seq(seq).Ack(1).Ace(kFirstAce).Ecn(codepoint);
  };
  Send(text(1, kEct0));
  EXPECT_THAT(Next(), Is(Ack(2).AccEcn0({2})));
  Send(text(2, kEct0));
  EXPECT_THAT(Next(), Is(Ack(3).AccEcn0({3})));
  Send(text(3, kEct0));
  EXPECT_THAT(Next(), Is(Ack(4).NoAccEcn()));
  for (uint32_t seq = 4; seq < 8; ++seq) {
    Send(text(seq, kCe));
    Advance(milliseconds(300));
    EXPECT_THAT(All().back(), Is(Ack(seq + 1).AccEcn0({4, seq - 3})));
  }
}

TEST_F(Rfc9768, S3_2_3_2_2_AClientWhoseFirstTextWithItIsLostStopsSendingIt) {
  EstablishAccurate();
  ASSERT_EQ(Write("x"), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(1).AccEcn0({1, 0, 1})));
  Advance(seconds(1));
  EXPECT_THAT(Next(), Is(Packet().Size(1).Seq(1).NoAccEcn()));
  All();
  Send(Data("a").Seq(1).Ack(2).Ace(kFirstAce).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(2).Ace(6).NoAccEcn()));
}

TEST_F(Rfc9768, S3_2_3_2_2_AcksWithItThatNeverArriveAreSentWithout) {
  AcceptAccurate();
  for (uint32_t seq = 1; seq < 4; ++seq) {
    Send(Data("a").Seq(seq).Ack(1).Ace(kFirstAce).Ecn(kCe));
    EXPECT_THAT(Next(), Is(Ack(seq + 1).AccEcn0({1, seq})));
    Advance(seconds(1));
    Send(Data("a").Seq(seq).Ack(1).Ace(kFirstAce));  // it has not heard of it
    All();
  }
  Send(Data("a").Seq(4).Ack(1).Ace(kFirstAce).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(5).NoAccEcn()));
}

TEST_F(Rfc9768, S3_2_3_1_OctetsOfTheOptionAreReported) {
  EstablishAccurate(Packet().Mss(1460).AccEcn0({1, 0, 1}));
  Fill();
  Send(Ack(Seg(4)).Seq(1).Ace(6).AccEcn0({1 + 3 * kMss, kMss}));
  const TcpInfo info = socket->Info();
  EXPECT_EQ(info.delivered_e0_bytes, 3 * kMss);
  EXPECT_EQ(info.delivered_ce_bytes, kMss);
  EXPECT_EQ(info.delivered_e1_bytes, 0u);
  EXPECT_EQ(info.delivered_marked, 1u);
}

TEST_F(Rfc9768, S3_2_3_2_1_AnOptionOnASynIsIgnored) {
  Listen();
  Send(Syn().Seq(0).Mss(1460).Ace(7).AccEcn0({0, 0, 0}));
  EXPECT_THAT(Next(), Is(SynAck().Seq(0).Ace(2)));
  Send(Ack(1).Seq(1).Ace(2).AccEcn0({1, 0, 1}));
  socket = Accept();
  ASSERT_NE(socket, nullptr);
  Fill();
  Send(Ack(Seg(4)).Seq(1).Ace(6).AccEcn0({1 + 3 * kMss, kMss}));
  EXPECT_EQ(socket->Info().delivered_ce_bytes, kMss);
}

TEST_F(Rfc9768, S3_2_3_2_4_CountersMayBeginWithAnyValueButZero) {
  EstablishAccurate(Packet().Mss(1460).AccEcn0({77, 0, 99}));
  Fill();
  Send(Ack(Seg(4)).Seq(1).Ace(6).AccEcn0({77 + 3 * kMss, kMss, 99}));
  EXPECT_EQ(socket->Info().delivered_ce_bytes, kMss);
  EXPECT_EQ(CodepointOfText(), kEct0);
}

TEST_F(Rfc9768, S3_2_3_2_5_MarkedOctetsWithoutMarkedPacketsEndEct) {
  EstablishAccurate(Packet().Mss(1460).AccEcn0({1, 0, 1}));
  Fill();
  Send(Ack(Seg(4)).Seq(1).Ace(kFirstAce).AccEcn0({1 + 3 * kMss, kMss}));
  EXPECT_EQ(CodepointOfText(), kNotEct);
}

}  // namespace
}  // namespace moat::netstack::tcp
