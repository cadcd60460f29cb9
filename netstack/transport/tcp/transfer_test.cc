// Whole transfers between two protocols over a bad network in virtual time: all complete and are exact.
#include <gtest/gtest.h>

#include "netstack/transport/tcp/testing/pipe.h"

namespace moat::netstack::tcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Transfers : public testing::TestWithParam<Family> {};

TEST_P(Transfers, CleanPath) {
  Pipe pipe({}, GetParam());
  EXPECT_EQ(Transfer(pipe, 1 << 20, 1 << 20, seconds(60)), "");
  EXPECT_EQ(pipe.a().Counter("Tcp.RetransSegs"), 0u);
  EXPECT_EQ(pipe.b().Counter("Tcp.RetransSegs"), 0u);
}

INSTANTIATE_TEST_SUITE_P(Families, Transfers, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& info) { return info.param == Family::kIpv4 ? "V4" : "V6"; });

}  // namespace
}  // namespace moat::netstack::tcp
