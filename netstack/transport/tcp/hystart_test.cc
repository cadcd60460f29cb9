// HyStart++ (RFC 9406).
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "netstack/transport/tcp/congestion.h"
#include "netstack/transport/tcp/hystart.h"

namespace moat::netstack::tcp {
namespace {

using std::chrono::milliseconds;

constexpr uint32_t kMss = 1000;

// Where HyStart++ begins a round lies an ACK beside where Round() does, so what is to be seen takes
// two. A slow start whose every round trip is one window, acknowledged by `acks` ACKs.
struct Path {
  // By HyStart++ alone, or by `algorithm`, which has it inside.
  explicit Path(CongestionControl* algorithm = nullptr) : algorithm(algorithm) {}
  // What recovery makes of a loss or a mark; and, when `timeout`, of a timeout.
  void Lose(bool timeout = false) {
    window.ssthresh = algorithm->OnCongestion(window, window.cwnd);
    window.cwnd = timeout ? window.mss : window.ssthresh;
    if (timeout) algorithm->OnTimeout();
    una = nxt;
    nxt = una + window.cwnd;
  }
  // Returns the growth of cwnd over the round, divided by what it acknowledged, in percent.
  uint32_t Round(Duration rtt, uint32_t acks = 10) {
    const uint32_t before = window.cwnd;
    const SeqNum end = nxt;
    const uint32_t octets = end - una;
    for (uint32_t i = 1; i <= acks; ++i) {
      AckSample sample;
      sample.acked = octets / acks;
      sample.latest_rtt = rtt;
      una = i == acks ? end : una + sample.acked;
      sample.una = una;
      sample.nxt = nxt;
      sample.now = now += rtt / acks;
      sample.rtt = rtt;
      if (algorithm != nullptr) {
        algorithm->OnAck(sample, window);
      } else {
        (void)hystart.Grow(sample, window);
      }
      nxt = una + window.cwnd;
    }
    return (window.cwnd - before) * 100 / octets;
  }
  CongestionControl* algorithm;
  HyStart hystart;
  Time now{};
  CongestionWindow window{.mss = kMss, .cwnd = 10 * kMss};
  SeqNum una{5};
  SeqNum nxt{5 + 10 * kMss};
};

TEST(Rfc9406, S4_2_SteadyRoundTripsStayInSlowStart) {
  Path path;
  for (int i = 0; i < 8; ++i) EXPECT_EQ(path.Round(milliseconds(40)), 100u);
  EXPECT_FALSE(path.hystart.in_css());
}

TEST(Rfc9406, S4_2_AGrownRoundTripBeginsConservativeSlowStart) {
  Path path;
  for (int i = 0; i < 3; ++i) path.Round(milliseconds(40));
  for (int i = 0; i < 2; ++i) path.Round(milliseconds(46));  // 40 / 8 is 5 more
  EXPECT_TRUE(path.hystart.in_css());
  const uint32_t growth = path.Round(milliseconds(46));
  EXPECT_GE(growth, 24u);
  EXPECT_LE(growth, 26u);
}

TEST(Rfc9406, S4_2_LessThanTheThresholdIsNoGrowth) {
  Path path;
  for (int i = 0; i < 3; ++i) path.Round(milliseconds(40));
  for (int i = 0; i < 2; ++i) path.Round(milliseconds(44));
  EXPECT_FALSE(path.hystart.in_css());
}

TEST(Rfc9406, S4_3_TheThresholdIsAtLeastFourMilliseconds) {
  Path path;
  for (int i = 0; i < 3; ++i) path.Round(milliseconds(1));
  for (int i = 0; i < 2; ++i) path.Round(milliseconds(4));
  EXPECT_FALSE(path.hystart.in_css());
  for (int i = 0; i < 2; ++i) path.Round(milliseconds(9));
  EXPECT_TRUE(path.hystart.in_css());
}

TEST(Rfc9406, S4_3_TheThresholdIsAtMostSixteenMilliseconds) {
  Path path;
  for (int i = 0; i < 3; ++i) path.Round(milliseconds(400));
  for (int i = 0; i < 2; ++i) path.Round(milliseconds(417));
  EXPECT_TRUE(path.hystart.in_css());
}

TEST(Rfc9406, S4_2_FewerThanEightSamplesSayNothing) {
  Path path;
  for (int i = 0; i < 3; ++i) path.Round(milliseconds(40), 7);
  path.Round(milliseconds(80), 7);
  EXPECT_FALSE(path.hystart.in_css());
}

TEST(Rfc9406, S4_2_FiveRoundsOfItEndSlowStart) {
  Path path;
  for (int i = 0; i < 3; ++i) path.Round(milliseconds(40));
  path.Round(milliseconds(50));
  int rounds = 0;
  while (path.window.ssthresh == kInfiniteSsthresh && rounds < 20) {
    path.Round(milliseconds(50));
    ++rounds;
  }
  EXPECT_GE(rounds, 4);
  EXPECT_LE(rounds, 5);
  EXPECT_EQ(path.window.ssthresh, path.window.cwnd);
}

TEST(Rfc9406, S4_2_AShorterRoundTripGoesBackToSlowStart) {
  Path path;
  for (int i = 0; i < 3; ++i) path.Round(milliseconds(40));
  for (int i = 0; i < 2; ++i) path.Round(milliseconds(50));
  ASSERT_TRUE(path.hystart.in_css());
  for (int i = 0; i < 2; ++i) path.Round(milliseconds(41));
  EXPECT_FALSE(path.hystart.in_css());
  EXPECT_EQ(path.Round(milliseconds(41)), 100u);
}

TEST(Rfc9406, S4_3_OnlyTheFirstSlowStart) {
  Path path;
  path.window.ssthresh = 1000 * kMss;
  for (int i = 0; i < 3; ++i) path.Round(milliseconds(40));
  for (int i = 0; i < 2; ++i) path.Round(milliseconds(80));
  EXPECT_FALSE(path.hystart.in_css());
}

// In slow start and in the conservative one: a loss or a mark is the end of both, and the slow
// start after a later timeout has nothing of it.
TEST(Rfc9406, S4_2_TheFirstLossEndsItForGood) {
  for (const char* name : {"reno", "cubic"}) {
    for (const bool conservative : {false, true}) {
      SCOPED_TRACE(std::string(name) + (conservative ? ", conservative" : ""));
      const std::unique_ptr<CongestionControl> algorithm = NewCongestionControl(name);
      Path path(algorithm.get());
      for (int i = 0; i < 3; ++i) EXPECT_EQ(path.Round(milliseconds(40)), 100u);
      if (conservative) {
        for (int i = 0; i < 2; ++i) path.Round(milliseconds(50));
        const uint32_t growth = path.Round(milliseconds(50));
        EXPECT_GE(growth, 24u);
        EXPECT_LE(growth, 26u);
      }
      path.Lose();
      EXPECT_FALSE(path.window.InSlowStart());
      for (int i = 0; i < 6; ++i) EXPECT_LT(path.Round(milliseconds(50 + 30 * i)), 10u);
      path.Lose(true);
      uint32_t rounds = 0;
      while (2 * path.window.cwnd <= path.window.ssthresh) {
        EXPECT_EQ(path.Round(milliseconds(50 + 40 * rounds)), 100u) << rounds;
        ++rounds;
      }
      EXPECT_GE(rounds, 4u);
    }
  }
}

}  // namespace
}  // namespace moat::netstack::tcp
