// Loss recovery: RFC 6298, 5681, 6582, 6675, 3042, 6937.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netstack/transport/tcp/testing/story.h"

namespace moat::netstack::tcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint32_t kMss = 1460;
// Sequence number of the n-th full segment.
constexpr uint32_t At(uint32_t n) { return 1 + n * kMss; }

class WithoutSack : public Story {
 protected:
  void SetUp() override {
    Establish();
    // A round trip of 50 ms.
    ASSERT_EQ(Write("x"), Error::kOk);
    Next();
    Advance(milliseconds(50));
    Send(Ack(2).Seq(1));
    base = 1;
  }
  uint32_t Seg(uint32_t n) const { return At(n) + base; }
  uint32_t base = 0;
};

class WithSack : public WithoutSack {
 protected:
  void SetUp() override {
    Connect();
    Advance(milliseconds(50));
    Send(SynAck().Mss(1460).SackOk().Seq(0).Ack(1));
    Next();
    ASSERT_EQ(Write("x"), Error::kOk);
    Next();
    Advance(milliseconds(50));
    Send(Ack(2).Seq(1));
    base = 1;
  }
};

TEST_F(WithoutSack, Rfc6298_S5_RetransmitsAfterRtoAndBacksOff) {
  ASSERT_EQ(WriteBytes(100), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(100).Seq(2)));
  Advance(milliseconds(200));
  EXPECT_TRUE(Quiet());
  Advance(milliseconds(20));
  EXPECT_THAT(Next(), Is(Packet().Size(100).Seq(2)));
  Advance(milliseconds(380));
  EXPECT_TRUE(Quiet());
  Advance(milliseconds(50));
  EXPECT_THAT(Next(), Is(Packet().Size(100).Seq(2)));
  EXPECT_EQ(Counter("Tcp.RetransSegs"), 2u);
  EXPECT_EQ(Counter("TcpExt.TCPTimeouts"), 2u);
}

// And not before: the ACK of what was sent twice measures nothing.
TEST_F(WithoutSack, Rfc8961_S4_4_AMeasureEndsTheBackOff) {
  ASSERT_EQ(WriteBytes(100), Error::kOk);
  Next();
  Advance(milliseconds(300));
  EXPECT_THAT(Next(), Is(Packet().Size(100).Seq(2)));
  Send(Ack(102).Seq(1));
  ASSERT_EQ(WriteBytes(100), Error::kOk);
  Next();
  Advance(milliseconds(300));
  EXPECT_TRUE(Quiet());
  Send(Ack(202).Seq(1));
  ASSERT_EQ(WriteBytes(100), Error::kOk);
  Next();
  Advance(milliseconds(50));
  Send(Ack(302).Seq(1));
  ASSERT_EQ(WriteBytes(100), Error::kOk);
  Next();
  Advance(milliseconds(390));
  EXPECT_THAT(Next(), Is(Packet().Size(100).Seq(302)));
}

TEST_F(WithoutSack, Rfc6298_S5_2_AckOfAllStopsTheTimer) {
  ASSERT_EQ(WriteBytes(100), Error::kOk);
  Next();
  Send(Ack(102).Seq(1));
  EXPECT_EQ(host.armed_timers(), 0u);
}

TEST_F(WithoutSack, Rfc5681_S3_1_TimeoutCollapsesTheWindow) {
  ASSERT_EQ(WriteBytes(10 * kMss), Error::kOk);
  EXPECT_EQ(All().size(), 10u);
  Advance(milliseconds(400));
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(0))));
  EXPECT_TRUE(Quiet());
  Send(Ack(Seg(1)).Seq(1));  // slow start: two
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(1))));
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(2))));
  EXPECT_TRUE(Quiet());
}

TEST_F(WithoutSack, Rfc5681_S3_1_ASecondTimeoutKeepsTheThreshold) {
  ASSERT_EQ(WriteBytes(10 * kMss), Error::kOk);
  EXPECT_EQ(All().size(), 10u);
  Advance(milliseconds(400));
  EXPECT_EQ(All().size(), 1u);
  const uint32_t threshold = socket->Info().send_ssthresh;
  EXPECT_GE(threshold, 5u);
  EXPECT_LE(threshold, 7u);  // CUBIC's 0.7 of ten
  Advance(milliseconds(1000));
  EXPECT_GE(All().size(), 1u);
  EXPECT_EQ(socket->Info().send_ssthresh, threshold);
}

TEST_F(WithoutSack, Rfc6582_S4_DuplicatesAfterATimeoutBeginNoRecovery) {
  ASSERT_EQ(WriteBytes(10 * kMss), Error::kOk);
  EXPECT_EQ(All().size(), 10u);
  Advance(milliseconds(400));
  EXPECT_EQ(All().size(), 1u);
  // What was in flight arrives after all, and tells so again and again.
  for (int i = 0; i < 9; ++i) Send(Ack(Seg(0)).Seq(1));
  EXPECT_TRUE(Quiet());
}

TEST_F(WithoutSack, Rfc5681_S3_2_ThirdDuplicateAckRetransmits) {
  ASSERT_EQ(WriteBytes(10 * kMss), Error::kOk);
  All();
  Send(Ack(Seg(0)).Seq(1));
  Send(Ack(Seg(0)).Seq(1));
  EXPECT_TRUE(Quiet());
  Send(Ack(Seg(0)).Seq(1));
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(0))));
  EXPECT_TRUE(Quiet());
  EXPECT_EQ(Counter("TcpExt.TCPRenoRecovery"), 1u);
  EXPECT_EQ(Counter("TcpExt.TCPFastRetrans"), 1u);
}

TEST_F(WithoutSack, Rfc5681_S2_WindowUpdatesAreNoDuplicates) {
  ASSERT_EQ(WriteBytes(10 * kMss), Error::kOk);
  All();
  for (uint16_t wnd : {60000, 61000, 62000, 63000}) Send(Ack(Seg(0)).Seq(1).Wnd(wnd));
  EXPECT_EQ(Counter("Tcp.RetransSegs"), 0u);
}

TEST_F(WithoutSack, Rfc6582_S3_2_PartialAckRetransmitsTheNextHole) {
  ASSERT_EQ(WriteBytes(10 * kMss), Error::kOk);
  All();
  for (int i = 0; i < 8; ++i) Send(Ack(Seg(0)).Seq(1));
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(0))));
  All();
  Send(Ack(Seg(4)).Seq(1));
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(4))));
  Send(Ack(Seg(10)).Seq(1));
  EXPECT_EQ(socket->Info().ca_state, 0);
}

TEST_F(WithoutSack, Rfc3042_FirstTwoDuplicatesSendNewData) {
  ASSERT_EQ(WriteBytes(30 * kMss), Error::kOk);
  const size_t first = All().size();
  Send(Ack(Seg(0)).Seq(1));
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(static_cast<uint32_t>(first)))));
  Send(Ack(Seg(0)).Seq(1));
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(static_cast<uint32_t>(first) + 1))));
}

TEST_F(WithoutSack, Rfc3042_S2_TheFirstTwoDuplicatesDoNotChangeTheWindow) {
  ASSERT_EQ(WriteBytes(30 * kMss), Error::kOk);
  const auto window = static_cast<uint32_t>(All().size());
  EXPECT_EQ(socket->Info().congestion_window, window);
  for (int i = 0; i < 2; ++i) {
    Send(Ack(Seg(0)).Seq(1));
    EXPECT_EQ(All().size(), 1u);
    EXPECT_EQ(socket->Info().congestion_window, window);
  }
}

TEST_F(WithoutSack, Rfc7661_AnUnusedWindowDoesNotGrow) {
  const uint32_t before = socket->Info().congestion_window;
  for (uint32_t n = 1; n <= 40; ++n) {
    ASSERT_EQ(WriteBytes(kMss), Error::kOk);
    EXPECT_EQ(All().size(), 1u);
    Advance(milliseconds(50));
    Send(Ack(Seg(n)).Seq(1));
  }
  EXPECT_EQ(socket->Info().congestion_window, before);
}

TEST_F(WithSack, Rfc6675_S5_HolesAreRetransmittedAndNothingElse) {
  ASSERT_EQ(WriteBytes(10 * kMss), Error::kOk);
  All();
  Advance(milliseconds(50));
  // Segments 0 and 2 are lost.
  Send(Ack(Seg(0)).Seq(1).Sack({{Seg(1), Seg(2)}}));
  Send(Ack(Seg(0)).Seq(1).Sack({{Seg(3), Seg(4)}, {Seg(1), Seg(2)}}));
  EXPECT_TRUE(Quiet());
  Send(Ack(Seg(0)).Seq(1).Sack({{Seg(3), Seg(5)}, {Seg(1), Seg(2)}}));
  for (uint32_t n = 6; n <= 10; ++n)
    Send(Ack(Seg(0)).Seq(1).Sack({{Seg(3), Seg(n)}, {Seg(1), Seg(2)}}));
  std::vector<Packet> sent = All();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_THAT(sent[0], Is(Packet().Size(kMss).Seq(Seg(0))));
  EXPECT_THAT(sent[1], Is(Packet().Size(kMss).Seq(Seg(2))));
  Send(Ack(Seg(10)).Seq(1));
  EXPECT_EQ(socket->Info().ca_state, 0);
  EXPECT_EQ(Counter("TcpExt.TCPSackRecovery"), 1u);
  EXPECT_EQ(Counter("Tcp.RetransSegs"), 2u);
}

// 10 ms are the reordering window that the first report opens; three reports would have closed it.
TEST_F(WithSack, Rfc6675_S2_AnAckThatSacksNothingNewIsNoDuplicate) {
  ASSERT_EQ(WriteBytes(6 * kMss), Error::kOk);
  ASSERT_EQ(All().size(), 6u);
  Advance(milliseconds(50));
  for (int i = 0; i < 5; ++i) Send(Ack(Seg(0)).Seq(1).Sack({{Seg(1), Seg(2)}}));
  EXPECT_TRUE(Quiet());
  Advance(milliseconds(20));
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(0))));
}

TEST_F(WithSack, Rfc6675_S2_AnAckWithoutSackIsNoDuplicate) {
  ASSERT_EQ(WriteBytes(6 * kMss), Error::kOk);
  ASSERT_EQ(All().size(), 6u);
  Advance(milliseconds(50));
  for (int i = 0; i < 5; ++i) Send(Ack(Seg(0)).Seq(1));
  EXPECT_TRUE(Quiet());
  EXPECT_EQ(Counter("TcpExt.TCPSackRecovery"), 0u);
}

// Small segments, of which even many SACKed are less than two full ones: it is their count that
// matters.
class SmallSegments : public WithSack {
 protected:
  static constexpr uint32_t kSize = 100;
  void SetUp() override {
    WithSack::SetUp();
    host.Sysctl("ipv4.tcp_recovery", "0");
    SetTcp([](TcpOptions& o) { o.no_delay = true; });
    for (int i = 0; i < 8; ++i) ASSERT_EQ(WriteBytes(kSize), Error::kOk);
    ASSERT_EQ(All().size(), 8u);
    Advance(milliseconds(50));
  }
  uint32_t Small(uint32_t n) const { return Seg(0) + n * kSize; }
  Packet Report(uint32_t ack, uint32_t from, uint32_t to) const {
    return Ack(Small(ack)).Seq(1).Sack({{Small(from), Small(to)}});
  }
};

TEST_F(SmallSegments, Rfc6675_S5_ThreeDuplicatesAreEnoughHoweverLittleTheySack) {
  Send(Report(0, 1, 2));
  Send(Report(0, 1, 3));
  EXPECT_TRUE(Quiet());
  Send(Report(0, 1, 4));
  EXPECT_THAT(Next(), Is(Packet().Size(kSize).Seq(Small(0))));
  EXPECT_TRUE(Quiet());
}

TEST_F(SmallSegments, Rfc6675_S2_ADuplicateMayCarryTextAndAWindow) {
  Send(Report(0, 1, 2));
  Send(Report(0, 1, 3));
  Send(Report(0, 1, 4).Data("abc").Wnd(5000));
  EXPECT_THAT(Next(), Is(Packet().Size(kSize).Seq(Small(0))));
}

TEST_F(SmallSegments, Rfc6675_S5_AnAckOfNewDataBeginsTheCountAnew) {
  Send(Report(0, 2, 3));
  Send(Report(0, 2, 4));
  Send(Report(1, 2, 4));
  Send(Report(1, 2, 5));
  EXPECT_TRUE(Quiet());
  EXPECT_EQ(Counter("TcpExt.TCPSackRecovery"), 0u);
}

TEST_F(WithSack, Rfc6937_RecoveryEndsAtSsthresh) {
  ASSERT_EQ(WriteBytes(10 * kMss), Error::kOk);
  All();
  const uint32_t before = socket->Info().congestion_window;
  for (uint32_t n = 2; n <= 10; ++n) Send(Ack(Seg(0)).Seq(1).Sack({{Seg(1), Seg(n)}}));
  Send(Ack(Seg(10)).Seq(1));
  const uint32_t after = socket->Info().congestion_window;
  EXPECT_EQ(after, before * 7 / 10);  // CUBIC's beta
}

// In proportion, while more is in the network than the threshold: segments that went since recovery
// began, by segments delivered.
TEST_F(WithSack, Rfc6937_S3_WhatIsSentFollowsWhatIsDelivered) {
  ASSERT_EQ(WriteBytes(30 * kMss), Error::kOk);
  ASSERT_EQ(All().size(), 10u);
  Advance(milliseconds(50));  // an answer without any delay would leave reordering no time either
  for (uint32_t n = 2; n <= 3; ++n) {
    Send(Ack(Seg(0)).Seq(1).Sack({{Seg(1), Seg(n)}}));
    EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(8 + n))));  // limited transmit
    ASSERT_TRUE(Quiet());
  }
  uint32_t sent = 0;
  for (uint32_t delivered = 1; delivered <= 5; ++delivered) {
    Send(Ack(Seg(0)).Seq(1).Sack({{Seg(1), Seg(3 + delivered)}}));
    sent += static_cast<uint32_t>(All().size());
    EXPECT_GE(sent, delivered * 7 / 12) << delivered;
    EXPECT_LE(sent, (delivered * 7 + 11) / 12) << delivered;
  }
}

// Below it no more than what was delivered and one segment, though the threshold would allow it.
TEST_F(WithSack, Rfc6937_S3_ABigLossIsNotFollowedByABurst) {
  ASSERT_EQ(WriteBytes(30 * kMss), Error::kOk);
  ASSERT_EQ(All().size(), 10u);
  Advance(milliseconds(50));
  Send(Ack(Seg(0)).Seq(1).Sack({{Seg(7), Seg(10)}}));
  EXPECT_EQ(All().size(), 4u);
}

TEST_F(WithSack, Rfc3042_S2_ADuplicateWithoutNewSackSendsNothing) {
  ASSERT_EQ(WriteBytes(30 * kMss), Error::kOk);
  ASSERT_EQ(All().size(), 10u);
  Advance(milliseconds(50));
  Send(Ack(Seg(0)).Seq(1).Sack({{Seg(1), Seg(2)}}));
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(10))));
  Send(Ack(Seg(0)).Seq(1).Sack({{Seg(1), Seg(2)}}));
  EXPECT_TRUE(Quiet());
}

TEST_F(WithSack, Rfc2018_S8_BlocksOutsideOfTheFlightAreIgnored) {
  ASSERT_EQ(WriteBytes(4 * kMss), Error::kOk);
  All();
  Send(Ack(Seg(0)).Seq(1).Sack({{Seg(100), Seg(200)}}));
  Send(Ack(Seg(0)).Seq(1).Sack({{Seg(3), Seg(2)}}));
  EXPECT_EQ(socket->Info().sacked, 0u);
}

TEST_F(WithSack, HostileBlocksDoNotCutTheFlightToCrumbs) {
  ASSERT_EQ(WriteBytes(10 * kMss), Error::kOk);
  All();
  for (uint32_t at = Seg(1); at < Seg(9); at += 7) Send(Ack(Seg(0)).Seq(1).Sack({{at, at + 3}}));
  EXPECT_EQ(socket->Info().sacked, 0u);
}

TEST_F(WithSack, Rfc2883_DsackIsNoDuplicate) {
  ASSERT_EQ(WriteBytes(4 * kMss), Error::kOk);
  All();
  Send(Ack(Seg(1)).Seq(1).Sack({{Seg(0), Seg(1)}}));
  EXPECT_EQ(Counter("TcpExt.TCPDSACKRecv"), 1u);
  EXPECT_EQ(socket->Info().sacked, 0u);
}

TEST_F(WithSack, TimeoutKeepsWhatWasSacked) {
  ASSERT_EQ(WriteBytes(4 * kMss), Error::kOk);
  All();
  Send(Ack(Seg(0)).Seq(1).Sack({{Seg(1), Seg(2)}}));
  Advance(milliseconds(500));
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(0))));
  All();
  Send(Ack(Seg(2)).Seq(1));
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(2))));
}

TEST_F(WithSack, Rfc2018_S8_RenegingIsNoticedByTheTimeout) {
  ASSERT_EQ(WriteBytes(4 * kMss), Error::kOk);
  All();
  Send(Ack(Seg(0)).Seq(1).Sack({{Seg(0), Seg(4)}}));  // everything, but never acknowledged
  Advance(seconds(1));
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(0))));
  EXPECT_EQ(Counter("TcpExt.TCPSACKReneging"), 1u);
}

// --- The receiver's side: RFC 2018 4, RFC 2883 ---------------------------------------------------

TEST_F(WithSack, Rfc2018_S4_MostRecentBlockIsFirst) {
  Send(Data("c").Seq(3).Ack(2));
  EXPECT_THAT(Next(), Is(Ack(1).Sack({{3, 4}})));
  Send(Data("e").Seq(5).Ack(2));
  EXPECT_THAT(Next(), Is(Ack(1).Sack({{5, 6}, {3, 4}})));
  Send(Data("d").Seq(4).Ack(2));
  EXPECT_THAT(Next(), Is(Ack(1).Sack({{3, 6}})));
  Send(Data("ab").Seq(1).Ack(2));
  EXPECT_THAT(Next(), Is(Ack(6).Sack({})));
  EXPECT_EQ(Read(), "abcde");
}

TEST_F(WithSack, Rfc2883_S4_DuplicateIsReported) {
  Send(Data("ab").Seq(1).Ack(2));
  All();
  Send(Data("ab").Seq(1).Ack(2));
  EXPECT_THAT(Next(), Is(Ack(3).Sack({{1, 3}})));
  Send(Data("z").Seq(10).Ack(2));
  Next();
  Send(Data("z").Seq(10).Ack(2));
  EXPECT_THAT(Next(), Is(Ack(3).Sack({{10, 11}, {10, 11}})));
}

}  // namespace
}  // namespace moat::netstack::tcp
