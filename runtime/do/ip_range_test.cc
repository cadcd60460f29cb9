#include "runtime/do/ip_range.h"

#include <gtest/gtest.h>

namespace moat::runtime {
namespace {

IpPrefix V4(const char* text) { return ParseIpPrefix(text, AF_INET).value(); }
IpPrefix V6(const char* text) { return ParseIpPrefix(text, AF_INET6).value(); }

TEST(IpPrefix, ParsesAndPrints) {
  EXPECT_EQ(V4("10.1.2.3/30").ToString(), "10.1.2.3/30");
  EXPECT_EQ(V6("fd00::2/126").Address(), "fd00::2");
  for (const char* bad : {"", "10.1.2.3", "10.1.2.3/33", "10.1.2/8", "10.1.2.3/-1", "fd00::1/64",
                          "10.1.2.3/8/9", "10.1.2.3/x"}) {
    EXPECT_FALSE(ParseIpPrefix(bad, AF_INET).ok()) << bad;
  }
  EXPECT_FALSE(ParseIpPrefix("fd00::1/129", AF_INET6).ok());
}

TEST(IpPrefix, OverlapLooksAtTheShorterPrefix) {
  EXPECT_TRUE(Overlap(V4("10.0.0.0/8"), V4("10.213.4.4/30")));
  EXPECT_TRUE(Overlap(V4("10.213.4.6/32"), V4("10.213.4.4/30")));
  EXPECT_FALSE(Overlap(V4("10.213.4.8/30"), V4("10.213.4.4/30")));
  EXPECT_FALSE(Overlap(V6("::/0"), V4("10.213.4.4/30")));
  EXPECT_TRUE(Overlap(V6("fd00::/9"), V6("fd7f::1/128")));
}

TEST(PairFor, TheHostGetsTheOtherAddress) {
  EXPECT_EQ(PairFor(V4("10.0.0.2/30"))->host.ToString(), "10.0.0.1/30");
  EXPECT_EQ(PairFor(V4("10.0.0.1/30"))->host.ToString(), "10.0.0.2/30");
  EXPECT_EQ(PairFor(V4("10.0.0.77/24"))->host.ToString(), "10.0.0.1/24");
  EXPECT_EQ(PairFor(V6("fd00::2/126"))->host.ToString(), "fd00::1/126");
  EXPECT_EQ(PairFor(V6("fd00::1/127"))->host.ToString(), "fd00::/127");
}

TEST(PairFor, RefusesNetworksWithoutRoom) {
  for (const char* bad :
       {"10.0.0.2/32", "10.0.0.2/31", "10.0.0.0/30", "10.0.0.3/30", "1.2.3.4/0"}) {
    EXPECT_FALSE(PairFor(V4(bad)).ok()) << bad;
  }
  EXPECT_FALSE(PairFor(V6("fd00::1/128")).ok());
  EXPECT_FALSE(PairFor(V6("fd00::/126")).ok());
}

TEST(ChoosePair, TakesTheFirstFreeNetwork) {
  uint64_t next = 0;
  const auto counting = [&next] { return next++ << 2; };
  const IpPair pair = ChoosePair(AF_INET, {}, counting).value();
  EXPECT_EQ(pair.host.ToString(), "10.213.0.1/30");
  EXPECT_EQ(pair.container.ToString(), "10.213.0.2/30");
}

TEST(ChoosePair, AvoidsRoutesButNotTheDefaultOne) {
  uint64_t next = 0;
  const auto counting = [&next] { return next++ << 2; };
  const IpPair pair =
      ChoosePair(AF_INET, {V4("0.0.0.0/0"), V4("10.0.0.0/8"), V4("172.16.0.0/12")}, counting)
          .value();
  EXPECT_EQ(pair.host.ToString(), "192.168.213.9/30");
}

TEST(ChoosePair, GivesUpWhenAllIsTaken) {
  const std::vector<IpPrefix> all = {V4("10.0.0.0/8"), V4("172.16.0.0/12"), V4("192.168.0.0/16")};
  EXPECT_EQ(ChoosePair(AF_INET, all, [] { return uint64_t{5}; }).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(ChoosePair, Ipv6IsAUniqueLocalNetwork) {
  const IpPair pair = ChoosePair(AF_INET6, {}, [] { return 0x1122334455667788ULL; }).value();
  EXPECT_EQ(pair.host.ToString(), "fd77:6655:4433:2211::1/126");
  EXPECT_EQ(pair.container.ToString(), "fd77:6655:4433:2211::2/126");
}

}  // namespace
}  // namespace moat::runtime
