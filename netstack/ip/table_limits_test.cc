// Tables of the IP layer at their limits: what is refused or forgotten is counted.
#include <chrono>

#include "gtest/gtest.h"
#include "netstack/base/counters.h"
#include "netstack/base/sysctl.h"
#include "netstack/base/timer.h"
#include "netstack/ip/dead_gateways.h"
#include "netstack/ip/icmp_limiter.h"
#include "netstack/ip/redirect_limiter.h"
#include "netstack/ip/redirect_table.h"
#include "netstack/testing/fake_clock.h"

namespace moat::netstack {
namespace {

IpAddress Host(size_t n) {
  return IpAddress::V4(10, static_cast<uint8_t>(n >> 16), static_cast<uint8_t>(n >> 8),
                       static_cast<uint8_t>(n));
}

class TableLimits : public testing::Test {
 protected:
  FakeClock clock;
  TimerQueue timers{clock.Now()};
  CounterTable counters;
  Counter full{counters, "Memory.FullX"};
};

TEST_F(TableLimits, RedirectLimiter) {
  RedirectLimiter limiter(full);
  for (size_t n = 0; n < RedirectLimiter::kMaxSources; ++n) limiter.Allow(Host(n), clock.Now());
  limiter.Allow(Host(0), clock.Now());
  EXPECT_EQ(full.value(), 0u);
  limiter.Allow(Host(RedirectLimiter::kMaxSources), clock.Now());
  EXPECT_EQ(full.value(), 1u);
}

TEST_F(TableLimits, IcmpLimiter) {
  SysctlTable sysctls;
  IcmpLimiter limiter(clock, sysctls, counters, full);
  ASSERT_TRUE(sysctls.Set("ipv4.icmp_msgs_burst", "1000000").ok());
  for (size_t n = 0; n < IcmpLimiter::kMaxDestinations; ++n) EXPECT_TRUE(limiter.Allow(Host(n)));
  EXPECT_TRUE(limiter.Allow(Host(0)));
  EXPECT_EQ(full.value(), 0u);
  EXPECT_TRUE(limiter.Allow(Host(IcmpLimiter::kMaxDestinations)));
  EXPECT_EQ(full.value(), 1u);
}

TEST_F(TableLimits, RedirectTable) {
  RedirectTable table;
  for (size_t n = 0; n < RedirectTable::kMaxRows; ++n) {
    EXPECT_FALSE(table.Learn(Host(n), Host(1 << 20), 2, clock.Now()));
  }
  EXPECT_FALSE(table.Learn(Host(0), Host(1 << 20), 2, clock.Now()));
  EXPECT_TRUE(table.Learn(Host(RedirectTable::kMaxRows), Host(1 << 20), 2, clock.Now()));
}

TEST_F(TableLimits, DeadGateways) {
  DeadGateways gateways(clock, timers);
  for (size_t n = 0; n < DeadGateways::kMax; ++n) EXPECT_FALSE(gateways.Add(2, Host(n)));
  EXPECT_FALSE(gateways.Add(2, Host(0)));
  EXPECT_TRUE(gateways.Add(2, Host(DeadGateways::kMax)));
  EXPECT_EQ(gateways.Since(2, Host(1)), kNever);
}

}  // namespace
}  // namespace moat::netstack
