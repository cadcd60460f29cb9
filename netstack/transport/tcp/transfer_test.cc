// Whole transfers between two protocols over a bad network in virtual time: all complete and are exact.
#include <tuple>

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
                         [](const auto& info) { return info.param == Family::kIpv4 ? "V4" : "V6"; });

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
                     testing::Values("cubic", "reno", "westwood", "vegas", "bbr"), testing::Bool(), testing::Bool(),
                     testing::Bool()),
    GridName);

}  // namespace
}  // namespace moat::netstack::tcp
