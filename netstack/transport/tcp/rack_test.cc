// RACK-TLP (RFC 8985), with the D-SACKs of RFC 2883 that adapt it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netstack/transport/tcp/rack.h"
#include "netstack/transport/tcp/rtt.h"
#include "netstack/transport/tcp/testing/story.h"

namespace moat::netstack::tcp {
namespace {

using std::chrono::milliseconds;

constexpr uint32_t kMss = 1460;
constexpr Duration kRtt = milliseconds(40);

// A connection with SACK and a measured round trip of 40 ms; Seg(n) is the n-th full segment to
// come.
class RackStory : public Story {
 protected:
  void SetUp() override { Begin(Packet().Mss(1460).SackOk()); }
  void Begin(Packet syn_ack) {
    Connect();
    Advance(kRtt);
    if (syn_ack.timestamps) syn_ack.Ts(syn_ack.timestamps->first, host_ts);
    Send(syn_ack.Flag(tcp_flag::kSyn).Seq(0).Ack(1));
    Next();
  }
  static uint32_t Seg(uint32_t n) { return 1 + n * kMss; }
  // Writes `count` segments, which all go.
  void Fly(uint32_t count) {
    ASSERT_EQ(WriteBytes(count * kMss), Error::kOk);
    ASSERT_EQ(All().size(), count);
  }
  void Sack(uint32_t ack, uint32_t from, uint32_t to) {
    Send(Ack(Seg(ack)).Seq(1).Sack({{Seg(from), Seg(to)}}));
  }
};

TEST_F(RackStory, Rfc8985_S6_2_OneSackedSegmentWaitsForTheReorderingWindow) {
  Fly(4);
  Advance(kRtt);
  Sack(0, 1, 2);
  EXPECT_TRUE(Quiet());
  Advance(milliseconds(8));
  EXPECT_TRUE(Quiet());
  Advance(milliseconds(4));  // min_RTT / 4 is 10 ms
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(0))));
  EXPECT_TRUE(Quiet());
  EXPECT_EQ(Counter("TcpExt.TCPSackRecovery"), 1u);
  EXPECT_EQ(Counter("TcpExt.TCPTimeouts"), 0u);
}

TEST_F(RackStory, Rfc8985_S6_2_ReorderedSegmentsWithinTheWindowAreNotRetransmitted) {
  Fly(4);
  Advance(kRtt);
  Sack(0, 1, 2);
  Advance(milliseconds(5));
  Send(Ack(Seg(2)).Seq(1));
  Send(Ack(Seg(4)).Seq(1));
  Advance(milliseconds(500));
  EXPECT_EQ(Counter("Tcp.RetransSegs"), 0u);
}

TEST_F(RackStory, Rfc8985_S6_2_ThreeSackedSegmentsNeedNoWindowUntilReorderingIsSeen) {
  Fly(6);
  Advance(kRtt);
  Sack(0, 1, 4);
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(0))));
}

TEST_F(RackStory, Rfc8985_S6_2_OnceReorderingWasSeenThreeSackedSegmentsWait) {
  Fly(4);
  Advance(kRtt);
  Sack(0, 1, 2);
  Send(Ack(Seg(2)).Seq(1));  // the original, late
  Send(Ack(Seg(4)).Seq(1));
  Fly(6);
  Advance(kRtt);
  Sack(4, 5, 9);
  EXPECT_TRUE(Quiet());
  Advance(milliseconds(12));
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(4))));
}

TEST_F(RackStory, Rfc8985_S6_2_LostRetransmissionIsFoundByALaterOne) {
  Fly(10);
  Advance(kRtt);
  Sack(0, 1, 4);
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(0))));
  // New data goes meanwhile, and arrives, the retransmission does not.
  ASSERT_EQ(WriteBytes(10 * kMss), Error::kOk);
  Advance(milliseconds(1));
  for (uint32_t n = 5; n <= 10; ++n) Sack(0, 1, n);
  const size_t fresh = All().size();
  ASSERT_GT(fresh, 0u);
  Advance(kRtt + milliseconds(11));
  Sack(0, 1, 11);
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(0))));
  EXPECT_EQ(Counter("TcpExt.TCPTimeouts"), 0u);
  EXPECT_EQ(Counter("TcpExt.TCPLostRetransmit"), 1u);
}

TEST_F(RackStory, Rfc8985_S6_2_DsackWidensTheWindow) {
  Fly(4);
  Advance(kRtt);
  Sack(0, 1, 2);
  Advance(milliseconds(12));
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(0))));
  Send(Ack(Seg(4)).Seq(1));                                  // the original was only late,
  Send(Ack(Seg(4)).Seq(1).Sack({{Seg(0), Seg(1)}}));         // which the peer reports
  EXPECT_EQ(Counter("TcpExt.TCPDSACKRecv"), 1u);
  Fly(4);
  Advance(kRtt);
  Sack(4, 5, 6);
  Advance(milliseconds(15));
  EXPECT_TRUE(Quiet());
  Advance(milliseconds(10));  // 2 * min_RTT / 4
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(4))));
}

TEST_F(RackStory, Rfc8985_S6_3_TimeoutSparesWhatWasSentLately) {
  Fly(1);
  Advance(kRtt);
  Send(Ack(Seg(1)).Seq(1));
  Fly(2);
  Advance(milliseconds(300));  // a probe went
  All();
  Fly(1);
  Advance(milliseconds(30));   // the timeout
  EXPECT_EQ(Counter("TcpExt.TCPTimeouts"), 1u);
  EXPECT_EQ(socket->Info().lost, 2u);
}

TEST_F(RackStory, TcpRecovery0_FallsBackToRfc6675) {
  host.Sysctl("ipv4.tcp_recovery", "0");
  Fly(6);
  Advance(kRtt);
  Sack(0, 1, 2);
  Advance(milliseconds(100));
  EXPECT_TRUE(Quiet());
  Sack(0, 1, 4);
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(0))));
}

// Step 2: an ACK sooner than any round trip after a retransmission is for the original, and says
// nothing about what was sent in between.
TEST_F(RackStory, Rfc8985_S6_2_AnAckTooSoonAfterARetransmissionIsNotItsAck) {
  Fly(4);
  Advance(kRtt);
  Sack(0, 1, 2);
  Advance(milliseconds(12));
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(0))));
  Advance(milliseconds(3));
  Send(Ack(Seg(2)).Seq(1));
  EXPECT_TRUE(Quiet());
  EXPECT_EQ(Counter("Tcp.RetransSegs"), 1u);
}

TEST_F(RackStory, Rfc8985_S4_WithoutSackThereIsNeitherRackNorProbe) {
  socket->Abort();
  (void)All();
  socket = host.tcp->NewSocket(host.address.family());
  Begin(Packet().Mss(1460));
  Fly(4);
  Advance(milliseconds(150));
  EXPECT_TRUE(Quiet());
  EXPECT_EQ(Counter("TcpExt.TCPLossProbes"), 0u);
}

// Step 4: whatever is reported, one round trip is enough; after 16 recoveries without a report it
// is forgotten.
TEST(RackWindow, Rfc8985_S6_2_GrowsWithReportsUpToARoundTripAndIsForgotten) {
  RttEstimator rtt;
  rtt.Sample(kRtt, Time{});
  Rack rack;
  EXPECT_EQ(rack.ReorderingWindow(rtt, false), kRtt / 4);
  EXPECT_EQ(rack.ReorderingWindow(rtt, true), Duration::zero());
  SeqNum una(1000);
  const auto report = [&] {
    rack.OnDsack(una, una + 500);
    una += 500;
  };
  report();
  EXPECT_EQ(rack.ReorderingWindow(rtt, false), kRtt / 2);
  rack.OnDsack(una - 1, una + 500);  // the same round
  EXPECT_EQ(rack.ReorderingWindow(rtt, false), kRtt / 2);
  for (int i = 0; i < 1000; ++i) report();
  EXPECT_EQ(rack.ReorderingWindow(rtt, false), kRtt);
  for (int i = 0; i < 15; ++i) rack.OnRecoveryEnd();
  EXPECT_EQ(rack.ReorderingWindow(rtt, false), kRtt);
  rack.OnRecoveryEnd();
  EXPECT_EQ(rack.ReorderingWindow(rtt, false), kRtt / 4);
}

// Step 1: a path that has become longer is not measured by what it was once.
TEST(RackWindow, Rfc8985_S6_2_TheLeastRoundTripIsOfTheLastMinutes) {
  using std::chrono::seconds;
  RttEstimator rtt;
  Time now = Time{} + seconds(10000);
  rtt.Sample(milliseconds(10), now);
  for (int i = 0; i < 149; ++i) rtt.Sample(milliseconds(80), now += seconds(1));
  EXPECT_EQ(rtt.min_rtt(), milliseconds(10));
  for (int i = 0; i < 149; ++i) rtt.Sample(milliseconds(80), now += seconds(1));
  EXPECT_EQ(rtt.min_rtt(), milliseconds(10));
  for (int i = 0; i < 10; ++i) rtt.Sample(milliseconds(80), now += seconds(1));
  EXPECT_EQ(rtt.min_rtt(), milliseconds(80));
  rtt.Sample(milliseconds(20), now += seconds(1));  // less counts at once
  EXPECT_EQ(rtt.min_rtt(), milliseconds(20));
  rtt.Sample(milliseconds(90), now += seconds(3600));  // nothing is known after a long silence
  EXPECT_EQ(rtt.min_rtt(), milliseconds(90));
}

// --- 7. Tail loss probes -------------------------------------------------------------------------

TEST_F(RackStory, Rfc8985_S7_3_ProbeRetransmitsTheLastSegmentAfterTwoRoundTrips) {
  Fly(4);
  Advance(milliseconds(80));
  EXPECT_TRUE(Quiet());
  Advance(milliseconds(4));
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(3))));
  EXPECT_TRUE(Quiet());
  EXPECT_EQ(Counter("TcpExt.TCPLossProbes"), 1u);
  EXPECT_EQ(Counter("TcpExt.TCPTimeouts"), 0u);
}

TEST_F(RackStory, Rfc8985_S7_3_ProbeIsOneSegmentOfASuperSegment) {
  host.ip.set_max_gso_bytes(65535);
  host.ip.Invalidate();
  ASSERT_EQ(WriteBytes(8 * kMss), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(8 * kMss).Seq(Seg(0))));
  Advance(milliseconds(84));
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(7))));
}

TEST_F(RackStory, Rfc8985_S7_3_ProbeIsNewDataWhenThereIsSome) {
  Fly(4);
  ASSERT_EQ(Write("x", /*more=*/true), Error::kOk);  // corked: unsent
  Advance(milliseconds(84));
  EXPECT_THAT(Next(), Is(Data("x").Seq(Seg(4))));
  EXPECT_EQ(Counter("Tcp.RetransSegs"), 0u);
}

TEST_F(RackStory, Rfc8985_S7_2_ALoneSegmentWaitsForADelayedAck) {
  Fly(1);
  Advance(milliseconds(200));
  EXPECT_TRUE(Quiet());
}

TEST_F(RackStory, Rfc8985_S7_3_OnlyOneProbeThenTheTimeout) {
  Fly(4);
  Advance(milliseconds(84));
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(3))));
  Advance(milliseconds(150));
  EXPECT_TRUE(Quiet());
  Advance(milliseconds(200));
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(0))));
  EXPECT_EQ(Counter("TcpExt.TCPTimeouts"), 1u);
  EXPECT_EQ(Counter("TcpExt.TCPLossProbes"), 1u);
}

TEST_F(RackStory, Rfc8985_S7_4_SackOfTheProbeStartsRecoveryOfTheTail) {
  Fly(6);
  Advance(milliseconds(84));
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(5))));
  Advance(kRtt);
  Sack(2, 5, 6);  // 2, 3 and 4 were lost as well
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(2))));
  Advance(kRtt);
  Sack(3, 5, 6);
  std::vector<Packet> rest = All();
  ASSERT_GE(rest.size(), 1u);
  EXPECT_EQ(Counter("TcpExt.TCPTimeouts"), 0u);
}

TEST_F(RackStory, Rfc8985_S7_4_2_ALossThatTheProbeRepairedReducesTheWindow) {
  Fly(4);
  const uint32_t before = socket->Info().congestion_window;
  Advance(milliseconds(84));
  Next();
  Advance(kRtt);
  Send(Ack(Seg(4)).Seq(1));
  Fly(1);
  Send(Ack(Seg(5)).Seq(1));
  EXPECT_EQ(Counter("TcpExt.TCPLossProbeRecovery"), 1u);
  EXPECT_LT(socket->Info().congestion_window, before);
}

TEST_F(RackStory, Rfc8985_S7_4_2_ANeedlessProbeCostsNothing) {
  Fly(4);
  const uint32_t before = socket->Info().congestion_window;
  Advance(milliseconds(84));
  Next();
  Send(Ack(Seg(4)).Seq(1));
  Send(Ack(Seg(4)).Seq(1).Sack({{Seg(3), Seg(4)}}));
  Fly(1);
  Send(Ack(Seg(5)).Seq(1));
  EXPECT_EQ(Counter("TcpExt.TCPLossProbeRecovery"), 0u);
  EXPECT_GE(socket->Info().congestion_window, before);
}

TEST_F(RackStory, TcpEarlyRetrans0_SendsNoProbe) {
  host.Sysctl("ipv4.tcp_early_retrans", "0");
  Fly(4);
  Advance(milliseconds(150));
  EXPECT_TRUE(Quiet());
}

TEST_F(RackStory, Rfc8985_S8_AnAckPutsTheTimeoutInTheProbesPlace) {
  Fly(4);
  Advance(kRtt);
  Sack(0, 3, 4);
  Advance(milliseconds(12));
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(0))));
  All();
  Advance(milliseconds(400));
  EXPECT_EQ(Counter("TcpExt.TCPTimeouts"), 1u);
}

TEST_F(RackStory, Rfc8985_S7_2_TheProbeIsNotLaterThanTheTimeout) {
  // A steady round trip of 900 ms: the timeout is near, two round trips are far.
  socket->Abort();
  (void)All();
  socket = host.tcp->NewSocket(host.address.family());
  Connect();
  Advance(milliseconds(900));
  Send(SynAck().Mss(1460).SackOk().Seq(0).Ack(1));
  Next();
  for (uint32_t n = 1; n < 40; ++n) {
    Fly(1);
    Advance(milliseconds(900));
    Send(Ack(Seg(n)).Seq(1));
  }
  Fly(4);
  Advance(milliseconds(1500));
  const std::vector<Packet> sent = All();
  ASSERT_GE(sent.size(), 1u);
  EXPECT_THAT(sent[0], Is(Packet().Size(kMss).Seq(Seg(42))));  // the last one
  EXPECT_EQ(Counter("TcpExt.TCPLossProbes"), 1u);
}

TEST_F(RackStory, Rfc7323_S3_2_TimestampsThatWereNotAgreedOnAreIgnored) {
  Send(Data("abc").Seq(1).Ack(1).Ts(1000, 9));
  EXPECT_EQ(Read(), "abc");
  Send(Data("def").Seq(4).Ack(1).Ts(1, 9));  // older, which would matter
  EXPECT_EQ(Read(), "def");
  Send(Data("ghi").Seq(7).Ack(1));
  EXPECT_EQ(Read(), "ghi");
  Advance(milliseconds(300));
  for (const Packet& packet : All()) EXPECT_FALSE(packet.timestamps.has_value());
}

// --- Super-segments ------------------------------------------------------------------------------

TEST_F(RackStory, ALossWithinASuperSegmentIsOneSegment) {
  host.ip.set_max_gso_bytes(65535);
  host.ip.Invalidate();
  ASSERT_EQ(WriteBytes(10 * kMss), Error::kOk);
  EXPECT_THAT(Next(), Is(Packet().Size(10 * kMss).Seq(Seg(0)).Gso(kMss)));
  Advance(kRtt);
  Send(Ack(Seg(3)).Seq(1));
  Sack(3, 4, 10);
  EXPECT_THAT(Next(), Is(Packet().Size(kMss).Seq(Seg(3))));
  EXPECT_TRUE(Quiet());
  EXPECT_EQ(Counter("Tcp.RetransSegs"), 1u);
  EXPECT_EQ(socket->Info().lost, 1u);
}

TEST_F(RackStory, SeveralLossesWithinASuperSegmentAreTheirSegments) {
  host.ip.set_max_gso_bytes(65535);
  host.ip.Invalidate();
  ASSERT_EQ(WriteBytes(10 * kMss), Error::kOk);
  All();
  Advance(kRtt);
  Send(Ack(Seg(1)).Seq(1).Sack({{Seg(8), Seg(10)}, {Seg(5), Seg(6)}, {Seg(2), Seg(4)}}));
  for (int i = 0; i < 4; ++i) {
    Advance(kRtt);
    Send(Ack(Seg(1)).Seq(1).Sack({{Seg(8), Seg(10)}, {Seg(5), Seg(6)}, {Seg(2), Seg(4)}}));
  }
  uint32_t octets = 0;
  for (const Packet& packet : All()) octets += static_cast<uint32_t>(packet.data->size());
  EXPECT_EQ(Counter("TcpExt.TCPTimeouts"), 0u);
  EXPECT_LE(octets, 4 * kMss);  // 1, 4, 6, 7
  EXPECT_EQ(octets % kMss, 0u);
}

// --- RFC 2883: the receiver's reports ------------------------------------------------------------

TEST_F(RackStory, Rfc2883_S4_1_1_DuplicateBelowTheAckIsTheFirstBlock) {
  Send(Data("abcd").Seq(1).Ack(1));
  Send(Data("hi").Seq(8).Ack(1));
  All();
  Send(Data("ab").Seq(1).Ack(1));
  EXPECT_THAT(Next(), Is(Ack(5).Sack({{1, 3}, {8, 10}})));
}

TEST_F(RackStory, Rfc2883_S4_2_PartOfASegmentIsReportedExactly) {
  Send(Data("abcd").Seq(1).Ack(1));
  All();
  Send(Data("cdef").Seq(3).Ack(1));
  EXPECT_THAT(Next(), Is(Ack(7).Sack({{3, 5}})));
  EXPECT_EQ(Read(), "abcdef");
}

TEST_F(RackStory, Rfc2883_S4_2_3_PartOfAnOutOfOrderSegmentIsReportedExactly) {
  Send(Data("ef").Seq(5).Ack(1));
  All();
  Send(Data("efgh").Seq(5).Ack(1));
  EXPECT_THAT(Next(), Is(Ack(1).Sack({{5, 7}, {5, 9}})));
}

TEST_F(RackStory, Rfc2883_S5_AReportOfWhatWasNeverSentIsNone) {
  Fly(2);
  Send(Ack(Seg(2)).Seq(1).Sack({{Seg(5), Seg(6)}}));
  EXPECT_EQ(Counter("TcpExt.TCPDSACKRecv"), 0u);
}

}  // namespace
}  // namespace moat::netstack::tcp
