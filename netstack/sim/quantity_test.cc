#include "netstack/sim/quantity.h"

#include <gtest/gtest.h>

namespace moat::netstack::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

TEST(ParseQuantity, TakesUnitsOfTheKind) {
  EXPECT_EQ(ParseQuantity("12", Unit::kCount), 12u);
  EXPECT_EQ(ParseQuantity("2k", Unit::kCount), 2000u);
  EXPECT_EQ(ParseQuantity("1500", Unit::kBytes), 1500u);
  EXPECT_EQ(ParseQuantity("1.5kB", Unit::kBytes), 1500u);
  EXPECT_EQ(ParseQuantity("64KiB", Unit::kBytes), 65536u);
  EXPECT_EQ(ParseQuantity("0.5GiB", Unit::kBytes), 1u << 29);
  EXPECT_EQ(ParseQuantity("2.5Gbit", Unit::kRate), 2'500'000'000u);
  EXPECT_EQ(ParseQuantity("1.25ms", Unit::kDuration), 1'250'000u);
  EXPECT_EQ(ParseQuantity("2min", Unit::kDuration), 120'000'000'000u);
  EXPECT_EQ(ParseQuantity("0", Unit::kDuration), 0u);
  EXPECT_EQ(ParseQuantity("0.0001%", Unit::kShare), 1u);
  EXPECT_EQ(ParseQuantity("100%", Unit::kShare), 1'000'000u);
}

TEST(ParseQuantity, RefusesWhatIsNoQuantity) {
  for (const char* bad : {"", "ms", ".5ms", "5.ms", "1..5ms", "-1ms", "1 ms", "5", "1e3ms", "5MS",
                          "0.1ns", "99999999999h", "1000000000000000000000ms"}) {
    EXPECT_EQ(ParseQuantity(bad, Unit::kDuration), std::nullopt) << bad;
  }
  EXPECT_EQ(ParseQuantity("101%", Unit::kShare), std::nullopt);
  EXPECT_EQ(ParseQuantity("0.00001%", Unit::kShare), std::nullopt);
  EXPECT_EQ(ParseQuantity("10", Unit::kRate), std::nullopt);
  EXPECT_EQ(ParseQuantity("10ms", Unit::kRate), std::nullopt);
}

TEST(Format, IsShortAndHasAUnit) {
  EXPECT_EQ(FormatRate(94'123'456), "94.1Mbit/s");
  EXPECT_EQ(FormatRate(0), "0bit/s");
  EXPECT_EQ(FormatDuration(milliseconds(20)), "20.0ms");
  EXPECT_EQ(FormatDuration(microseconds(1500)), "1.50ms");
  EXPECT_EQ(FormatDuration(std::chrono::seconds(300)), "300s");
  EXPECT_EQ(FormatBytes(999), "999B");
  EXPECT_EQ(FormatBytes(1'500'000), "1.50MB");
}

}  // namespace
}  // namespace moat::netstack::sim
