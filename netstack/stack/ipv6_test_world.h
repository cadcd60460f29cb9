// What stories of IPv6 share: packets with extension headers, and neighbours in known states.
#ifndef MOAT_NETSTACK_STACK_IPV6_TEST_WORLD_H_
#define MOAT_NETSTACK_STACK_IPV6_TEST_WORLD_H_

#include <optional>

#include "netstack/stack/stack_test_world.h"

namespace moat::netstack {

inline const IpAddress kAllNodes = Ip("ff02::1");
inline const IpAddress kUnspecified = IpAddress::Any(Family::kIpv6);

class Ipv6 : public testing::Test {
 protected:
  // A packet whose IPv6 header says `next_header` and whose payload is `chain` then an echo
  // request.
  Bytes WithChain(uint8_t next_header, const Bytes& chain) const {
    return IpPacket(cast.peer, cast.own, next_header,
                    chain + IcmpMessage(cast.peer, cast.own, icmpv6_type::kEchoRequest, 0, 1, {}));
  }
  void ExpectEchoReply() {
    const ParsedFrame reply = world.Next();
    ASSERT_TRUE(reply.ok);
    EXPECT_EQ(reply.icmp_type(), icmpv6_type::kEchoReply);
  }
  void ExpectParameterProblem(uint8_t code, uint32_t pointer) {
    const ParsedFrame error = world.Next();
    ASSERT_TRUE(error.ok);
    EXPECT_EQ(error.icmp_type(), icmpv6_type::kParameterProblem);
    EXPECT_EQ(error.icmp_code(), code);
    EXPECT_EQ(error.icmp_rest(), pointer);
  }
  static Bytes Solicitation(const IpAddress& target, const std::optional<MacAddress>& mac) {
    uint8_t bytes[kMaxNdpEmit];
    const size_t size = EmitNeighborSolicitation(target, mac, std::nullopt, bytes);
    return Bytes(bytes, bytes + size);
  }
  static Bytes Advertisement(const IpAddress& target, bool router, bool solicited, bool override_,
                             const std::optional<MacAddress>& mac) {
    uint8_t bytes[kMaxNdpEmit];
    const size_t size =
        EmitNeighborAdvertisement(target, router, solicited, override_, mac, bytes);
    return Bytes(bytes, bytes + size);
  }
  // The peer becomes a neighbour of this state, with kPeerMac.
  void MakeStale() {
    world.ReceiveNdp(cast.peer, cast.own, Advertisement(cast.peer, false, false, true, kPeerMac));
    world.ReceiveNdp(cast.peer, SolicitedNodeGroup(cast.own), Solicitation(cast.own, kPeerMac));
    world.link.Clear();
  }
  void MakeReachable() {
    MakeStale();
    world.ReceiveNdp(cast.peer, cast.own, Advertisement(cast.peer, false, true, true, kPeerMac));
    ASSERT_EQ(world.Neighbor(cast.peer)->state, NeighborState::kReachable);
  }

  StackWorld world;
  Cast cast = CastOf(Family::kIpv6);
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_STACK_IPV6_TEST_WORLD_H_
