// Accurate ECN feedback (RFC 9768): what a receiver counts in ACE, and when it says so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netstack/transport/tcp/testing/ecn_story.h"

namespace moat::netstack::tcp {
namespace {

using std::chrono::milliseconds;

// --- 3.2.2.2: counting ---------------------------------------------------------------------------

TEST_F(Rfc9768, S3_2_2_2_AceIsTheNumberOfMarkedPackets) {
  AcceptAccurate();
  uint32_t seq = 1;
  for (uint8_t i = 1; i < 12; ++i, ++seq) {
    Send(Data("a").Seq(seq).Ack(1).Ace(kFirstAce).Ecn(kCe));
    Advance(milliseconds(300));
    const std::vector<Packet> acks = All();
    ASSERT_FALSE(acks.empty());
    EXPECT_EQ(*acks.back().ace, (kFirstAce + i) % 8);
  }
  EXPECT_EQ(socket->Info().received_marked, 11u);
  EXPECT_EQ(socket->Info().received_ce_bytes, 11u);
}

TEST_F(Rfc9768, S3_2_2_2_CeOnTheSynIsNotCounted) {
  Listen();
  Send(Syn().Seq(0).Mss(1460).Ace(7).Ecn(kCe));
  EXPECT_THAT(Next(), Is(SynAck().Ace(6)));
  Send(Ack(1).Seq(1).Ace(2));
  socket = Accept();
  ASSERT_EQ(Write("x"), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(1).Ace(kFirstAce)));
}

TEST_F(Rfc9768, S3_2_MarkedRetransmissionsOutOfOrderTextAndAcksCountToo) {
  AcceptAccurate();
  Send(Ack(1).Seq(1).Ace(kFirstAce).Ecn(kCe));
  Send(Data("b").Seq(2).Ack(1).Ace(kFirstAce).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(1).Ace(7)));
  Send(Fin().Seq(3).Ack(1).Ace(kFirstAce).Ecn(kCe));
  All();
  EXPECT_EQ(socket->Info().received_marked, 3u);
  EXPECT_EQ(socket->Info().received_ce_bytes, 1u);
}

TEST_F(Rfc9768, S3_2_WhatIsOutsideOfTheWindowIsNotCounted) {
  AcceptAccurate();
  Send(Data("a").Seq(200000).Ack(1).Ace(kFirstAce).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(1).Ace(kFirstAce)));
}

TEST_F(Rfc9768, S3_2_AMergedSegmentCountsAsManyPacketsAsItHas) {
  AcceptAccurate();
  Send(Packet().Size(2500).Seq(1).Ack(1).Ace(kFirstAce).Ecn(kCe).Gso(1000));
  EXPECT_THAT(Next(), Is(Ack(2501).Ace(0)));
  EXPECT_EQ(socket->Info().received_marked, 3u);
}

TEST_F(Rfc9768, S3_2_2_AnAckInTimeWaitHasTheCounter) {
  AcceptAccurate();
  Send(Data("a").Seq(1).Ack(1).Ace(kFirstAce).Ecn(kCe));
  (void)Read();
  All();
  ASSERT_EQ(socket->Shutdown(ShutdownHow::kWrite), Error::kOk);
  All();
  Send(Fin().Seq(2).Ack(2).Ace(kFirstAce));
  All();
  EXPECT_EQ(host.StateOf(kHostPort), "TIME-WAIT");
  Send(Fin().Seq(2).Ack(2).Ace(kFirstAce));
  EXPECT_THAT(Next(), Is(Ack(3).Seq(2).Ace(6)));
}

// --- 3.2.2.5.1: when to acknowledge --------------------------------------------------------------

class Rfc9768Acks : public Rfc9768 {
 protected:
  // Past quick acknowledgements: text waits for its ACK.
  void AcceptDelayed() {
    AcceptAccurate();
    SetTcp([](TcpOptions& o) { o.quick_ack = false; });
    Send(Data("a").Seq(1).Ack(1).Ace(kFirstAce).Ecn(kEct0));
    ASSERT_TRUE(Quiet());
  }
};

TEST_F(Rfc9768Acks, S3_2_2_5_1_TheFirstMarkIsAcknowledgedAtOnce) {
  AcceptDelayed();
  SendBatched(Data("b").Seq(2).Ack(1).Ace(kFirstAce).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(3).Ace(6)));
}

TEST_F(Rfc9768Acks, S3_2_2_5_1_EverySecondOfARowOfMarksIsAcknowledged) {
  AcceptDelayed();
  Send(Data("b").Seq(2).Ack(1).Ace(kFirstAce).Ecn(kCe));
  Next();
  Send(Data("c").Seq(3).Ack(1).Ace(kFirstAce).Ecn(kCe));
  EXPECT_TRUE(Quiet());
  SendBatched(Data("d").Seq(4).Ack(1).Ace(kFirstAce).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(5).Ace(0)));
  Send(Data("e").Seq(5).Ack(1).Ace(kFirstAce).Ecn(kEct0));
  EXPECT_TRUE(Quiet());
  // An unmarked ACK in between makes the next mark a change.
  Send(Ack(1).Seq(6).Ace(kFirstAce));
  Send(Data("f").Seq(6).Ack(1).Ace(kFirstAce).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(7).Ace(1)));
}

TEST_F(Rfc9768Acks, S3_2_2_5_1_OfMarkedAcksEveryThird) {
  AcceptAccurate();
  for (int i = 0; i < 2; ++i) Send(Ack(1).Seq(1).Ace(kFirstAce).Ecn(kCe));
  EXPECT_TRUE(Quiet());
  Send(Ack(1).Seq(1).Ace(kFirstAce).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(1).Seq(1).Ace(0).Sack({})));
}

TEST_F(Rfc9768Acks, S3_2_2_5_1_AnAckOfAcksHasNoSack) {
  AcceptAccurate(2, Packet().Mss(1460).SackOk());
  Send(Data("c").Seq(3).Ack(1).Ace(kFirstAce));
  EXPECT_THAT(Next(), Is(Ack(1).Ace(kFirstAce).Sack({{3, 4}})));
  for (int i = 0; i < 3; ++i) Send(Ack(1).Seq(1).Ace(kFirstAce).Ecn(kCe));
  EXPECT_THAT(Next(), Is(Ack(1).Ace(0).Sack({})));
}

TEST_F(Rfc9768Acks, S3_2_2_5_1_WhatCameAsOneIsAcknowledgedByOne) {
  AcceptDelayed();
  SendBatched(Packet().Size(9000).Seq(2).Ack(1).Ace(kFirstAce).Ecn(kCe).Gso(1000));
  EXPECT_EQ(All().size(), 1u);
  Flush();
  EXPECT_TRUE(Quiet());
}

}  // namespace
}  // namespace moat::netstack::tcp
