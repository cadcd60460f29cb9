// A stack that forwards, whatever the family: RFC 1812 and 8200 as a router's, redirects, errors.

#include "netstack/stack/router_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Router : public testing::TestWithParam<Family> {
 protected:
  bool v4() const { return GetParam() == Family::kIpv4; }
  // A UDP packet from the peer on eth0 to `destination`.
  Bytes Packet(const IpAddress& destination, size_t payload = 20, uint8_t hops = 64) const {
    return IpPacket(cast.peer, destination, ip_protocol::kUdp,
                    UdpDatagram(cast.peer, destination, 4000, 53, Pattern(payload)), hops);
  }
  std::string Forwarding(const std::string& interface) const {
    return (v4() ? "ipv4.conf." : "ipv6.conf.") + interface + ".forwarding";
  }
  void ExpectError(uint8_t type_v4, uint8_t code_v4, uint8_t type_v6, uint8_t code_v6) {
    const ParsedFrame error = world.Next();
    ASSERT_TRUE(error.ok);
    EXPECT_EQ(error.to, kPeerMac);
    EXPECT_EQ(error.source, cast.own);
    EXPECT_EQ(error.destination, cast.peer);
    EXPECT_EQ(error.icmp_type(), v4() ? type_v4 : type_v6);
    EXPECT_EQ(error.icmp_code(), v4() ? code_v4 : code_v6);
    EXPECT_TRUE(world.FarSilent());
  }

  RouterWorld world;
  Cast cast = CastOf(GetParam());
  FarCast far = FarCastOf(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Families, Router, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& info) {
                           return info.param == Family::kIpv4 ? "Ipv4" : "Ipv6";
                         });

TEST_P(Router, Rfc1812_S5_3_1_HopLimitIsDecrementedByOne) {
  world.ReceiveIp(Packet(far.far));
  const ParsedFrame out = world.NextFar();
  ASSERT_TRUE(out.ok);
  EXPECT_EQ(out.from, kOwnMac1);
  EXPECT_EQ(out.to, kFarMac);
  EXPECT_EQ(out.source, cast.peer);
  EXPECT_EQ(out.destination, far.far);
  EXPECT_EQ(out.hop_limit, 63);
  EXPECT_EQ(out.payload, UdpDatagram(cast.peer, far.far, 4000, 53, Pattern(20)));
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count(v4() ? "Ip.ForwDatagrams" : "Ip6.OutForwDatagrams"), 1u);
}

TEST_P(Router, EveryTtlKeepsTheHeaderChecksumRight) {
  for (int hops = 2; hops <= 255; ++hops) {
    world.ReceiveIp(Packet(far.far, 20, static_cast<uint8_t>(hops)));
    const ParsedFrame out = world.NextFar();
    ASSERT_TRUE(out.ok) << hops;
    EXPECT_EQ(out.hop_limit, hops - 1);
  }
}

TEST_P(Router, AHostDoesNotForward) {
  world.Set(Forwarding("all"), "0");
  world.ReceiveIp(Packet(far.far));
  EXPECT_TRUE(world.FarSilent());
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.NotOurAddress"), 1u);
}

TEST_P(Router, ForwardingIsPerIncomingInterface) {
  world.Set(Forwarding("eth0"), "0");
  world.ReceiveIp(Packet(far.far));
  EXPECT_TRUE(world.FarSilent());
  EXPECT_TRUE(world.Silent());
  world.ReceiveFar(IpPacket(far.far, cast.peer, ip_protocol::kUdp,
                            UdpDatagram(far.far, cast.peer, 1, 2, {})));
  EXPECT_EQ(world.Next().destination, cast.peer);
}

TEST_P(Router, ANewInterfaceTakesTheDefault) {
  world.Set(Forwarding("default"), "0");
  ChannelLink third;
  ASSERT_TRUE(world.stack.AddInterface({.index = 9, .name = "eth2", .mac = kOwnMac, .mtu = 1500,
                                        .up = true, .running = true, .link = &third}).ok());
  std::string value;
  ASSERT_TRUE(world.stack.GetSysctl(Forwarding("eth2"), &value).ok());
  EXPECT_EQ(value, "0");
}

TEST_P(Router, Rfc1812_S5_3_1_UsedUpHopLimitIsAnsweredWithTimeExceeded) {
  for (uint8_t hops : {uint8_t{0}, uint8_t{1}}) {
    world.ReceiveIp(Packet(far.far, 20, hops));
    ExpectError(icmpv4_type::kTimeExceeded, icmpv4_code::kTtl, icmpv6_type::kTimeExceeded,
                icmpv6_code::kHopLimit);
  }
}

TEST_P(Router, HopLimitOneStillReachesTheRouterItself) {
  world.ReceiveIcmp(cast.peer, far.own,
                    v4() ? icmpv4_type::kEchoRequest : icmpv6_type::kEchoRequest, 0, 1, {}, 1);
  EXPECT_EQ(world.Next().source, far.own);
}

TEST_P(Router, Rfc1812_S5_2_7_1_NoRouteIsNetworkUnreachable) {
  for (const char* prefix : {"0.0.0.0/0", "::/0"}) {
    RouteInfo route;
    route.destination = *Prefix::Parse(prefix);
    ASSERT_TRUE(world.stack.RemoveRoute(route).ok());
  }
  world.ReceiveIp(Packet(far.beyond));
  ExpectError(icmpv4_type::kDestinationUnreachable, icmpv4_code::kNetwork,
              icmpv6_type::kDestinationUnreachable, icmpv6_code::kNoRoute);
}

TEST_P(Router, RefusingRoutesAnswerByTheirType) {
  world.Route(v4() ? "10.1.0.0/16" : "2001:db8:a1::/48", std::nullopt, 0, RouteType::kBlackhole);
  world.Route(v4() ? "10.2.0.0/16" : "2001:db8:a2::/48", std::nullopt, 0, RouteType::kUnreachable);
  world.Route(v4() ? "10.3.0.0/16" : "2001:db8:a3::/48", std::nullopt, 0, RouteType::kProhibit);
  world.ReceiveIp(Packet(Ip(v4() ? "10.1.0.1" : "2001:db8:a1::1")));
  EXPECT_TRUE(world.Silent());
  world.ReceiveIp(Packet(Ip(v4() ? "10.2.0.1" : "2001:db8:a2::1")));
  ExpectError(icmpv4_type::kDestinationUnreachable, icmpv4_code::kHost,
              icmpv6_type::kDestinationUnreachable, icmpv6_code::kNoRoute);
  world.ReceiveIp(Packet(Ip(v4() ? "10.3.0.1" : "2001:db8:a3::1")));
  ExpectError(icmpv4_type::kDestinationUnreachable, icmpv4_code::kAdministrativelyProhibited,
              icmpv6_type::kDestinationUnreachable, icmpv6_code::kProhibited);
}

TEST_P(Router, ForwardsByTheGatewayOfTheRoute) {
  world.Route(v4() ? "10.0.0.0/8" : "2001:db8:ffff::/48", far.gateway, kEth1);
  world.ReceiveIp(Packet(far.beyond));
  const ParsedFrame out = world.NextFar();
  EXPECT_EQ(out.to, kOtherMac);
  EXPECT_EQ(out.destination, far.beyond);
}

TEST_P(Router, ARouteChangeReachesTheNextPacket) {
  world.ReceiveIp(Packet(far.beyond));  // by the default route, back out of eth0
  EXPECT_TRUE(world.FarSilent());
  world.Route(v4() ? "10.0.0.0/8" : "2001:db8:ffff::/48", far.gateway, kEth1);
  world.ReceiveIp(Packet(far.beyond));
  EXPECT_EQ(world.NextFar().destination, far.beyond);
}

TEST_P(Router, Rfc1812_S5_3_12_3_RoutesByAnInterfaceThatIsDownAreNotUsed) {
  const Prefix beyond = *Prefix::Parse(v4() ? "10.0.0.0/8" : "2001:db8:ffff::/48");
  RouteInfo best{.destination = beyond, .gateway = far.gateway, .interface = kEth1, .metric = 1,
                 .source = {}};
  RouteInfo other{.destination = beyond, .gateway = cast.other, .interface = kEth0, .metric = 2,
                  .source = {}};
  ASSERT_TRUE(world.stack.AddRoute(best).ok());
  ASSERT_TRUE(world.stack.AddRoute(other).ok());
  world.ReceiveIp(Packet(far.beyond));
  EXPECT_EQ(world.NextFar().destination, far.beyond);
  ASSERT_TRUE(world.stack.SetInterfaceUp(kEth1, false).ok());
  world.ReceiveIp(Packet(far.beyond));
  EXPECT_TRUE(world.FarSilent());
  bool by_the_other = false;
  while (!world.Silent()) {  // and perhaps a redirect
    const ParsedFrame out = world.Next();
    if (out.destination == far.beyond) by_the_other = out.to == kOtherMac;
  }
  EXPECT_TRUE(by_the_other);
  // Without any the sender is told.
  ASSERT_TRUE(world.stack.RemoveRoute(other).ok());
  RouteInfo rest;
  rest.destination = {IpAddress::Any(GetParam()), 0};
  ASSERT_TRUE(world.stack.RemoveRoute(rest).ok());
  world.ReceiveIp(Packet(far.beyond));
  ExpectError(icmpv4_type::kDestinationUnreachable, icmpv4_code::kNetwork,
              icmpv6_type::kDestinationUnreachable, icmpv6_code::kNoRoute);
  // The route was not forgotten.
  ASSERT_TRUE(world.stack.SetInterfaceUp(kEth1, true).ok());
  world.far_link.Clear();
  world.ReceiveIp(Packet(far.beyond));
  bool again = false;
  while (!world.FarSilent()) again = again || world.NextFar().destination == far.beyond;
  EXPECT_TRUE(again);
}

TEST_P(Router, ALocalRouteIsNotForwarded) {
  world.Route(v4() ? "10.9.0.0/16" : "2001:db8:ffff::/48", std::nullopt, kLoopbackIndex,
              RouteType::kLocal);
  world.ReceiveEchoRequest(cast.peer, far.beyond, {});
  EXPECT_TRUE(world.FarSilent());
  EXPECT_EQ(world.Count("Drop.NoRoute"), 0u);
}

TEST_P(Router, Rfc1812_S5_3_4_LinkBroadcastsAreNotForwarded) {
  world.ReceiveIp(Packet(far.far), MacAddress::Broadcast());
  EXPECT_TRUE(world.FarSilent());
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.LinkBroadcast"), 1u);
}

TEST_P(Router, MulticastIsNotForwarded) {
  const IpAddress group = Ip(v4() ? "239.1.2.3" : "ff0e::123");
  world.ReceiveIp(Packet(group), MulticastMac(group));
  EXPECT_TRUE(world.FarSilent());
  EXPECT_TRUE(world.Silent());
}

TEST_P(Router, LinkLocalDestinationsAreNotForwarded) {
  const IpAddress there = Ip(v4() ? "169.254.1.1" : "fe80::dead");
  world.ReceiveIp(Packet(there));
  EXPECT_TRUE(world.FarSilent());
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.ForwardScope"), 1u);
}

TEST_P(Router, LinkLocalSourcesAreNotForwarded) {
  const IpAddress there = Ip(v4() ? "169.254.1.1" : "fe80::dead");
  for (const uint8_t hops : {1, 64, 255}) {  // RFC 3927 7: whatever the TTL is
    world.ReceiveIp(IpPacket(there, far.far, 253, {1}, hops));
    EXPECT_TRUE(world.FarSilent());
  }
}

TEST_P(Router, TooBigIsToldWithTheMtu) {
  ASSERT_TRUE(world.stack.SetInterfaceMtu(kEth1, 1300).ok());
  if (v4()) {
    Ipv4Fields fields;
    fields.dont_fragment = true;
    fields.protocol = ip_protocol::kUdp;
    fields.source = cast.peer;
    fields.destination = far.far;
    world.ReceiveIp(Ipv4Packet(fields, Pattern(1400)));
  } else {
    world.ReceiveIp(Packet(far.far, 1400));
  }
  const ParsedFrame error = world.Next();
  ASSERT_TRUE(error.ok);
  EXPECT_EQ(error.icmp_type(),
            v4() ? icmpv4_type::kDestinationUnreachable : icmpv6_type::kPacketTooBig);
  EXPECT_EQ(error.icmp_code(), v4() ? icmpv4_code::kFragmentationNeeded : 0);
  EXPECT_EQ(error.icmp_rest(), 1300u);
  EXPECT_TRUE(world.FarSilent());
  EXPECT_EQ(world.Count("Drop.PacketTooBig"), 1u);
}

TEST_P(Router, ErrorsAreRateLimited) {
  int sent = 0;
  for (int i = 0; i < 20; ++i) {
    world.ReceiveIp(Packet(far.far, 20, 1));
    if (world.Next().ok) ++sent;
  }
  EXPECT_EQ(sent, 6);
}

TEST_P(Router, Rfc4443_S3_1_WhatAFullLinkLosesIsNotTold) {
  world.far_link.set_full(true);
  world.ReceiveIp(Packet(far.far));
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.LinkFull"), 1u);
}

TEST_P(Router, NoErrorAboutAnError) {
  world.ReceiveIcmp(cast.peer, far.far,
                    v4() ? icmpv4_type::kTimeExceeded : icmpv6_type::kTimeExceeded, 0, 0,
                    Packet(far.far), 1);
  EXPECT_TRUE(world.Silent());
}

TEST_P(Router, ANextHopThatDoesNotAnswerIsToldToTheSender) {
  const IpAddress nobody = Ip(v4() ? "203.0.113.77" : "2001:db8:1::77");
  world.ReceiveIp(Packet(nobody));
  EXPECT_FALSE(world.FarSilent());  // resolution
  world.far_link.Clear();
  world.Advance(seconds(4));
  world.far_link.Clear();
  ExpectError(icmpv4_type::kDestinationUnreachable, icmpv4_code::kHost,
              icmpv6_type::kDestinationUnreachable, icmpv6_code::kAddress);
}

TEST_P(Router, PacketsWaitForResolution) {
  const IpAddress late = Ip(v4() ? "203.0.113.78" : "2001:db8:1::78");
  world.ReceiveIp(Packet(late));
  world.far_link.Clear();
  EXPECT_TRUE(world.Silent());  // no error yet
  world.KnowOn(kEth1, late, kFarMac);
  const ParsedFrame out = world.NextFar();
  EXPECT_EQ(out.destination, late);
  EXPECT_EQ(out.hop_limit, 63);
}

// --- Redirects (RFC 1812 5.2.7.2, RFC 4861 8.2) ------------------------------------------------

TEST_P(Router, ABetterHopOnTheSameLinkIsToldAndThePacketForwarded) {
  world.Route(v4() ? "10.0.0.0/8" : "2001:db8:ffff::/48",
              v4() ? cast.other : Ip("fe80::3"), kEth0);
  world.KnowOn(kEth0, Ip("fe80::3"), kOtherMac);
  world.ReceiveIp(Packet(far.beyond));
  const ParsedFrame redirect = world.Next();
  ASSERT_TRUE(redirect.ok);
  EXPECT_EQ(redirect.to, kPeerMac);
  EXPECT_EQ(redirect.destination, cast.peer);
  if (v4()) {
    EXPECT_EQ(redirect.source, cast.own);
    EXPECT_EQ(redirect.icmp_type(), icmpv4_type::kRedirect);
    EXPECT_EQ(redirect.icmp_code(), icmpv4_code::kRedirectHost);
    EXPECT_EQ(redirect.icmp_rest(), LoadBe32(cast.other.data()));
    EXPECT_EQ(redirect.icmp_body(), Packet(far.beyond));
  } else {
    EXPECT_EQ(redirect.source, Ip("fe80::1"));
    EXPECT_EQ(redirect.hop_limit, 255);
    EXPECT_EQ(redirect.icmp_type(), icmpv6_type::kRedirect);
    EXPECT_EQ(IpAddress::V6(redirect.payload.data() + 8), Ip("fe80::3"));
    EXPECT_EQ(IpAddress::V6(redirect.payload.data() + 24), far.beyond);
    EXPECT_EQ(redirect.payload[40], 2);  // the target's link address
    EXPECT_EQ(redirect.payload[48], 4);  // the packet
    EXPECT_EQ(redirect.payload.size() % 8, 0u);
  }
  const ParsedFrame out = world.Next();
  EXPECT_EQ(out.to, kOtherMac);
  EXPECT_EQ(out.destination, far.beyond);
}

TEST_P(Router, ANeighbourOfTheSourceIsItsOwnFirstHop) {
  world.ReceiveIp(Packet(cast.other));
  const ParsedFrame redirect = world.Next();
  ASSERT_TRUE(redirect.ok);
  if (v4()) {
    EXPECT_EQ(redirect.icmp_rest(), LoadBe32(cast.other.data()));
  } else {
    EXPECT_EQ(IpAddress::V6(redirect.payload.data() + 8), cast.other);
    EXPECT_EQ(IpAddress::V6(redirect.payload.data() + 24), cast.other);
  }
  EXPECT_EQ(world.Next().to, kOtherMac);
}

TEST_P(Router, RedirectsCanBeSwitchedOff) {
  world.Set("ipv4.conf.all.send_redirects", "0");
  world.Set("ipv4.conf.eth0.send_redirects", "0");
  world.ReceiveIp(Packet(cast.other));
  EXPECT_EQ(world.Next().destination, cast.other);
  EXPECT_TRUE(world.Silent());
}

TEST_P(Router, NoRedirectToASourceOfAnotherNetwork) {
  const Bytes packet = IpPacket(cast.remote, cast.other, ip_protocol::kUdp,
                                UdpDatagram(cast.remote, cast.other, 1, 2, {}));
  world.ReceiveIp(packet);
  EXPECT_EQ(world.Next().destination, cast.other);
  EXPECT_TRUE(world.Silent());
}

TEST_P(Router, RedirectsAreLimitedPerSource) {
  int sent = 0;
  for (int i = 0; i < 100; ++i) {
    world.ReceiveIp(Packet(cast.other));
    while (!world.Silent()) {
      if (world.Next().destination == cast.peer) ++sent;
    }
    world.Advance(milliseconds(100));
  }
  EXPECT_GE(sent, 3);
  EXPECT_LE(sent, 9);
}

}  // namespace
}  // namespace moat::netstack
