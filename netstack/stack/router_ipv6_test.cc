// A stack that forwards IPv6: scopes, extension headers, a router among neighbours.

#include "netstack/stack/router_test_world.h"
#include "netstack/wire/ipv6_extension.h"

namespace moat::netstack {
namespace {

class RouterV6 : public testing::Test {
 protected:
  RouterWorld world;
  Cast cast = CastOf(Family::kIpv6);
  FarCast far = FarCastOf(Family::kIpv6);
};

TEST_F(RouterV6, Rfc4291_S2_5_2_TheUnspecifiedSourceIsNotForwarded) {
  world.ReceiveIp(IpPacket(Ip("::"), far.far, 253, {1}));
  EXPECT_TRUE(world.FarSilent());
  EXPECT_TRUE(world.Silent());
}

TEST_F(RouterV6, Rfc4443_S3_1_LinkLocalSourceBeyondItsScopeIsCode2) {
  world.KnowOn(kEth0, Ip("fe80::5"), kPeerMac);
  world.ReceiveIp(IpPacket(Ip("fe80::5"), far.far, 253, {1}));
  const ParsedFrame error = world.Next();
  ASSERT_TRUE(error.ok);
  EXPECT_EQ(error.icmp_type(), icmpv6_type::kDestinationUnreachable);
  EXPECT_EQ(error.icmp_code(), icmpv6_code::kBeyondScope);
  EXPECT_TRUE(world.FarSilent());
}

TEST_F(RouterV6, Rfc6724_S5_Rule5_TheOutgoingInterface) {
  // The destination looks like eth0's prefix, but the way there is by eth1.
  world.Route("2001:db8:0:0:8000::/65", far.gateway, kEth1);
  auto socket = world.UdpSocket(Family::kIpv6);
  ASSERT_EQ(StackWorld::SendTo(*socket, {Ip("2001:db8:0:0:8000::1"), 9}, Pattern(1)), Error::kOk);
  EXPECT_EQ(world.NextFar().source, far.own);
}

TEST_F(RouterV6, RoutersDoNotFragment) {
  world.ReceiveIp(IpPacket(cast.peer, far.far, 253, Pattern(1460)));
  EXPECT_FALSE(world.FarSilent());
  world.far_link.Clear();
  ASSERT_TRUE(world.stack.SetInterfaceMtu(kEth1, 1280).ok());
  world.ReceiveIp(IpPacket(cast.peer, far.far, 253, Pattern(1241)));
  EXPECT_TRUE(world.FarSilent());
  EXPECT_EQ(world.Next().icmp_rest(), 1280u);
  world.ReceiveIp(IpPacket(cast.peer, far.far, 253, Pattern(1240)));
  EXPECT_FALSE(world.FarSilent());
}

TEST_F(RouterV6, Rfc8200_S4_2_HopByHopOptionsAreActedOn) {
  const auto with_option = [&](uint8_t type) {
    return IpPacket(cast.peer, far.far, 0, Bytes{253, 0, type, 4, 0, 0, 0, 0} + Pattern(8));
  };
  world.ReceiveIp(with_option(0x1e));  // skip
  EXPECT_FALSE(world.FarSilent());
  world.far_link.Clear();
  world.ReceiveIp(with_option(0x5e));  // discard
  EXPECT_TRUE(world.Silent());
  world.ReceiveIp(with_option(0x9e));  // discard and tell
  const ParsedFrame error = world.Next();
  EXPECT_EQ(error.icmp_type(), icmpv6_type::kParameterProblem);
  EXPECT_EQ(error.icmp_code(), icmpv6_code::kUnrecognizedOption);
  EXPECT_EQ(error.icmp_rest(), 42u);
  EXPECT_TRUE(world.FarSilent());
}

TEST_F(RouterV6, Rfc8200_S4_OtherExtensionHeadersAreNotLookedAt) {
  // A destination option that asks to be refused concerns the destination only.
  world.ReceiveIp(IpPacket(cast.peer, far.far, ipv6_next_header::kDestinationOptions,
                           Bytes{253, 0, 0x9e, 4, 0, 0, 0, 0} + Pattern(8)));
  EXPECT_FALSE(world.FarSilent());
  EXPECT_TRUE(world.Silent());
}

TEST_F(RouterV6, Rfc4861_S7_2_4_ARouterSaysSoInItsAdvertisements) {
  Bytes solicitation(kMaxNdpEmit);
  const size_t size =
      EmitNeighborSolicitation(cast.own, kPeerMac, std::nullopt, solicitation.data());
  solicitation.resize(size);
  const auto advertised_router = [&] {
    world.ReceiveNdp(cast.peer, cast.own, solicitation);
    const ParsedFrame answer = world.Next();
    EXPECT_EQ(answer.icmp_type(), icmpv6_type::kNeighborAdvertisement);
    return (answer.icmp_rest() & 0x80000000u) != 0;
  };
  EXPECT_TRUE(advertised_router());
  world.Set("ipv6.conf.eth0.forwarding", "0");
  EXPECT_FALSE(advertised_router());
}

TEST_F(RouterV6, Rfc4291_S2_8_ARouterBelongsToAllRouters) {
  const IpAddress all_routers = Ip("ff02::2");
  world.ReceiveIp(
      IpPacket(cast.peer, all_routers, ip_protocol::kIcmpV6,
               IcmpMessage(cast.peer, all_routers, icmpv6_type::kEchoRequest, 0, 1, {})),
      MulticastMac(all_routers));
  EXPECT_EQ(world.Next().icmp_type(), icmpv6_type::kEchoReply);
}

}  // namespace
}  // namespace moat::netstack
