#include "netstack/ip/dead_gateways.h"

#include "gtest/gtest.h"
#include "netstack/testing/fake_clock.h"

namespace moat::netstack {
namespace {

TEST(DeadGatewaysTest, WhoFailedLongestAgoMakesRoom) {
  struct Nobody : DeadGateways::Host {
    void GatewayDue() override {}
    void AskForGateway(InterfaceIndex, const IpAddress&) override {}
  } host;
  FakeClock clock;
  TimerQueue timers(clock.Now());
  DeadGateways dead(clock, timers);
  dead.SetHost(&host);
  const auto gateway = [](size_t n) {
    return IpAddress::V4(10, 0, static_cast<uint8_t>(n >> 8), static_cast<uint8_t>(n));
  };
  for (size_t i = 0; i < DeadGateways::kMax; ++i) dead.Add(1, gateway(i));
  EXPECT_NE(dead.Since(1, gateway(0)), kNever);
  dead.Add(1, gateway(0));  // again: now it is the youngest
  dead.Add(1, gateway(DeadGateways::kMax));
  EXPECT_NE(dead.Since(1, gateway(0)), kNever);
  EXPECT_EQ(dead.Since(1, gateway(1)), kNever);
  EXPECT_NE(dead.Since(1, gateway(DeadGateways::kMax)), kNever);
  EXPECT_EQ(dead.Since(2, gateway(0)), kNever);
  EXPECT_FALSE(dead.Remove(1, gateway(1)));
  EXPECT_TRUE(dead.Remove(1, gateway(0)));
  EXPECT_EQ(dead.Since(1, gateway(0)), kNever);
}

}  // namespace
}  // namespace moat::netstack
