// What the congestion controls make of a path, in virtual time, and pacing.
#include <algorithm>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "netstack/transport/tcp/testing/pipe.h"
#include "netstack/transport/tcp/testing/story.h"

namespace moat::netstack::tcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint32_t kMss = 1460;

// A sender that never pauses, from a to b, and what became of it.
struct Flow {
  explicit Flow(const PipeOptions& options, std::string_view algorithm) : pipe(options) {
    for (Host* host : {&pipe.a(), &pipe.b()}) {
      host->Sysctl("ipv4.tcp_congestion_control", algorithm);
    }
    listener = pipe.b().tcp->NewSocket(Family::kIpv4);
    Endpoint at;
    at.address = IpAddress::Any(Family::kIpv4);
    at.port = 80;
    EXPECT_EQ(listener->Bind(at), Error::kOk);
    EXPECT_EQ(listener->Listen(1), Error::kOk);
    client = pipe.a().tcp->NewSocket(Family::kIpv4);
    at.address = pipe.b().address;
    EXPECT_EQ(client->Connect(at), Error::kInProgress);
  }
  // Runs for `time`; returns octets received.
  uint64_t Run(Duration time) {
    const uint64_t before = received;
    (void)pipe.RunUntil([] { return false; }, time, [this] {
      if (server == nullptr) {
        auto accepted = listener->Accept();
        if (accepted.ok()) server = std::move(*accepted);
      }
      while (client->WriteSpace() >= kMss) {
        if (client->Write(Pattern(0, std::min<size_t>(client->WriteSpace(), 65536)), false) !=
            Error::kOk)
          break;
      }
      if (server == nullptr) return;
      received += server->ReadableBytes();
      server->Consume(server->ReadableBytes());
    });
    return received - before;
  }

  Pipe pipe;
  std::unique_ptr<TcpSocket> listener;
  std::unique_ptr<TcpSocket> client;
  std::unique_ptr<TcpSocket> server;
  uint64_t received = 0;
};

// 10 Mbit/s, a round trip of 40 ms: 34 segments.
PipeOptions Path(size_t queue, double loss = 0) {
  PipeOptions options;
  options.delay = milliseconds(20);
  options.bits_per_second = 10'000'000;
  options.queue_packets = queue;
  options.loss = loss;
  return options;
}
constexpr uint64_t kPathOctets = 10'000'000 / 8;  // a second's

class EveryAlgorithm : public testing::TestWithParam<const char*> {};

TEST_P(EveryAlgorithm, FillsACleanPath) {
  Flow flow(Path(50), GetParam());
  (void)flow.Run(seconds(5));
  EXPECT_GT(flow.Run(seconds(20)), kPathOctets * 20 * 80 / 100);
  EXPECT_EQ(flow.client->congestion_control(), GetParam());
}

TEST_P(EveryAlgorithm, SurvivesALossyPath) {
  Flow flow(Path(50, 0.05), GetParam());
  EXPECT_GT(flow.Run(seconds(20)), kPathOctets);
}

INSTANTIATE_TEST_SUITE_P(All, EveryAlgorithm,
                         testing::Values("cubic", "reno", "westwood", "vegas", "bbr"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(EveryAlgorithm, FillsAPathWithSuperSegments) {
  PipeOptions options = Path(200);
  options.keep_gso = false;
  Flow flow(options, GetParam());
  flow.pipe.a().ip.set_max_gso_bytes(65535);
  flow.pipe.a().ip.Invalidate();
  (void)flow.Run(seconds(5));
  EXPECT_GT(flow.Run(seconds(20)), kPathOctets * 20 * 80 / 100);
}

TEST(Bbr, KeepsABigQueueNearlyEmpty) {
  Flow bbr(Path(1000), "bbr");
  (void)bbr.Run(seconds(10));
  EXPECT_LT(bbr.client->Info().rtt, milliseconds(100));
  Flow cubic(Path(1000), "cubic");
  (void)cubic.Run(seconds(30));
  EXPECT_GT(cubic.client->Info().rtt, milliseconds(100));
}

TEST(Bbr, RandomLossHardlySlowsIt) {
  Flow bbr(Path(100, 0.02), "bbr");
  (void)bbr.Run(seconds(5));
  const uint64_t with_bbr = bbr.Run(seconds(20));
  EXPECT_GT(with_bbr, kPathOctets * 20 * 70 / 100);
  Flow cubic(Path(100, 0.02), "cubic");
  (void)cubic.Run(seconds(5));
  EXPECT_LT(cubic.Run(seconds(20)), with_bbr);
}

TEST(Bbr, S4_3_5_ProbesTheRoundTripEveryTenSeconds) {
  Flow flow(Path(1000), "bbr");
  uint32_t least = UINT32_MAX;
  for (int i = 0; i < 2500; ++i) {
    (void)flow.Run(milliseconds(10));
    if (i > 100) least = std::min(least, flow.client->Info().congestion_window);
  }
  EXPECT_LE(least, 4u);
}

TEST(Bbr, ReportsItsRates) {
  Flow flow(Path(100), "bbr");
  (void)flow.Run(seconds(5));
  const TcpInfo info = flow.client->Info();
  EXPECT_NEAR(static_cast<double>(info.delivery_rate), kPathOctets, kPathOctets * 0.15);
  EXPECT_LT(info.pacing_rate, 2 * kPathOctets);
  EXPECT_FALSE(info.delivery_rate_app_limited);
}

TEST(Vegas, KeepsAFewSegmentsInTheQueue) {
  Flow flow(Path(1000), "vegas");
  (void)flow.Run(seconds(20));
  EXPECT_LT(flow.client->Info().rtt, milliseconds(55));  // a segment waits 1.2 ms
}

// Whose slow start ends because round trips grow counts as HyStart++'s where it is that.
TEST_P(EveryAlgorithm, TheEndOfSlowStartCountsWhereHyStartEndsIt) {
  const std::string_view name = GetParam();
  Flow flow(Path(1000), name);
  (void)flow.Run(seconds(5));
  if (name != "bbr") {
    ASSERT_LT(flow.client->Info().send_ssthresh, 1000u);
  }
  const Host& sender = flow.pipe.a();
  const bool hystart = name != "vegas" && name != "bbr";
  EXPECT_EQ(sender.Counter("TcpExt.TCPHystartDelayDetect"), hystart ? 1u : 0u);
  EXPECT_EQ(sender.Counter("TcpExt.TCPHystartDelayCwnd") > 0, hystart);
}

TEST(Westwood, ReturnsToWhatThePathCarriesAfterALoss) {
  Flow westwood(Path(100, 0.002), "westwood");
  (void)westwood.Run(seconds(5));
  const uint64_t with_westwood = westwood.Run(seconds(30));
  Flow reno(Path(100, 0.002), "reno");
  (void)reno.Run(seconds(5));
  EXPECT_GT(with_westwood, reno.Run(seconds(30)));
}

// --- Pacing --------------------------------------------------------------------------------------

class Pacing : public Story {
 protected:
  void Limit(uint64_t rate) {
    TcpOptions options = socket->tcp_options();
    options.max_pacing_rate = rate;
    socket->SetTcpOptions(options);
  }
};

TEST_F(Pacing, MaxPacingRateSpreadsTheWindow) {
  Establish();
  Limit(146'000);  // a segment each 10 ms
  ASSERT_EQ(WriteBytes(10 * kMss), Error::kOk);
  size_t sent = All().size();
  EXPECT_LE(sent, 3u);
  for (int i = 0; i < 3; ++i) {
    Advance(milliseconds(20));
    const size_t now = All().size();
    EXPECT_GE(now, 1u);
    EXPECT_LE(now, 3u);
    sent += now;
  }
  Advance(milliseconds(100));
  sent += All().size();
  EXPECT_EQ(sent, 10u);
  EXPECT_EQ(socket->Info().pacing_rate, 146'000u);
}

TEST_F(Pacing, WithoutALimitTheWindowGoesAtOnce) {
  Establish();
  ASSERT_EQ(WriteBytes(10 * kMss), Error::kOk);
  EXPECT_EQ(All().size(), 10u);
  EXPECT_EQ(socket->Info().max_pacing_rate, ~uint64_t{0});
}

TEST_F(Pacing, LiftingTheLimitSendsWhatWaited) {
  Establish();
  Limit(1460);
  ASSERT_EQ(WriteBytes(10 * kMss), Error::kOk);
  const size_t first = All().size();
  ASSERT_LT(first, 10u);
  Limit(~uint64_t{0});
  EXPECT_EQ(first + All().size(), 10u);
}

TEST_F(Pacing, AnotherAlgorithmSendsWhatBbrHeldBack) {
  Establish();
  ASSERT_EQ(socket->SetCongestionControl("bbr"), Error::kOk);
  Limit(14'600);
  ASSERT_EQ(WriteBytes(10 * kMss), Error::kOk);
  const size_t first = All().size();
  ASSERT_LT(first, 10u);
  Limit(~uint64_t{0});
  ASSERT_EQ(socket->SetCongestionControl("cubic"), Error::kOk);
  EXPECT_EQ(first + All().size(), 10u);
  EXPECT_EQ(socket->SetCongestionControl("none"), Error::kInvalid);
}

TEST(Pacing2, TheRateHoldsOnAPath) {
  Flow flow(Path(1000), "cubic");
  TcpOptions options = flow.client->tcp_options();
  options.max_pacing_rate = kPathOctets / 4;
  flow.client->SetTcpOptions(options);
  (void)flow.Run(seconds(2));
  const auto octets = static_cast<double>(flow.Run(seconds(10)));
  EXPECT_NEAR(octets, static_cast<double>(kPathOctets) / 4 * 10,
              static_cast<double>(kPathOctets) * 0.25);
}

}  // namespace
}  // namespace moat::netstack::tcp
