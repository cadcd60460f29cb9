#include <gtest/gtest.h>

#include "netstack/base/timer.h"
#include "netstack/testing/seeded_random.h"
#include "netstack/transport/tcp/ack_policy.h"
#include "netstack/transport/tcp/congestion.h"
#include "netstack/transport/tcp/isn.h"
#include "netstack/transport/tcp/receive_buffer.h"
#include "netstack/transport/tcp/rtt.h"
#include "netstack/transport/tcp/syn_cookies.h"

namespace moat::netstack::tcp {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

AckSample Acked(uint32_t octets, Time now = {}, Duration rtt = {}) {
  AckSample sample;
  sample.now = now;
  sample.acked = octets;
  sample.rtt = rtt;
  return sample;
}

TEST(Rfc6298, S2_1_OneSecondBeforeTheFirstSample) {
  RttEstimator rtt;
  EXPECT_EQ(rtt.Rto(), seconds(1));
  rtt.SynTimedOut();
  EXPECT_EQ(rtt.Rto(), seconds(3));
}

TEST(Rfc6298, S2_2_FirstSample) {
  RttEstimator rtt;
  rtt.Sample(milliseconds(400), Time{});
  EXPECT_EQ(rtt.srtt(), milliseconds(400));
  EXPECT_EQ(rtt.variance(), milliseconds(200));
  EXPECT_EQ(rtt.Rto(), milliseconds(1200));
}

TEST(Rfc6298, S2_3_LaterSamples) {
  RttEstimator rtt;
  rtt.Sample(milliseconds(400), Time{});
  rtt.Sample(milliseconds(800), Time{});
  EXPECT_EQ(rtt.variance(), milliseconds(250));
  EXPECT_EQ(rtt.srtt(), milliseconds(450));
}

TEST(Rfc6298, S2_4_FloorAndS2_5Ceiling) {
  RttEstimator rtt;
  rtt.Sample(microseconds(50), Time{});
  EXPECT_GE(rtt.Rto(), kMinRto);
  EXPECT_LE(rtt.Rto(), kMinRto + milliseconds(1));
  EXPECT_EQ(rtt.Rto(20), kMaxRto);
}

TEST(Rfc6298, S2_5_TheCeilingIsAMinuteAtLeast) {
  EXPECT_GE(kMaxRto, seconds(60));
  EXPECT_GE(RttEstimator().Rto(100), seconds(60));  // of a back-off
  RttEstimator slow;
  slow.Sample(seconds(20), Time{});
  EXPECT_EQ(slow.Rto(), seconds(60));  // of a measure: it is not cut
}

// However steady the round trip is; and the timer's grain is what it says.
TEST(Rfc6298, S4_TheMarginIsTheTimersGrainAtLeast) {
  RttEstimator rtt;
  for (int i = 0; i < 200; ++i) rtt.Sample(milliseconds(300), Time{});
  EXPECT_LT(rtt.variance(), TimerQueue::kTick);
  EXPECT_GE(rtt.Rto() - rtt.srtt(), TimerQueue::kTick);

  TimerQueue queue(Time{});
  bool fired = false;
  Timer timer(queue, [](void* flag) { *static_cast<bool*>(flag) = true; }, &fired);
  const Time deadline = Time{} + rtt.Rto() + microseconds(300);
  timer.Arm(deadline);
  queue.RunExpired(deadline - Duration(1));
  EXPECT_FALSE(fired);
  queue.RunExpired(deadline + TimerQueue::kTick);
  EXPECT_TRUE(fired);
}

TEST(Rfc5681, S3_1_SlowStartDoublesAndStopsAtSsthresh) {
  auto reno = NewReno();
  CongestionWindow window{.mss = 1000, .cwnd = 10000, .ssthresh = 16000};
  reno->OnAck(Acked(5000), window);
  EXPECT_EQ(window.cwnd, 15000u);
  reno->OnAck(Acked(1000), window);
  EXPECT_EQ(window.cwnd, 16000u);
}

TEST(Rfc5681, S3_1_CongestionAvoidanceAddsOneSegmentPerRoundTrip) {
  auto reno = NewReno();
  CongestionWindow window{.mss = 1000, .cwnd = 10000, .ssthresh = 5000};
  for (int i = 0; i < 10; ++i) reno->OnAck(Acked(1000), window);
  EXPECT_EQ(window.cwnd, 11000u);
}

TEST(Rfc5681, S3_1_SsthreshIsHalfOfTheFlight) {
  auto reno = NewReno();
  const CongestionWindow window{.mss = 1000, .cwnd = 10000, .ssthresh = 5000};
  EXPECT_EQ(reno->OnCongestion(window, 8000), 4000u);
  EXPECT_EQ(reno->OnCongestion(window, 1000), 2000u);
}

// Runs CUBIC for `time` at a constant round trip; returns cwnd in segments.
uint32_t Cubic(CongestionControl& cubic, CongestionWindow& window, Time& now, Duration rtt,
               Duration time) {
  for (const Time end = now + time; now < end; now += rtt) {
    cubic.OnAck(Acked(window.cwnd, now, rtt), window);
  }
  return window.cwnd / window.mss;
}

TEST(Rfc9438, S4_6_ReducesBySevenTenths) {
  auto cubic = NewCubic();
  const CongestionWindow window{.mss = 1000, .cwnd = 100000};
  EXPECT_EQ(cubic->OnCongestion(window, 100000), 70000u);
}

TEST(Rfc9438, S4_2_ReturnsToWmaxAfterKAndPlateausThere) {
  auto cubic = NewCubic();
  CongestionWindow window{.mss = 1000, .cwnd = 1000000};
  window.ssthresh = window.cwnd = cubic->OnCongestion(window, 1000000);
  Time now = kTimeZero + seconds(1);
  // K = cbrt(300 / 0.4) = 9.1 s. Reno's line (4.3) is far below at 100 ms.
  const uint32_t middle = Cubic(*cubic, window, now, milliseconds(100), seconds(5));
  EXPECT_GT(middle, 900u);
  EXPECT_LT(middle, 1000u);
  const uint32_t plateau = Cubic(*cubic, window, now, milliseconds(100), seconds(4));
  EXPECT_NEAR(plateau, 1000, 10);
  EXPECT_GT(Cubic(*cubic, window, now, milliseconds(100), seconds(9)), 1200u);
}

TEST(Rfc9438, S4_3_IsNotSlowerThanRenoOnShortPaths) {
  auto cubic = NewCubic();
  CongestionWindow window{.mss = 1000, .cwnd = 20000};
  window.ssthresh = window.cwnd = cubic->OnCongestion(window, 20000);
  Time now = kTimeZero + seconds(1);
  // 1000 round trips of 1 ms: alpha 0.53 until the old maximum, 1 after.
  EXPECT_GT(Cubic(*cubic, window, now, milliseconds(1), seconds(1)), 500u);
}

TEST(Rfc9438, S4_6_TheThresholdIsNotBelowTwoSegments) {
  auto cubic = NewCubic();
  const CongestionWindow window{.mss = 1000, .cwnd = 2000};
  EXPECT_EQ(cubic->OnCongestion(window, 2000), 2000u);
}

TEST(Rfc9438, S4_9_1_AnUndoneReductionLeavesTheCurveAsItWas) {
  auto once = NewCubic(), twice = NewCubic();
  CongestionWindow window{.mss = 1000, .cwnd = 1000000};
  for (auto* cubic : {&once, &twice}) {
    window.ssthresh = window.cwnd = (*cubic)->OnCongestion({.mss = 1000, .cwnd = 1000000}, 1000000);
  }
  CongestionWindow other = window;
  Time now = kTimeZero + seconds(1), other_now = now;
  (void)Cubic(*once, window, now, milliseconds(100), seconds(4));
  (void)Cubic(*twice, other, other_now, milliseconds(100), seconds(4));
  (void)twice->OnCongestion(other, 500000);
  twice->OnUndo();
  (void)Cubic(*once, window, now, milliseconds(100), seconds(5));
  (void)Cubic(*twice, other, other_now, milliseconds(100), seconds(5));
  EXPECT_EQ(window.cwnd, other.cwnd);
}

TEST(Rfc9438, S5_8_TimeWithoutSendingIsNoTimeOfGrowth) {
  auto cubic = NewCubic();
  CongestionWindow window{.mss = 1000, .cwnd = 1000000};
  window.ssthresh = window.cwnd = cubic->OnCongestion(window, 1000000);
  Time now = kTimeZero + seconds(1);
  const uint32_t before = Cubic(*cubic, window, now, milliseconds(100), seconds(9));
  now += seconds(100);
  cubic->OnIdleEnd(seconds(100));
  EXPECT_NEAR(Cubic(*cubic, window, now, milliseconds(100), seconds(1)), before, before / 100.0);
}

TEST(Rfc9438, S4_7_FastConvergence) {
  auto cubic = NewCubic();
  CongestionWindow window{.mss = 1000, .cwnd = 100000};
  window.cwnd = cubic->OnCongestion(window, 100000);
  window.ssthresh = window.cwnd = cubic->OnCongestion(window, 70000);
  Time now = kTimeZero + seconds(1);
  // W_max is 70 * 0.85 = 59.5 now, not 70: the plateau is there.
  EXPECT_NEAR(Cubic(*cubic, window, now, milliseconds(400), milliseconds(2400)), 57, 3);
}

TEST(AckPolicy, ConversationDelaysAndQuickAckDoesNot) {
  AckPolicy policy;
  policy.Init(1460);
  Time now = kTimeZero + seconds(1);
  using Verdict = AckPolicy::Verdict;
  EXPECT_EQ(policy.OnText(100, false, 100, milliseconds(200), now), Verdict::kAtFlush);
  policy.OnAckSent();
  policy.OnDataSent(now + milliseconds(1));
  now += milliseconds(2);
  EXPECT_EQ(policy.OnText(100, false, 100, milliseconds(200), now), Verdict::kDelayed);
  EXPECT_EQ(policy.OnText(1460, false, 1560, milliseconds(200), now), Verdict::kNow);
  EXPECT_EQ(policy.OnText(1460, true, 14600, milliseconds(200), now), Verdict::kAtFlush);
}

TEST(ReceiveBuffer, ShiftIsTheSmallestThatFits) {
  EXPECT_EQ(ReceiveBuffer::ShiftFor(65535), 0);
  EXPECT_EQ(ReceiveBuffer::ShiftFor(65536), 1);
  EXPECT_EQ(ReceiveBuffer::ShiftFor(6 << 20), 7);
  EXPECT_EQ(ReceiveBuffer::ShiftFor(1 << 30), 14);
}

TEST(ReceiveBuffer, GrowsOnlyWithWhatIsRead) {
  ReceiveBuffer buffer;
  buffer.Init(65536, 6 << 20, true);
  Time now = kTimeZero + seconds(1);
  buffer.Start(SeqNum(0), now);
  now += milliseconds(100);
  buffer.OnConsumed(SeqNum(1000), 1460, milliseconds(100), now);
  EXPECT_EQ(buffer.size(), 65536u);
  now += milliseconds(100);
  buffer.OnConsumed(SeqNum(61000), 1460, milliseconds(100), now);
  EXPECT_GT(buffer.size(), 120000u);
  buffer.Fix(10000);
  EXPECT_EQ(buffer.size(), 10000u);
}

FlowKey SomeFlow(uint16_t port) {
  FlowKey key;
  key.local = IpAddress::V4(192, 0, 2, 1);
  key.remote = IpAddress::V4(192, 0, 2, 2);
  key.local_port = 80;
  key.remote_port = port;
  return key;
}

TEST(Rfc6528, IsnGrowsByTheClockAndDiffersByFlow) {
  SeededRandom random(1);
  const IsnGenerator isn(random);
  const Time now = kTimeZero + seconds(10);
  EXPECT_EQ(isn.Isn(SomeFlow(1), now + milliseconds(4)) - isn.Isn(SomeFlow(1), now), 1000u);
  EXPECT_NE(isn.Isn(SomeFlow(1), now), isn.Isn(SomeFlow(2), now));
  SeededRandom other_random(2);
  const IsnGenerator other(other_random);
  EXPECT_NE(isn.Isn(SomeFlow(1), now), other.Isn(SomeFlow(1), now));
  EXPECT_EQ(isn.TimestampOffset(SomeFlow(1)), isn.TimestampOffset(SomeFlow(2)));
}

TEST(Rfc4987, S3_6_CookieHoldsTheMssAndExpires) {
  SeededRandom random(1);
  const SynCookies cookies(random);
  const Time now = kTimeZero + seconds(1000);
  for (uint16_t wanted : {100, 536, 1300, 1460, 9000}) {
    uint16_t mss = wanted;
    const SeqNum cookie = cookies.Make(SomeFlow(1), SeqNum(5), &mss, now);
    EXPECT_EQ(cookies.Check(SomeFlow(1), SeqNum(5), cookie, now + seconds(60)), mss);
    EXPECT_EQ(cookies.Check(SomeFlow(1), SeqNum(6), cookie, now), std::nullopt);
    EXPECT_EQ(cookies.Check(SomeFlow(2), SeqNum(5), cookie, now), std::nullopt);
    EXPECT_EQ(cookies.Check(SomeFlow(1), SeqNum(5), cookie + 1, now), std::nullopt);
    EXPECT_EQ(cookies.Check(SomeFlow(1), SeqNum(5), cookie, now + seconds(200)), std::nullopt);
  }
}

TEST(Rfc4987, OptionsSurviveInTheTimestamp) {
  for (int scale = -1; scale <= 14; ++scale) {
    for (const bool sack : {false, true}) {
      TcpOptionSet in;
      in.has_window_scale = scale >= 0;
      in.window_scale = static_cast<uint8_t>(std::max(scale, 0));
      in.sack_permitted = sack;
      const uint32_t value = SynCookies::EncodeOptions(in, scale % 2 != 0, 123456);
      EXPECT_LE(value, 123456u);
      EXPECT_GT(value, 123456u - 64);
      TcpOptionSet out;
      EXPECT_EQ(SynCookies::DecodeOptions(value, &out), scale % 2 != 0);
      EXPECT_EQ(out.has_window_scale, in.has_window_scale);
      EXPECT_EQ(out.window_scale, in.window_scale);
      EXPECT_EQ(out.sack_permitted, sack);
    }
  }
}

}  // namespace
}  // namespace moat::netstack::tcp
