// A DHCP client that starts on an interface without an address or a route; the test plays the
// server.
#ifndef MOAT_NETSTACK_DHCP_CLIENT_TEST_WORLD_H_
#define MOAT_NETSTACK_DHCP_CLIENT_TEST_WORLD_H_

#include <memory>

#include <gtest/gtest.h>

#include "netstack/dhcp/client.h"
#include "netstack/dhcp/test_server.h"

namespace moat::netstack {

inline const IpAddress kNobody = Ip("0.0.0.0");

class DhcpClientTest : public testing::Test {
 protected:
  DhcpClientTest() {
    EXPECT_TRUE(world.stack.RemoveAddress(kEth0, *Prefix::Parse("192.0.2.1/24")).ok());
    RouteInfo route;
    route.destination = *Prefix::Parse("0.0.0.0/0");
    EXPECT_TRUE(world.stack.RemoveRoute(route).ok());
    world.Know(kServer);
    options.clock = &world.clock;
    options.random = &world.random;
    options.interface = kEth0;
    options.probe = false;
  }
  // With `options`.
  void Start() {
    client = std::make_unique<DhcpClient>(world.stack, options);
    ASSERT_TRUE(client->Start().ok());
  }
  void Advance(Duration by) { world.Advance(*client, by); }
  Said Next() { return NextSaid(world); }

  StackWorld world;
  DhcpOptions options;
  std::unique_ptr<DhcpClient> client;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_DHCP_CLIENT_TEST_WORLD_H_
