// Small networks whose numbers can be computed by hand, and repetition bit for bit.
#include "netstack/sim/simulation.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/match.h"
#include "netstack/sim/parser.h"
#include "netstack/sim/report.h"

namespace moat::netstack::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Ran {
  Scenario scenario;
  Report report;
  const FlowResult& flow(size_t i = 0) const { return report.flows.at(i); }
};

Ran Simulated(const std::string& text, const RunOptions& options = {}) {
  Ran run;
  absl::StatusOr<Scenario> scenario = ParseScenario("test.sim", text);
  EXPECT_TRUE(scenario.ok()) << scenario.status();
  if (!scenario.ok()) return run;
  run.scenario = *std::move(scenario);
  absl::StatusOr<Report> report = Simulate(run.scenario, options);
  EXPECT_TRUE(report.ok()) << report.status();
  if (report.ok()) run.report = *std::move(report);
  return run;
}

TEST(Simulation, PingTakesTwiceTheDelay) {
  const Ran run = Simulated("host a\nhost b\nlink a b delay 10ms\nping p a b 5 start 1s");
  EXPECT_TRUE(run.flow().complete) << run.flow().error;
  EXPECT_EQ(run.flow().messages_received, 5u);
  EXPECT_EQ(run.flow().min_rtt, milliseconds(20));
  // The first waits for address resolution.
  EXPECT_EQ(run.flow().max_rtt, milliseconds(40));
  EXPECT_EQ(run.report.time, seconds(5) + milliseconds(20));
}

TEST(Simulation, SerializationTakesItsTime) {
  // 958 + 8 + 20 + 14 = 1000 bytes at 1 Mbit/s: 8 ms each way.
  const Ran run = Simulated("host a\nhost b\nlink a b rate 1Mbit\nping p a b 3 size 958");
  EXPECT_EQ(run.flow().min_rtt, milliseconds(16));
}

class Families : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(All, Families, testing::Values("", " ipv6"));

TEST_P(Families, BulkFillsTheLink) {
  const Ran run =
      Simulated(std::string("host a\nhost b\nlink a b rate 100Mbit delay 5ms queue 200kB\n"
                            "bulk f a b 50MB cc cubic") +
                GetParam());
  EXPECT_TRUE(run.flow().complete) << run.flow().error;
  EXPECT_EQ(run.flow().bytes, 50'000'000u);
  EXPECT_GT(run.flow().goodput(), 85e6);
  EXPECT_LT(run.flow().goodput(), 100e6);
  EXPECT_GE(run.flow().min_rtt, milliseconds(10));
  EXPECT_GE(run.flow().sent_bytes, 50'000'000u);
}

TEST_P(Families, SwitchesCarryEveryKindOfFlow) {
  const std::string f = GetParam();
  const Ran run = Simulated(
      "host a\nhost b\nhost c\nswitch s\nswitch t\nlink a s delay 1ms\nlink s t delay 1ms\n"
      "link t b delay 1ms\nlink c t delay 1ms\n"
      "bulk f a b 1MB" + f + "\nrequests r c a 20 request 100 response 5000" + f +
      "\nudp u b c 1Mbit size 500 for 2s" + f + "\nping p c a 3" + f);
  for (size_t i = 0; i < 4; ++i) EXPECT_TRUE(run.flow(i).complete) << i << run.flow(i).error;
  EXPECT_EQ(run.flow(1).messages_received, 20u);
  EXPECT_EQ(run.flow(1).bytes, 20u * 5100);
  EXPECT_EQ(run.flow(2).messages_received, 500u);
  EXPECT_EQ(run.flow(3).min_rtt, milliseconds(6));
  // Once it has learned, a switch does not flood: c sees nothing of the bulk transfer.
  EXPECT_LT(run.report.links[3].back.delivered_bytes, 600'000u);
}

TEST_P(Families, RoutersJoinSegments) {
  const Ran run = Simulated(std::string(
      "host a\nhost b\nhost c\nrouter r\nrouter s\nswitch w\n"
      "link a r delay 1ms\nlink r w delay 1ms\nlink w s delay 1ms\nlink s b delay 1ms\n"
      "link c w delay 1ms\n") +
      "ping far a b 3" + GetParam() + "\nping near c a 3" + GetParam() + "\nbulk f b a 1MB" +
      GetParam());
  for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(run.flow(i).complete) << i << run.flow(i).error;
  EXPECT_EQ(run.flow(0).messages_received, 3u);
  EXPECT_EQ(run.flow(0).min_rtt, milliseconds(8));
  // c has two routers to choose from, and r is the one for a.
  EXPECT_EQ(run.flow(1).min_rtt, milliseconds(6));
}

// The MSS options agree on 9000, and only a router in between knows better.
TEST_P(Families, PathMtuDiscoveryFindsTheSmallLink) {
  const Ran run = Simulated(std::string(
      "limit 2min\nhost a\nhost b\nrouter r\nrouter s\nlink a r mtu 9000 delay 2ms rate 100Mbit\n"
      "link r s mtu 1400 delay 2ms rate 50Mbit\nlink s b mtu 9000 delay 2ms rate 100Mbit\n"
      "bulk f a b 5MB") + GetParam());
  EXPECT_TRUE(run.flow().complete) << run.flow().error;
  EXPECT_GT(run.flow().goodput(), 10e6);
}

TEST_P(Families, AWayBackThatIsAnotherOne) {
  const Ran run = Simulated(std::string(
      "host a\nhost b\nrouter r\nrouter s\nrouter t\nlink a r delay 1ms\nlink r b delay 1ms\n"
      "link a s delay 5ms\nlink s t delay 5ms\nlink t b delay 5ms\nping p a b 2") + GetParam());
  EXPECT_EQ(run.flow().messages_received, 2u);
  EXPECT_EQ(run.flow().min_rtt, milliseconds(4));
}

TEST(Simulation, RepeatsBitForBitAndOtherSeedsDiffer) {
  const std::string text =
      "seed 5\nhost a\nhost b\nhost c offload\nswitch s\nlink a s rate 20Mbit delay 5ms loss 2% "
      "jitter 2ms reorder 1% duplicate 1% corrupt 1%\nlink s b rate 10Mbit queue-packets 20\n"
      "link c s\nbulk f a b 2MB\nbulk g c b 2MB ipv6\nudp u a c 200kbit for 3s\nping p b a 3\n"
      "at 1s down a-s\nat 1.5s up a-s\n";
  const Ran first = Simulated(text);
  const Ran again = Simulated(text);
  RunOptions other;
  other.seed = 6;
  const Ran differs = Simulated(text, other);
  EXPECT_TRUE(first.report.complete()) << ReportTable(first.scenario, first.report);
  EXPECT_EQ(ReportJson(first.scenario, first.report), ReportJson(again.scenario, again.report));
  EXPECT_EQ(first.report.digest, again.report.digest);
  EXPECT_NE(first.report.digest, differs.report.digest);
}

TEST(Simulation, EveryFaultIsCounted) {
  const Ran run = Simulated(
      "host a\nhost b\nlink a b forth loss 10% corrupt 5% duplicate 5% reorder 5%\n"
      "udp u a b 1Mbit size 125 for 10s");
  const ChannelCounters& c = run.report.links[0].forth;
  EXPECT_NEAR(static_cast<double>(c.lost), 1000, 120);
  EXPECT_NEAR(static_cast<double>(c.corrupted), 450, 90);
  EXPECT_NEAR(static_cast<double>(c.duplicated), 450, 90);
  EXPECT_NEAR(static_cast<double>(c.reordered), 450, 90);
  EXPECT_EQ(c.delivered, c.offered - c.lost + c.duplicated);
  const FlowResult& u = run.flow();
  EXPECT_TRUE(u.complete);
  EXPECT_EQ(u.messages_sent, 10'000u);
  // No checksum lets a turned bit pass. A few bits turn what is not covered (the IPv6 flow label,
  // say).
  EXPECT_NEAR(static_cast<double>(u.messages_received), 10'000.0 - 1000 - 450, 200);
  EXPECT_GT(u.duplicates, 300u);
  EXPECT_GT(u.reordered, 300u);
  EXPECT_EQ(run.report.links[0].back.lost, 0u);
}

TEST(Simulation, QueuesDropTheTail) {
  const Ran run = Simulated(
      "host a\nhost b\nlink a b rate 1Mbit queue-packets 10\nudp u a b 2Mbit size 1000 for 4s");
  const ChannelCounters& c = run.report.links[0].forth;
  EXPECT_GT(c.queue_full, 400u);
  EXPECT_LE(c.longest_queue_bytes, 10u * 1042);
  EXPECT_NEAR(run.flow().goodput(), 1e6 * 1000 / 1042, 2e4);
}

// 10 Mbit/s and 40 ms are 50 kB. The queue holds 100 kB, and marks from 30 kB on.
std::string Marking(const std::string& tcp_ecn, const std::string& flow) {
  return "host a\nhost b\nlink a b rate 10Mbit delay 20ms queue 100kB ecn 30kB\n"
         "sysctl all ipv4.tcp_ecn " + tcp_ecn + "\nbulk f a b 20MB " + flow;
}

class Marks : public testing::TestWithParam<std::tuple<const char*, const char*, const char*>> {};
INSTANTIATE_TEST_SUITE_P(All, Marks,
                         testing::Combine(testing::Values("1", "3"),
                                          testing::Values("cubic", "reno"),
                                          testing::Values("", " ipv6")));

// RFC 3168 and RFC 9768: the link stays full, and nothing is lost.
TEST_P(Marks, ReplaceLosses) {
  const auto [tcp_ecn, cc, family] = GetParam();
  const Ran run = Simulated(Marking(tcp_ecn, std::string("cc ") + cc + family));
  const ChannelCounters& c = run.report.links[0].forth;
  EXPECT_TRUE(run.flow().complete) << run.flow().error;
  EXPECT_GT(run.flow().goodput(), 9e6) << ReportTable(run.scenario, run.report);
  EXPECT_EQ(run.flow().retransmits, 0u);
  EXPECT_EQ(c.queue_full, 0u);
  EXPECT_GT(c.marked, 20u);
  EXPECT_LT(c.longest_queue_bytes, 100'000u);
}

TEST(Simulation, WithoutEcnNothingIsMarkedAndTheQueueOverflows) {
  const Ran run = Simulated(Marking("0", "cc cubic"));
  EXPECT_TRUE(run.flow().complete);
  EXPECT_EQ(run.report.links[0].forth.marked, 0u);
  EXPECT_GT(run.report.links[0].forth.queue_full, 0u);
  EXPECT_GT(run.flow().retransmits, 0u);
}

// Super-segments are cut and marked one by one. With text both ways every ACE field is looked at.
TEST(Simulation, MarksReachSendersThatOffload) {
  const Ran run = Simulated(
      "host a offload\nhost b offload\nlink a b rate 100Mbit delay 5ms queue 400kB ecn 100kB\n"
      "sysctl all ipv4.tcp_ecn 3\nbulk f a b 20MB cc cubic\nbulk g b a 20MB cc cubic");
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_TRUE(run.flow(i).complete) << run.flow(i).error;
    EXPECT_EQ(run.flow(i).retransmits, 0u);
    EXPECT_GT(run.flow(i).goodput(), 40e6);  // ACKs in the queues of text cost both
  }
  EXPECT_GT(run.report.links[0].forth.marked, 0u);
  EXPECT_GT(run.report.links[0].back.marked, 0u);
}

TEST(Simulation, ALinkThatIsDownCarriesNothing) {
  const Ran run = Simulated(
      "host a\nhost b\nlink a b\nudp u a b 1Mbit size 125 for 4s\n"
      "at 1s down a-b\nat 2s up a-b\nat 3s set a-b loss 100%");
  EXPECT_NEAR(static_cast<double>(run.flow().messages_received), 2000, 5);
  EXPECT_NEAR(static_cast<double>(run.report.links[0].forth.down), 1000, 5);
}

TEST(Simulation, FramesBeyondTheMtuDoNotPassASwitch) {
  // The hosts agree on the smaller MSS; a large datagram has no such luck.
  const Ran run = Simulated(
      "limit 20s\nhost a\nhost b\nswitch s\nlink a s mtu 9000\nlink s b mtu 1500\n"
      "bulk f a b 1MB\nudp u a b 80kbit size 4000 for 1s");
  EXPECT_TRUE(run.flow(0).complete) << run.flow(0).error;
  EXPECT_EQ(run.flow(1).messages_received, 0u);
  EXPECT_GT(run.report.links[1].forth.oversize, 0u);
}

TEST(Simulation, TheLimitEndsWhatHangs) {
  const Ran run = Simulated("limit 2s\nhost a\nhost b\nlink a b loss 100%\nbulk f a b 1kB");
  EXPECT_FALSE(run.report.complete());
  EXPECT_EQ(run.flow().error, "not finished in time");
  EXPECT_EQ(run.report.time, seconds(2));
}

TEST(Simulation, SysctlsAndOptionsReachTheStacks) {
  const std::string nodes = "host a\nhost b\nlink a b delay 10ms loss 3%\n";
  const Ran sack = Simulated(nodes + "bulk f a b 1MB");
  const Ran none = Simulated(nodes + "sysctl all ipv4.tcp_sack 0\nbulk f a b 1MB");
  EXPECT_NE(sack.report.digest, none.report.digest);
  // Windows of 8 KiB and round trips of 20 ms: at most 8192 * 8 / 0.02 = 3.3 Mbit/s.
  const Ran tiny = Simulated(
      "host a\nhost b\nlink a b delay 10ms\nbulk f a b 1MB receive-buffer 8KiB mss 500");
  EXPECT_LT(tiny.flow().goodput(), 3.3e6);
  EXPECT_GT(tiny.flow().goodput(), 1e6);
}

TEST(Simulation, ErrorsOfTheBuildNameTheLine) {
  const auto error = [](const char* text) {
    const absl::StatusOr<Scenario> scenario = ParseScenario("t.sim", text);
    return std::string(Simulate(*scenario, {}).status().message());
  };
  EXPECT_TRUE(
      absl::StartsWith(error("host a\nsysctl a ipv4.nothing 1"), "t.sim:2: \"ipv4.nothing\""));
  EXPECT_TRUE(
      absl::StartsWith(error("host a\nsysctl a ipv4.tcp_sack x"), "t.sim:2: \"ipv4.tcp_sack\""));
  EXPECT_TRUE(absl::StartsWith(error("host a\nhost b\nping p a b 1"), "t.sim:3: \"b\""));
  EXPECT_TRUE(absl::StartsWith(error("host a\nhost b\nlink a b mtu 600\nping p a b 1 ipv6"),
                               "t.sim:4: \"b\""));
}

TEST(Simulation, CapturesShowBothEnds) {
  std::map<std::string, std::vector<uint8_t>> files;
  RunOptions options;
  options.capture = [&](const LinkSpec& link) {
    return [&files, name = link.name](std::span<const uint8_t> block) {
      files[name].insert(files[name].end(), block.begin(), block.end());
    };
  };
  const std::string text = "host a\nhost b\nlink a b delay 1ms\nping p a b 2";
  const Ran with = Simulated(text, options);
  ASSERT_EQ(files.size(), 1u);
  // Two echoes and their replies, seen at two ends, 98 bytes each, and more.
  EXPECT_GT(files["a-b"].size(), 8u * 98);
  EXPECT_EQ(with.report.digest, Simulated(text).report.digest);
}

TEST(Report, HasTablesJsonAndPlots) {
  const Ran run = Simulated("host a\nhost b\nlink a b rate 10Mbit delay 5ms queue 50kB\n"
                            "bulk f a b 2MB cc reno\nping p a b 3 start 3s");
  const std::string table = ReportTable(run.scenario, run.report);
  for (const char* word : {"retrans", "reno", "a>b", "2.00MB", "a-b b>a", "3/3", "seed 1"}) {
    EXPECT_TRUE(absl::StrContains(table, word)) << word << "\n" << table;
  }
  const std::string json = ReportJson(run.scenario, run.report);
  for (const char* word : {"\"bytes\":2000000", "\"complete\":true",
                           "\"queue_full\":", "\"marked\":0", "\"digest\":"}) {
    EXPECT_TRUE(absl::StrContains(json, word)) << word << "\n" << json;
  }
  const auto plots = ReportPlots(run.scenario, run.report);
  ASSERT_EQ(plots.size(), 3u);
  for (const auto& [name, svg] : plots) {
    EXPECT_TRUE(absl::StartsWith(svg, "<svg ")) << name;
    EXPECT_TRUE(absl::EndsWith(svg, "</svg>\n")) << name;
    EXPECT_TRUE(absl::StrContains(svg, "<polyline")) << name;
    EXPECT_FALSE(absl::StrContains(svg, "nan")) << name;
  }
}

TEST(Report, PointsAreBounded) {
  const Ran run = Simulated("host a\nhost b\nlink a b rate 1Mbit delay 5ms\nbulk f a b 20MB");
  EXPECT_TRUE(run.flow().complete);
  EXPECT_GT(run.flow().points.size(), Flow::kMaxPoints / 4);
  EXPECT_LE(run.flow().points.size(), Flow::kMaxPoints);
}

}  // namespace
}  // namespace moat::netstack::sim
