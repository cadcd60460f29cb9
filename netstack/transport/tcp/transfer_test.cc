// Whole transfers between two protocols over a bad network in virtual time: all complete and are
// exact.
#include <tuple>
#include <utility>

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "netstack/transport/tcp/testing/pipe.h"

namespace moat::netstack::tcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class Transfers : public testing::TestWithParam<Family> {};

TEST_P(Transfers, CleanPath) {
  Pipe pipe({}, GetParam());
  EXPECT_EQ(Transfer(pipe, 1 << 20, 1 << 20, seconds(60)), "");
  EXPECT_EQ(pipe.a().Counter("Tcp.RetransSegs"), 0u);
  EXPECT_EQ(pipe.b().Counter("Tcp.RetransSegs"), 0u);
}

TEST_P(Transfers, SuperSegments) {
  for (const bool keep : {true, false}) {
    PipeOptions options;
    options.keep_gso = keep;
    Pipe pipe(options, GetParam());
    pipe.a().ip.set_max_gso_bytes(65535);
    pipe.b().ip.set_max_gso_bytes(65535);
    EXPECT_EQ(Transfer(pipe, 8 << 20, 1 << 20, seconds(60)), "");
    EXPECT_EQ(pipe.a().Counter("Tcp.RetransSegs"), 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(Families, Transfers, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& info) {
                           return info.param == Family::kIpv4 ? "V4" : "V6";
                         });

// loss, reordering, duplication in percent; congestion control; SACK; timestamps; super-segments.
struct BadPath {
  int loss;
  int reorder;
  int duplicate;
};
using GridPoint = std::tuple<BadPath, const char*, bool, bool, bool>;

class Grid : public testing::TestWithParam<GridPoint> {};

TEST_P(Grid, CompletesAndIsExact) {
  const auto& [path, congestion, sack, timestamps, gso] = GetParam();
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    PipeOptions options;
    options.loss = path.loss / 100.0;
    options.reorder = path.reorder / 100.0;
    options.duplicate = path.duplicate / 100.0;
    options.delay = milliseconds(10);
    options.keep_gso = false;
    options.seed = seed;
    Pipe pipe(options);
    for (Host* host : {&pipe.a(), &pipe.b()}) {
      host->Sysctl("ipv4.tcp_congestion_control", congestion);
      host->Sysctl("ipv4.tcp_sack", sack ? "1" : "0");
      host->Sysctl("ipv4.tcp_timestamps", timestamps ? "1" : "0");
      if (gso) host->ip.set_max_gso_bytes(65535);
    }
    EXPECT_EQ(Transfer(pipe, 300'000, 100'000, minutes(30)), "") << "seed " << seed;
  }
}

std::string GridName(const testing::TestParamInfo<GridPoint>& info) {
  const auto& [path, congestion, sack, timestamps, gso] = info.param;
  return absl::StrCat("L", path.loss, "R", path.reorder, "D", path.duplicate, "_", congestion,
                      sack ? "_Sack" : "", timestamps ? "_Ts" : "", gso ? "_Gso" : "");
}

INSTANTIATE_TEST_SUITE_P(
    All, Grid,
    testing::Combine(testing::Values(BadPath{1, 0, 0}, BadPath{5, 0, 0}, BadPath{20, 0, 0},
                                     BadPath{0, 20, 0}, BadPath{0, 0, 20}, BadPath{5, 10, 5}),
                     testing::Values("cubic", "reno", "westwood", "vegas", "bbr"), testing::Bool(),
                     testing::Bool(), testing::Bool()),
    GridName);

// RFC 9768 over a path that marks, loses, reorders and duplicates: transfers are exact, and the
// sender comes to the receiver's counts, or above them where lost ACKs left a doubt (3.2.2.5.2).
// Nothing is mistaken for mangling.
struct Marking {
  int mark;  // percent, as the others
  BadPath path;
};
using MarkingPoint =
    std::tuple<Marking, bool, bool, bool>;  // SACK; timestamps; super-segments kept whole

class Marks : public testing::TestWithParam<MarkingPoint> {};

TEST_P(Marks, BothEndsCountTheSame) {
  const auto& [marking, sack, timestamps, keep] = GetParam();
  PipeOptions options;
  options.mark = marking.mark / 100.0;
  options.loss = marking.path.loss / 100.0;
  options.reorder = marking.path.reorder / 100.0;
  options.duplicate = marking.path.duplicate / 100.0;
  options.delay = milliseconds(10);
  options.keep_gso = keep;
  Pipe pipe(options);
  for (Host* host : {&pipe.a(), &pipe.b()}) {
    host->Sysctl("ipv4.tcp_ecn", "3");
    host->Sysctl("ipv4.tcp_sack", sack ? "1" : "0");
    host->Sysctl("ipv4.tcp_timestamps", timestamps ? "1" : "0");
    host->ip.set_max_gso_bytes(65535);
  }
  TcpInfo client, server;
  EXPECT_EQ(Transfer(pipe, 500'000, 500'000, minutes(30), &client, &server), "");
  ASSERT_TRUE(client.accurate_ecn && server.accurate_ecn);
  for (const auto& [sender, receiver] :
       {std::pair(&client, &server), std::pair(&server, &client)}) {
    // Text stays ECN-capable, unless each of the first packets is marked (3.2.2.3).
    EXPECT_GT(receiver->received_e0_bytes + receiver->received_ce_bytes,
              marking.mark < 90 ? 400'000u : 50'000u);
    // The last of them may not have been told, and what was lost on the way leaves a doubt of eight
    // now and then.
    EXPECT_GE(sender->delivered_marked + 8, receiver->received_marked);
    EXPECT_LE(sender->delivered_marked, receiver->received_marked * 2 + 16);
    EXPECT_LE(sender->delivered_ce_bytes, receiver->received_ce_bytes);
    EXPECT_LE(sender->delivered_e0_bytes, receiver->received_e0_bytes);
    EXPECT_EQ(sender->delivered_e1_bytes, 0u);
  }
}

std::string MarkingName(const testing::TestParamInfo<MarkingPoint>& info) {
  const auto& [marking, sack, timestamps, keep] = info.param;
  return absl::StrCat("M", marking.mark, "L", marking.path.loss, "R", marking.path.reorder, "D",
                      marking.path.duplicate, sack ? "_Sack" : "", timestamps ? "_Ts" : "",
                      keep ? "_Whole" : "");
}

INSTANTIATE_TEST_SUITE_P(
    All, Marks,
    testing::Combine(testing::Values(Marking{5, {0, 0, 0}}, Marking{30, {0, 0, 0}},
                                     Marking{90, {1, 0, 0}}, Marking{10, {5, 0, 0}},
                                     Marking{10, {0, 10, 0}}, Marking{20, {2, 5, 5}}),
                     testing::Bool(), testing::Bool(), testing::Bool()),
    MarkingName);

}  // namespace
}  // namespace moat::netstack::tcp
