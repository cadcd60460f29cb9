// One stack with two recorded links that forwards between them: eth0 (the cast of
// stack_test_world.h) and eth1 (203.0.113.0/24, 2001:db8:1::/64).
#ifndef MOAT_NETSTACK_STACK_ROUTER_TEST_WORLD_H_
#define MOAT_NETSTACK_STACK_ROUTER_TEST_WORLD_H_

#include <string>

#include "netstack/stack/stack_test_world.h"

namespace moat::netstack {

inline constexpr InterfaceIndex kEth1 = 3;
inline const MacAddress kOwnMac1{{0x02, 0, 0, 0, 1, 0x01}};
inline const MacAddress kFarMac{{0x02, 0, 0, 0, 1, 0x02}};

struct FarCast {
  IpAddress own, far, beyond, gateway;
};
inline FarCast FarCastOf(Family family) {
  if (family == Family::kIpv4) {
    return {Ip("203.0.113.1"), Ip("203.0.113.2"), Ip("10.9.9.9"), Ip("203.0.113.254")};
  }
  return {Ip("2001:db8:1::1"), Ip("2001:db8:1::2"), Ip("2001:db8:ffff::9"), Ip("fe80::ff")};
}

class RouterWorld : public StackWorld {
 public:
  explicit RouterWorld(LinkCapabilities capabilities = {})
      : StackWorld(capabilities), far_link(capabilities) {
    EXPECT_TRUE(stack
                    .AddInterface({.index = kEth1, .name = "eth1", .mac = kOwnMac1, .mtu = 1500,
                                   .up = true, .running = true, .link = &far_link})
                    .ok());
    AddressOptions at_once;
    at_once.no_dad = true;
    for (const char* text : {"203.0.113.1/24", "2001:db8:1::1/64", "fe80::1:1/64"}) {
      EXPECT_TRUE(stack.AddAddress(kEth1, *Prefix::Parse(text), at_once).ok());
    }
    Set("ipv4.ip_forward", "1");
    Set("ipv6.conf.all.forwarding", "1");
    for (Family family : {Family::kIpv4, Family::kIpv6}) {
      const Cast cast = CastOf(family);
      Know(cast.peer);
      Know(cast.other, kOtherMac);
      Know(cast.gateway, kOtherMac);
      const FarCast far = FarCastOf(family);
      KnowOn(kEth1, far.far, kFarMac);
      KnowOn(kEth1, far.gateway, kOtherMac);
    }
    Advance(std::chrono::seconds(10));
    link.Clear();
    far_link.Clear();
  }
  void Set(const std::string& name, const std::string& value) {
    const absl::Status status = stack.SetSysctl(name, value);
    EXPECT_TRUE(status.ok()) << status.ToString();
    // A change of role is reported (groups of all routers), twice.
    Advance(std::chrono::seconds(2));
    link.Clear();
    far_link.Clear();
  }
  void KnowOn(InterfaceIndex interface, const IpAddress& address, const MacAddress& mac) {
    EXPECT_TRUE(
        stack.AddNeighbor({interface, address, mac, NeighborState::kPermanent, false}).ok());
  }
  void Route(const char* destination, const std::optional<IpAddress>& gateway,
             InterfaceIndex interface, RouteType type = RouteType::kUnicast) {
    RouteInfo route;
    route.destination = *Prefix::Parse(destination);
    route.gateway = gateway;
    route.interface = interface;
    route.type = type;
    const absl::Status status = stack.AddRoute(route);
    EXPECT_TRUE(status.ok()) << status.ToString();
  }
  void ReceiveFar(const Bytes& packet, const MacAddress& to = kOwnMac1) {
    const uint16_t type = packet[0] >> 4 == 4 ? ethertype::kIpv4 : ethertype::kIpv6;
    stack.Receive(kEth1, ReceivedFrame(EthernetFrame(to, kFarMac, type, packet)));
    stack.Flush();
  }
  ParsedFrame NextFar() { return ParseFrame(far_link.TakeFrame()); }
  bool FarSilent() { return far_link.sent().empty(); }

  ChannelLink far_link;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_STACK_ROUTER_TEST_WORLD_H_
