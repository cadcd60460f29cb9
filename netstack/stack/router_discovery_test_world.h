// A stack that listens to routers, and what they advertise: messages, options, and where to look
// for the effect.
#ifndef MOAT_NETSTACK_STACK_ROUTER_DISCOVERY_TEST_WORLD_H_
#define MOAT_NETSTACK_STACK_ROUTER_DISCOVERY_TEST_WORLD_H_

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "netstack/ip/routing_table.h"
#include "netstack/stack/stack_test_world.h"

namespace moat::netstack {

struct PrefixOption {
  const char* prefix;
  uint8_t length = 64;
  bool on_link = true;
  bool autonomous = true;
  uint32_t valid = 2592000;
  uint32_t preferred = 604800;
};

inline Bytes Ra(uint16_t lifetime, const Bytes& options = {}, uint8_t preference = 0,
                uint8_t hop_limit = 0, uint32_t reachable = 0, uint32_t retransmit = 0) {
  Bytes message(16);
  message[0] = icmpv6_type::kRouterAdvertisement;
  message[4] = hop_limit;
  message[5] = static_cast<uint8_t>(preference << 3);
  StoreBe16(message.data() + 6, lifetime);
  StoreBe32(message.data() + 8, reachable);
  StoreBe32(message.data() + 12, retransmit);
  return message + options;
}
inline Bytes Option(const PrefixOption& prefix) {
  Bytes option(32);
  option[0] = 3;
  option[1] = 4;
  option[2] = prefix.length;
  option[3] = static_cast<uint8_t>((prefix.on_link ? 0x80 : 0) | (prefix.autonomous ? 0x40 : 0));
  StoreBe32(option.data() + 4, prefix.valid);
  StoreBe32(option.data() + 8, prefix.preferred);
  std::memcpy(option.data() + 16, Ip(prefix.prefix).data(), 16);
  return option;
}
inline Bytes MtuOption(uint32_t mtu) {
  Bytes option = {5, 1, 0, 0, 0, 0, 0, 0};
  StoreBe32(option.data() + 4, mtu);
  return option;
}
inline Bytes SourceOption(const MacAddress& mac) {
  return Bytes{1, 1} + Bytes(mac.bytes.begin(), mac.bytes.end());
}
inline Bytes RouteOption(const char* prefix, uint8_t length, uint8_t preference,
                         uint32_t lifetime) {
  Bytes option(24);
  option[0] = 24;
  option[1] = 3;
  option[2] = length;
  option[3] = static_cast<uint8_t>(preference << 3);
  StoreBe32(option.data() + 4, lifetime);
  std::memcpy(option.data() + 8, Ip(prefix).data(), 16);
  return option;
}

class Discovery : public testing::Test {
 protected:
  Discovery() {
    EXPECT_TRUE(world.stack.RemoveRoute(Default()).ok());
    Set("accept_ra", "1");
  }
  static RouteInfo Default() {
    RouteInfo route;
    route.destination = *Prefix::Parse("::/0");
    return route;
  }
  void Set(const std::string& name, const std::string& value) {
    const absl::Status status = world.stack.SetSysctl("ipv6.conf.eth0." + name, value);
    EXPECT_TRUE(status.ok()) << status.ToString();
  }
  void Receive(const IpAddress& router, const Bytes& message) {
    world.ReceiveNdp(router, Ip("ff02::1"), message);
  }
  std::optional<AddressInfo> Address(const IpAddress& address) const {
    for (const AddressInfo& info : world.stack.Addresses()) {
      if (info.prefix.address == address) return info;
    }
    return std::nullopt;
  }
  std::vector<AddressInfo> Temporary() const {
    std::vector<AddressInfo> found;
    for (const AddressInfo& info : world.stack.Addresses()) {
      if (info.options.temporary) found.push_back(info);
    }
    return found;
  }
  std::optional<RouteInfo> RouteTo(const char* prefix) const {
    for (const RouteInfo& route : world.stack.Routes()) {
      if (route.destination == *Prefix::Parse(prefix) &&
          route.protocol == kRouteByRouterAdvertisement) {
        return route;
      }
    }
    return std::nullopt;
  }
  // The router that a packet to far away goes to.
  MacAddress FirstHop() {
    world.link.Clear();
    auto socket = world.UdpSocket(Family::kIpv6);
    if (StackWorld::SendTo(*socket, {Ip("2001:db8:77::1"), 9}, Pattern(1)) != Error::kOk) return {};
    return world.Next().to;
  }

  StackWorld world;
  const IpAddress router = Ip("fe80::a");
  const IpAddress second = Ip("fe80::b");
  // EUI-64 of 02:00:00:00:00:01.
  const IpAddress own = Ip("2001:db8:5::ff:fe00:1");
  const Bytes prefix = Option({.prefix = "2001:db8:5::"});
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_STACK_ROUTER_DISCOVERY_TEST_WORLD_H_
