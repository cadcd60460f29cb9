// Accurate ECN feedback (RFC 9768): what a sender does about marks, and about impossible feedback.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netstack/transport/tcp/testing/ecn_story.h"

namespace moat::netstack::tcp {
namespace {

using std::chrono::milliseconds;

// --- 3.2.2.5.2, 4: the sender --------------------------------------------------------------------

TEST_F(Rfc9768, S3_1_5_MarksReduceTheWindowOncePerRoundTripAndCwrIsNotSaid) {
  EstablishAccurate();
  Fill();
  Send(Ack(Seg(2)).Seq(1).Ace(6));
  EXPECT_EQ(socket->Info().ca_state, 2);
  const uint32_t ssthresh = socket->Info().send_ssthresh;
  EXPECT_EQ(ssthresh, 7u);  // CUBIC
  Send(Ack(Seg(4)).Seq(1).Ace(0));
  EXPECT_EQ(socket->Info().send_ssthresh, ssthresh);
  EXPECT_EQ(socket->Info().delivered_marked, 3u);
  EXPECT_EQ(Counter("TcpMoat.EcnReductions"), 1u);
  EXPECT_EQ(Counter("TcpExt.TCPDeliveredCE"), 3u);
  // Up to the end of that window nothing changes, then the next mark counts.
  ASSERT_EQ(WriteBytes(8 * kMss), Error::kOk);
  for (const Packet& text : All()) EXPECT_EQ(*text.ace, kFirstAce);
  Send(Ack(Seg(10)).Seq(1).Ace(0));
  All();
  Send(Ack(Seg(12)).Seq(1).Ace(1));
  EXPECT_LT(socket->Info().send_ssthresh, ssthresh);
  EXPECT_EQ(Counter("TcpMoat.EcnReductions"), 2u);
}

TEST_F(Rfc9768, S3_2_2_5_2_OldAcksSayNothing) {
  EstablishAccurate();
  Fill();
  Send(Ack(Seg(4)).Seq(1).Ace(kFirstAce));
  Send(Ack(Seg(2)).Seq(1).Ace(4));
  Send(Ack(Seg(4)).Seq(1).Ace(4));
  EXPECT_EQ(socket->Info().delivered_marked, 0u);
}

TEST_F(Rfc9768, A_1_WithTimestampsAnAckThatIsNewerCounts) {
  EstablishAccurate(Packet().Mss(1460).Ts(100, 0));
  ASSERT_EQ(WriteBytes(kMss), Error::kOk);
  All();
  Send(Ack(1).Seq(1).Ts(100, host_ts).Ace(kFirstAce));
  Send(Ack(1).Seq(1).Ts(105, host_ts).Ace(6));
  EXPECT_EQ(socket->Info().delivered_marked, 1u);
}

TEST_F(Rfc9768, WhileAceHasCwrNoSuperSegmentsAreSent) {
  host.ip.set_max_gso_bytes(65535);
  EstablishAccurate();
  ASSERT_EQ(WriteBytes(4 * kMss), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(4 * kMss).Gso(kMss).Ace(kFirstAce)));
  Send(Data("a").Seq(1).Ack(Seg(4)).Ace(kFirstAce).Ecn(kCe));
  All();
  ASSERT_EQ(WriteBytes(3 * kMss), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Ace(6)));
  All();
}

// Packets are counted as they were sent, not by their octets.
TEST_F(Rfc9768, S3_2_2_5_2_EightMarksOfSmallPacketsAreEight) {
  EstablishAccurate(Packet().Mss(1460).AccEcn0({1, 0, 1}));
  SetTcp([](TcpOptions& o) { o.no_delay = true; });
  for (int i = 0; i < 8; ++i) ASSERT_EQ(WriteBytes(100), Error::kOk);
  ASSERT_EQ(All().size(), 8u);
  Advance(milliseconds(40));
  Send(Ack(801).Seq(1).Ace(kFirstAce).AccEcn0({1, 800, 1}));
  EXPECT_EQ(socket->Info().delivered_marked, 8u);
  EXPECT_EQ(socket->Info().ca_state, 2);
  EXPECT_EQ(CodepointOfText(), kEct0);
}

// --- 3.2.2.3, 3.2.2.4: mangling ------------------------------------------------------------------

TEST_F(Rfc9768, S3_2_2_3_AMangledSynMeansThatNothingIsSentAsEct) {
  for (const uint8_t ace : {3, 4, 6}) {
    SCOPED_TRACE(int{ace});
    peer_port = static_cast<uint16_t>(1000 + ace);
    StartConnect();
    Next();
    Answer(ace);
    EXPECT_EQ(CodepointOfText(), kNotEct);
    // CE on the SYN is answered as congestion, without counting (3.2.2.2).
    EXPECT_EQ(socket->Info().congestion_window, ace == 6 ? 1u : 10u);
    EXPECT_EQ(socket->Info().delivered_marked, 0u);
    // Feedback is still answered.
    Advance(milliseconds(40));
    Send(Ack(2).Seq(1).Ace(6));
    EXPECT_EQ(socket->Info().ca_state, 2);
    socket.reset();
    All();
  }
}

TEST_F(Rfc9768, S3_2_2_3_MarksWithoutEndAreNoCongestion) {
  EstablishAccurate();
  uint32_t sent = 0;
  for (int round = 0; round < 60; ++round) {
    ASSERT_EQ(WriteBytes(kMss), Error::kOk);
    ASSERT_EQ(All().size(), 1u);
    Advance(milliseconds(40));
    ++sent;
    Send(Ack(Seg(sent)).Seq(1).Ace(static_cast<uint8_t>((kFirstAce + sent) % 8)));
  }
  EXPECT_EQ(CodepointOfText(), kNotEct);
  EXPECT_EQ(socket->Info().delivered_marked, 60u);
}

TEST_F(Rfc9768, S3_2_2_4_AZeroInTheFirstFeedbackDisablesEcn) {
  EstablishAccurate();
  Fill();
  Send(Ack(Seg(2)).Seq(1).Ace(0));
  EXPECT_EQ(socket->Info().ca_state, 0);
  EXPECT_EQ(CodepointOfText(), kNotEct);
  Send(Ack(Seg(4)).Seq(1).Ace(2));
  EXPECT_EQ(socket->Info().ca_state, 0);
  // But the peer's marks are still counted for it.
  Send(Data("a").Seq(1).Ack(Seg(4)).Ace(2).Ecn(kCe));
  EXPECT_EQ(*All().back().ace, 6);
}

TEST_F(Rfc9768, S3_2_2_4_LaterZerosAreCounts) {
  EstablishAccurate();
  Fill();
  Send(Ack(Seg(1)).Seq(1).Ace(kFirstAce));
  Send(Ack(Seg(4)).Seq(1).Ace(0));
  EXPECT_EQ(socket->Info().delivered_marked, 3u);
  EXPECT_EQ(socket->Info().ca_state, 2);
  EXPECT_EQ(CodepointOfText(), kEct0);
}

}  // namespace
}  // namespace moat::netstack::tcp
