// One stack on a recorded link, and the words of a packet story: the peer sends, the stack emits.
#ifndef MOAT_NETSTACK_STACK_STACK_TEST_WORLD_H_
#define MOAT_NETSTACK_STACK_STACK_TEST_WORLD_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "netstack/stack/stack.h"
#include "netstack/stack/test_frames.h"
#include "netstack/testing/channel_link.h"
#include "netstack/testing/fake_clock.h"
#include "netstack/testing/seeded_random.h"

namespace moat::netstack {

inline IpAddress Ip(std::string_view text) { return *IpAddress::Parse(text); }

inline constexpr InterfaceIndex kEth0 = 2;
inline const MacAddress kOwnMac{{0x02, 0, 0, 0, 0, 0x01}};
inline const MacAddress kPeerMac{{0x02, 0, 0, 0, 0, 0x02}};
inline const MacAddress kOtherMac{{0x02, 0, 0, 0, 0, 0x03}};

// The documentation networks' addresses of one family.
struct Cast {
  IpAddress own, peer, other, remote, gateway;
};
inline Cast CastOf(Family family) {
  if (family == Family::kIpv4) {
    return {Ip("192.0.2.1"), Ip("192.0.2.2"), Ip("192.0.2.3"), Ip("198.51.100.9"),
            Ip("192.0.2.254")};
  }
  return {Ip("2001:db8::1"), Ip("2001:db8::2"), Ip("2001:db8::3"), Ip("2001:db8:9::9"),
          Ip("2001:db8::fe")};
}

class StackWorld {
 public:
  explicit StackWorld(LinkCapabilities capabilities = {})
      : link(capabilities), stack({.clock = &clock, .random = &random}) {
    EXPECT_TRUE(stack
                    .AddInterface({.index = kEth0, .name = "eth0", .mac = kOwnMac, .mtu = 1500,
                                   .up = true, .running = true, .link = &link})
                    .ok());
    AddressOptions at_once;
    at_once.no_dad = true;
    for (const char* text : {"192.0.2.1/24", "2001:db8::1/64", "fe80::1/64"}) {
      EXPECT_TRUE(stack.AddAddress(kEth0, *Prefix::Parse(text), at_once).ok());
    }
    for (const char* gateway : {"192.0.2.254", "2001:db8::fe"}) {
      RouteInfo route;
      route.destination = {IpAddress::Any(Ip(gateway).family()), 0};
      route.gateway = Ip(gateway);
      route.interface = kEth0;
      EXPECT_TRUE(stack.AddRoute(route).ok());
    }
    // The reports of the solicited-node groups, twice, are the story of groups_test.cc.
    Advance(std::chrono::milliseconds(1001));
    link.Clear();
  }

  // --- The peer's side -------------------------------------------------------------------------
  void ReceiveFrame(const Bytes& frame) {
    stack.Receive(kEth0, ReceivedFrame(frame));
    stack.Flush();
  }
  void ReceiveIp(const Bytes& packet, const MacAddress& to = kOwnMac,
                 const MacAddress& from = kPeerMac) {
    const uint16_t type = packet[0] >> 4 == 4 ? ethertype::kIpv4 : ethertype::kIpv6;
    ReceiveFrame(EthernetFrame(to, from, type, packet));
  }
  void ReceiveIcmp(const IpAddress& source, const IpAddress& destination, uint8_t type,
                   uint8_t code, uint32_t rest, const Bytes& body, uint8_t hop_limit = 64) {
    ReceiveIp(IpPacket(source, destination,
                       source.is_v4() ? ip_protocol::kIcmp : ip_protocol::kIcmpV6,
                       IcmpMessage(source, destination, type, code, rest, body), hop_limit));
  }
  void ReceiveEchoRequest(const IpAddress& source, const IpAddress& destination,
                          const Bytes& body) {
    ReceiveIcmp(source, destination,
                source.is_v4() ? icmpv4_type::kEchoRequest : icmpv6_type::kEchoRequest, 0,
                0x12340001, body);
  }
  void ReceiveUdp(const IpAddress& source, const IpAddress& destination, uint16_t port,
                  const Bytes& payload) {
    ReceiveIp(IpPacket(source, destination, ip_protocol::kUdp,
                       UdpDatagram(source, destination, 4000, port, payload)));
  }
  // The peer's answer to resolution, without being asked: a permanent entry.
  void Know(const IpAddress& address, const MacAddress& mac = kPeerMac) {
    NeighborInfo neighbor;
    neighbor.interface = kEth0;
    neighbor.address = address;
    neighbor.mac = mac;
    neighbor.state = NeighborState::kPermanent;
    EXPECT_TRUE(stack.AddNeighbor(neighbor).ok());
  }
  void ReceiveArp(ArpOperation operation, const IpAddress& sender, const MacAddress& sender_mac,
                  const IpAddress& target, const MacAddress& to) {
    ReceiveFrame(ArpFrame(to, {operation, sender_mac, sender, operation == ArpOperation::kReply
                                   ? kOwnMac : MacAddress{}, target}));
  }
  void ReceiveNdp(const IpAddress& source, const IpAddress& destination, Bytes message,
                  uint8_t hop_limit = 255) {
    FixChecksum(source, destination, ip_protocol::kIcmpV6, message);
    ReceiveIp(IpPacket(source, destination, ip_protocol::kIcmpV6, message, hop_limit),
              destination.IsMulticast() ? MulticastMac(destination) : kOwnMac);
  }

  // --- The stack's side ------------------------------------------------------------------------
  // The oldest frame that was sent; not `ok` when there is none.
  ParsedFrame Next() { return ParseFrame(link.TakeFrame()); }
  bool Silent() const { return const_cast<ChannelLink&>(link).sent().empty(); }
  void Advance(Duration by) {
    struct Nobody {
      Time NextDeadline() const { return kNever; }
      void Poll() {}
    } nobody;
    Advance(nobody, by);
  }
  // With a client on top of the stack that is to be polled, as those of dhcp/ are.
  template <typename Client>
  void Advance(Client& client, Duration by) {
    // In steps, so that timers that arm timers fire in time.
    const Time end = clock.Now() + by;
    while (true) {
      const Time next = std::min(client.NextDeadline(), stack.NextDeadline());
      if (next > end) break;
      if (next > clock.Now()) clock.Set(next);
      stack.RunTimers();
      client.Poll();
    }
    clock.Set(end);
    stack.RunTimers();
    client.Poll();
  }
  uint64_t Count(const std::string& name) const {
    const auto counters = stack.Counters();
    const auto it = counters.find(name);
    EXPECT_NE(it, counters.end()) << "no counter " << name;
    return it == counters.end() ? 0 : it->second;
  }
  std::optional<NeighborInfo> Neighbor(const IpAddress& address) const {
    for (const NeighborInfo& neighbor : stack.Neighbors()) {
      if (neighbor.address == address) return neighbor;
    }
    return std::nullopt;
  }
  std::unique_ptr<DatagramSocket> UdpSocket(Family family) { return stack.NewUdpSocket(family); }
  static Error SendTo(DatagramSocket& socket, const Endpoint& to, const Bytes& payload) {
    const std::span<const uint8_t> piece = payload;
    SendControl control;
    control.destination = to;
    return socket.Send({&piece, 1}, control);
  }

  FakeClock clock;
  SeededRandom random{1};
  ChannelLink link;
  Stack stack;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_STACK_STACK_TEST_WORLD_H_
