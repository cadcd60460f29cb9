#include "netstack/ip/path_mtu.h"

#include <gtest/gtest.h>

#include "netstack/testing/fake_clock.h"

namespace moat::netstack {
namespace {

using std::chrono::seconds;

constexpr uint32_t kLinkMtu = 1500;

// A budget whose tables have room for three entries.
class PathMtuTest : public testing::Test {
 protected:
  static IpAddress Host(uint8_t n) { return IpAddress::V4(203, 0, 113, n); }
  bool Report(uint8_t n, uint32_t mtu = 1400) {
    clock.Advance(seconds(1));
    return cache.Reported(Host(n), mtu, kLinkMtu);
  }
  uint32_t Get(uint8_t n) { return cache.Get(Host(n), kLinkMtu).mtu; }
  bool BelowFloor(uint8_t n) { return cache.Get(Host(n), kLinkMtu).below_floor; }

  FakeClock clock;
  TimerQueue timers{clock.Now()};
  SysctlTable sysctls;
  MemoryBudget memory{512};
  CounterTable counters;
  Counter full{counters, "Memory.FullPathMtus"};
  uint64_t generation = 1;
  PathMtuCache cache{clock, timers, sysctls, memory, full, generation};
};

TEST_F(PathMtuTest, WhatIsLearnedIsChargedUntilItExpires) {
  ASSERT_TRUE(Report(1));
  const size_t one = memory.used();
  EXPECT_GT(one, 0u);
  ASSERT_TRUE(cache.Reported(Host(1), 1300, kLinkMtu));
  EXPECT_EQ(memory.used(), one);
  ASSERT_TRUE(Report(2));
  EXPECT_EQ(memory.used(), 2 * one);
  clock.Advance(seconds(700));
  timers.RunExpired(clock.Now());
  EXPECT_EQ(memory.used(), 0u);
  EXPECT_EQ(Get(1), kLinkMtu);
}

TEST_F(PathMtuTest, TheOldestGoesForANewOneWhenMemoryIsShort) {
  for (uint8_t n = 1; n <= 3; ++n) ASSERT_TRUE(Report(n));
  const size_t full = memory.used();
  const uint64_t before = generation;
  ASSERT_TRUE(Report(4));
  EXPECT_EQ(memory.used(), full);
  EXPECT_EQ(Get(1), kLinkMtu);
  EXPECT_EQ(Get(2), 1400u);
  EXPECT_EQ(Get(4), 1400u);
  EXPECT_EQ(this->full.value(), 0u);  // the budget counts for itself
  EXPECT_GT(generation, before);  // routes that had the forgotten one are looked up anew
}

// RFC 1191 3: the estimate stops at a floor; below it don't fragment must go.
TEST_F(PathMtuTest, BelowTheFloorRoutersAreToCut) {
  ASSERT_TRUE(Report(1, 552));
  EXPECT_FALSE(BelowFloor(1));
  ASSERT_TRUE(cache.Reported(Host(1), 300, 552));  // nothing is smaller, and yet it is news
  EXPECT_TRUE(BelowFloor(1));
  EXPECT_EQ(Get(1), 552u);
  EXPECT_FALSE(cache.Reported(Host(1), 300, 552));
  ASSERT_TRUE(cache.Reported(Host(2), 0, 552));  // an old router's: less than what was sent
  EXPECT_TRUE(BelowFloor(2));
  EXPECT_FALSE(BelowFloor(3));
  clock.Advance(seconds(601));
  EXPECT_FALSE(BelowFloor(1));
}

// Only a report that makes it smaller is news; a link below what is known bounds what is said.
TEST_F(PathMtuTest, WhatIsNotSmallerIsNoNews) {
  const IpAddress far = *IpAddress::Parse("2001:db8:f::1");
  ASSERT_TRUE(cache.Reported(far, 1400, kLinkMtu));
  EXPECT_FALSE(cache.Reported(far, 1400, kLinkMtu));
  EXPECT_FALSE(cache.Reported(far, 1450, kLinkMtu));
  EXPECT_EQ(cache.Get(far, kLinkMtu).mtu, 1400u);
  EXPECT_EQ(cache.Get(far, 1300).mtu, 1300u);
  ASSERT_TRUE(cache.Reported(far, 1280, kLinkMtu));
  EXPECT_EQ(cache.Get(far, kLinkMtu).mtu, 1280u);
  EXPECT_FALSE(cache.Get(far, kLinkMtu).below_floor);
}

TEST_F(PathMtuTest, WithoutAnOlderOneNothingIsLearned) {
  memory.Charge(448);
  EXPECT_FALSE(Report(1));
  EXPECT_EQ(Get(1), kLinkMtu);
  memory.Release(448);
  EXPECT_TRUE(Report(1));
  cache.Clear();
  EXPECT_EQ(memory.used(), 0u);
}

}  // namespace
}  // namespace moat::netstack
