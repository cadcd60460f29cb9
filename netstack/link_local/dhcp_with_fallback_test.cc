// DHCP and link-local addresses on one interface, on a fake clock: RFC 3927 1.9 and 2.11.

#include "netstack/link_local/dhcp_with_fallback.h"

#include "netstack/dhcp/test_server.h"

namespace moat::netstack {
namespace {

using std::chrono::seconds;

class Fallback : public testing::Test {
 protected:
  Fallback() {
    EXPECT_TRUE(world.stack.RemoveAddress(kEth0, *Prefix::Parse("192.0.2.1/24")).ok());
    RouteInfo route;
    route.destination = *Prefix::Parse("0.0.0.0/0");
    EXPECT_TRUE(world.stack.RemoveRoute(route).ok());
    world.Know(kServer);
  }
  void Begin(Duration patience = seconds(10)) {
    addresses = std::make_unique<DhcpWithFallback>(
        world.stack,
        DhcpOptions{.clock = &world.clock, .random = &world.random, .interface = kEth0,
                    .probe = false},
        FallbackOptions{.patience = patience});
    ASSERT_TRUE(addresses->Start().ok());
  }
  void Advance(Duration by) { world.Advance(*addresses, by); }
  std::optional<IpAddress> Fallen() const { return addresses->link_local().address(); }
  // Answers what was said last until there is a lease.
  void Lease() {
    Said said;
    for (Said next = NextSaid(world); next.ok; next = NextSaid(world)) said = next;
    ASSERT_EQ(said.type, DhcpType::kDiscover);
    ReceiveDhcp(world, kEverybody, {.type = DhcpType::kOffer, .transaction = said.transaction});
    addresses->Poll();
    said = NextSaid(world);
    ASSERT_EQ(said.type, DhcpType::kRequest);
    EXPECT_EQ(said.source, Ip("0.0.0.0"));
    ReceiveDhcp(world, kEverybody, {.type = DhcpType::kAck, .transaction = said.transaction});
    addresses->Poll();
    ASSERT_TRUE(addresses->dhcp().lease().has_value());
  }

  StackWorld world;
  std::unique_ptr<DhcpWithFallback> addresses;
};

TEST_F(Fallback, WithoutALeaseThereIsALinkLocalAddress) {
  Begin();
  Advance(seconds(9));
  EXPECT_EQ(addresses->link_local().state(), LinkLocalClient::State::kStopped);
  Advance(seconds(13));
  EXPECT_EQ(Fallen(), LinkLocalCandidate(kOwnMac, 0));
}

TEST_F(Fallback, WithALeaseThereIsNone) {
  Begin();
  Advance(seconds(1));
  Lease();
  Advance(seconds(60));
  EXPECT_EQ(addresses->link_local().state(), LinkLocalClient::State::kStopped);
}

TEST_F(Fallback, Rfc3927_S1_9_ALeaseEndsTheLinkLocalAddress) {
  Begin();
  Advance(seconds(50));
  const IpAddress fallen = Fallen().value();
  Advance(seconds(70));
  Lease();
  EXPECT_EQ(addresses->link_local().state(), LinkLocalClient::State::kStopped);
  EXPECT_FALSE(world.stack.IsLocalAddress(fallen));
  EXPECT_TRUE(world.stack.IsLocalAddress(kOffered));
  for (const RouteInfo& route : world.stack.Routes()) EXPECT_NE(route.metric, 1002u);
}

TEST_F(Fallback, Rfc3927_S2_11_DhcpGoesOnAsIfAlone) {
  Begin(seconds(2));
  std::vector<Time> times;
  const Time began = world.clock.Now();
  while (world.clock.Now() < began + seconds(140)) {
    Advance(seconds(1));
    for (Said said = NextSaid(world); said.ok; said = NextSaid(world)) {
      EXPECT_EQ(said.type, DhcpType::kDiscover);
      EXPECT_EQ(said.source, Ip("0.0.0.0"));  // RFC 2131 4.1
      times.push_back(world.clock.Now());
    }
  }
  EXPECT_TRUE(Fallen().has_value());
  ASSERT_GE(times.size(), 5u);
  const int expected[] = {4, 8, 16, 32};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR((times[i + 1] - times[i]) / seconds(1), expected[i], 2);
  }
}

TEST_F(Fallback, ALostLeaseIsFollowedByALinkLocalAddress) {
  Begin();
  Advance(seconds(1));
  Lease();
  Advance(seconds(3601));  // nobody renews it
  EXPECT_FALSE(addresses->dhcp().lease().has_value());
  EXPECT_EQ(Fallen(), std::nullopt);
  Advance(seconds(25));
  EXPECT_TRUE(Fallen().has_value());
}

TEST_F(Fallback, StopTakesBothAway) {
  Begin();
  Advance(seconds(50));
  const IpAddress fallen = Fallen().value();
  addresses->Stop();
  world.link.Clear();
  EXPECT_FALSE(world.stack.IsLocalAddress(fallen));
  EXPECT_EQ(addresses->NextDeadline(), kNever);
  Advance(seconds(200));
  EXPECT_FALSE(NextSaid(world).ok);
}

}  // namespace
}  // namespace moat::netstack
