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

// With the server's side of a conversation, and what comes of it in the stack.
class DhcpConversation : public DhcpClientTest {
 protected:
  void Reply(DhcpType type, const Said& to, Answer answer = {}) {
    answer.type = type;
    answer.transaction = to.transaction;
    const bool renewing = client->state() == DhcpClient::State::kRenewing;
    ReceiveDhcp(world, renewing ? kOffered : kEverybody, answer);
    client->Poll();
  }
  Said GetBound(const Answer& answer = {}) {
    Start();
    Advance(std::chrono::seconds(1));
    Reply(DhcpType::kOffer, Next(), answer);
    const Said request = Next();
    Reply(DhcpType::kAck, request, answer);
    EXPECT_EQ(client->state(), DhcpClient::State::kBound);
    world.link.Clear();
    return request;
  }
  // Lets T1 pass, and answers the request for renewal.
  void Renew(const Answer& answer) {
    Advance(client->lease()->renew - world.clock.Now());
    const Said request = Next();
    ASSERT_EQ(request.type, DhcpType::kRequest);
    Reply(DhcpType::kAck, request, answer);
  }
  bool HasRoute(const char* gateway) const {
    for (const RouteInfo& route : world.stack.Routes()) {
      if (route.destination == *Prefix::Parse("0.0.0.0/0") && route.gateway == Ip(gateway))
        return true;
    }
    return false;
  }
  bool HasAddress(const char* prefix) const {
    for (const AddressInfo& info : world.stack.Addresses()) {
      if (info.prefix == *Prefix::Parse(prefix)) return true;
    }
    return false;
  }
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_DHCP_CLIENT_TEST_WORLD_H_
