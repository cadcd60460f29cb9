// A stack that forwards: RFC 1812 and RFC 8200 as a router's, redirects sent, errors, fragments.

#include "netstack/stack/router_test_world.h"
#include "netstack/wire/ipv6_extension.h"

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
  world.ReceiveIcmp(cast.peer, far.own, v4() ? icmpv4_type::kEchoRequest : icmpv6_type::kEchoRequest,
                    0, 1, {}, 1);
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

// --- IPv4 alone --------------------------------------------------------------------------------

class RouterV4 : public testing::Test {
 protected:
  Ipv4Fields Fields() const {
    Ipv4Fields fields;
    fields.identification = 77;
    fields.protocol = 253;
    fields.source = cast.peer;
    fields.destination = far.far;
    return fields;
  }
  RouterWorld world;
  Cast cast = CastOf(Family::kIpv4);
  FarCast far = FarCastOf(Family::kIpv4);
};

TEST_F(RouterV4, Rfc1812_S4_2_2_7_ForwardedPacketsAreFragmented) {
  ASSERT_TRUE(world.stack.SetInterfaceMtu(kEth1, 600).ok());
  world.ReceiveIp(Ipv4Packet(Fields(), Pattern(1400)));
  Bytes whole;
  for (bool more = true; more;) {
    const ParsedFrame piece = world.NextFar();
    ASSERT_TRUE(piece.ok);
    EXPECT_EQ(piece.fragment_offset, whole.size());
    EXPECT_EQ(piece.identification, 77u);
    EXPECT_EQ(piece.hop_limit, 63);
    EXPECT_LE(kIpv4HeaderSize + piece.payload.size(), 600u);
    whole = whole + piece.payload;
    more = piece.more_fragments;
  }
  EXPECT_EQ(whole, Pattern(1400));
  EXPECT_TRUE(world.FarSilent());
  EXPECT_EQ(world.Count("Ip.FragCreates"), 3u);
}

TEST_F(RouterV4, Rfc791_AFragmentIsCutAgain) {
  ASSERT_TRUE(world.stack.SetInterfaceMtu(kEth1, 600).ok());
  Ipv4Fields fields = Fields();
  fields.more_fragments = true;
  fields.fragment_offset = 8000;
  world.ReceiveIp(Ipv4Packet(fields, Pattern(800)));
  const ParsedFrame first = world.NextFar(), second = world.NextFar();
  EXPECT_EQ(first.fragment_offset, 8000u);
  EXPECT_EQ(second.fragment_offset, 8000u + first.payload.size());
  EXPECT_TRUE(first.more_fragments);
  EXPECT_TRUE(second.more_fragments);
  EXPECT_EQ(first.payload + second.payload, Pattern(800));
}

TEST_F(RouterV4, Rfc791_OnlyOptionsToCopyAreInLaterFragments) {
  ASSERT_TRUE(world.stack.SetInterfaceMtu(kEth1, 600).ok());
  Bytes packet = Ipv4Packet(Fields(), Pattern(1000));
  // Router alert (copied) and a no-operation; record route (not copied) with one slot.
  const Bytes options = {148, 4, 0, 0, 1, 7, 7, 4, 0, 0, 0, 0};
  packet.insert(packet.begin() + kIpv4HeaderSize, options.begin(), options.end());
  packet[0] = 0x48;
  StoreBe16(packet.data() + 2, static_cast<uint16_t>(packet.size()));
  FixIpv4Checksum({packet.data(), 32});
  world.ReceiveIp(packet);
  const Bytes first = world.far_link.TakeFrame(), second = world.far_link.TakeFrame();
  ASSERT_GT(second.size(), 14u);
  EXPECT_EQ(first[14], 0x48);
  EXPECT_EQ(second[14], 0x46);
  EXPECT_EQ(second[14 + 20], 148);
  EXPECT_EQ(ParseFrame(first).payload + ParseFrame(second).payload, Pattern(1000));
}

TEST_F(RouterV4, Rfc1812_S4_3_2_4_AnErrorComesFromTheInterfaceItLeavesBy) {
  world.ReceiveIp(IpPacket(cast.peer, far.far, 253, {1}, 1));
  EXPECT_EQ(world.Next().source, cast.own);
  world.ReceiveFar(IpPacket(far.far, cast.peer, 253, {1}, 1));
  EXPECT_EQ(world.NextFar().source, far.own);
}

TEST_F(RouterV4, Rfc1812_S4_3_2_5_AnErrorHasThePrecedenceOfInternetworkControl) {
  world.ReceiveIp(IpPacket(cast.peer, far.far, 253, {1}, 1));
  const Bytes error = world.link.TakeFrame();
  ASSERT_GT(error.size(), 15u);
  EXPECT_EQ(error[15] >> 5, 6);
}

TEST_F(RouterV4, Rfc1812_S4_3_2_5_AReplyHasTheTypeOfServiceOfItsRequest) {
  Ipv4Fields fields = Fields();
  fields.tos = 0x30;
  fields.protocol = ip_protocol::kIcmp;
  fields.destination = cast.own;
  world.ReceiveIp(Ipv4Packet(fields, IcmpMessage(cast.peer, cast.own, icmpv4_type::kEchoRequest, 0, 1, {})));
  const Bytes reply = world.link.TakeFrame();
  ASSERT_GT(reply.size(), 15u);
  EXPECT_EQ(reply[15], 0x30);
}

TEST_F(RouterV4, Rfc6864_S4_3_DontFragmentIsKept) {
  Ipv4Fields fields = Fields();
  for (const bool dont_fragment : {true, false}) {
    fields.dont_fragment = dont_fragment;
    world.ReceiveIp(Ipv4Packet(fields, Pattern(10)));
    const Bytes out = world.far_link.TakeFrame();
    ASSERT_GT(out.size(), 20u);
    EXPECT_EQ((out[14 + 6] & 0x40) != 0, dont_fragment);
  }
}

TEST_F(RouterV4, Rfc1812_S5_3_7_MartiansAreNotForwarded) {
  for (const char* source : {"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "240.0.0.1",
                             "255.255.255.255", "192.0.2.255", "203.0.113.1"}) {
    world.ReceiveIp(IpPacket(Ip(source), far.far, 253, {1}));
    EXPECT_TRUE(world.FarSilent()) << source;
    EXPECT_TRUE(world.Silent()) << source;
  }
  for (const char* destination : {"0.1.2.3", "127.1.2.3", "240.0.0.1"}) {
    world.ReceiveIp(IpPacket(cast.peer, Ip(destination), 253, {1}));
    EXPECT_TRUE(world.FarSilent()) << destination;
  }
}

TEST_F(RouterV4, Rfc2644_DirectedBroadcastsAreNotForwardedByDefault) {
  world.ReceiveIp(IpPacket(cast.peer, Ip("203.0.113.255"), 253, {1}));
  EXPECT_TRUE(world.FarSilent());
}

TEST_F(RouterV4, Rfc1812_S5_3_5_2_DirectedBroadcastsCanBeForwarded) {
  world.Set("ipv4.conf.all.bc_forwarding", "1");
  world.Set("ipv4.conf.eth0.bc_forwarding", "1");
  world.ReceiveIp(IpPacket(cast.peer, Ip("203.0.113.255"), 253, {1}));
  const ParsedFrame out = world.NextFar();
  EXPECT_EQ(out.to, MacAddress::Broadcast());
  EXPECT_EQ(out.hop_limit, 63);
  // One that came as a link broadcast, and the limited broadcast, never are.
  world.ReceiveIp(IpPacket(cast.peer, Ip("203.0.113.255"), 253, {1}), MacAddress::Broadcast());
  world.ReceiveIp(IpPacket(cast.peer, Ip("255.255.255.255"), 253, {1}), MacAddress::Broadcast());
  EXPECT_TRUE(world.FarSilent());
}

TEST_F(RouterV4, Rfc3927_S7_LinkLocalBroadcastsAreNotForwarded) {
  world.Set("ipv4.conf.all.bc_forwarding", "1");
  world.Set("ipv4.conf.eth0.bc_forwarding", "1");
  ASSERT_TRUE(world.stack.AddAddress(kEth1, *Prefix::Parse("169.254.7.7/16"), {}).ok());
  world.ReceiveIp(IpPacket(cast.peer, Ip("169.254.255.255"), 253, {1}));
  world.ReceiveIp(IpPacket(Ip("169.254.1.1"), Ip("203.0.113.255"), 253, {1}));
  EXPECT_TRUE(world.FarSilent());
}

TEST_F(RouterV4, Rfc1812_S5_3_8_StrictReversePathDropsWhatCameFromElsewhere) {
  world.Set("ipv4.conf.eth0.rp_filter", "1");
  world.ReceiveIp(IpPacket(far.far, cast.peer, 253, {1}));  // a source of eth1's network
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.ReversePath"), 1u);
  world.ReceiveIp(IpPacket(cast.peer, far.far, 253, {1}));
  EXPECT_FALSE(world.FarSilent());
}

TEST_F(RouterV4, Rfc3704_LooseReversePathWantsAnyRoute) {
  world.Set("ipv4.conf.all.rp_filter", "2");
  world.ReceiveIp(IpPacket(far.far, cast.other, 253, {1}));
  EXPECT_FALSE(world.Silent());
}

TEST_F(RouterV4, SourceRoutesAreRefused) {
  Bytes packet = Ipv4Packet(Fields(), Pattern(8));
  const Bytes options = {131, 7, 4, 10, 0, 0, 1, 0};
  packet.insert(packet.begin() + kIpv4HeaderSize, options.begin(), options.end());
  packet[0] = 0x47;
  StoreBe16(packet.data() + 2, static_cast<uint16_t>(packet.size()));
  FixIpv4Checksum({packet.data(), 28});
  world.ReceiveIp(packet);
  const ParsedFrame error = world.Next();
  EXPECT_EQ(error.icmp_type(), icmpv4_type::kDestinationUnreachable);
  EXPECT_EQ(error.icmp_code(), icmpv4_code::kSourceRouteFailed);
  EXPECT_TRUE(world.FarSilent());
}

TEST_F(RouterV4, TruncatedToTheTotalLength) {
  Bytes packet = IpPacket(cast.peer, far.far, 253, Pattern(10));
  packet.resize(packet.size() + 16);  // link padding
  world.ReceiveIp(packet);
  EXPECT_EQ(world.NextFar().payload, Pattern(10));
}

// --- IPv6 alone --------------------------------------------------------------------------------

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
  world.ReceiveIp(IpPacket(cast.peer, all_routers, ip_protocol::kIcmpV6,
                           IcmpMessage(cast.peer, all_routers, icmpv6_type::kEchoRequest, 0, 1, {})),
                  MulticastMac(all_routers));
  EXPECT_EQ(world.Next().icmp_type(), icmpv6_type::kEchoReply);
}

// --- Super-segments ----------------------------------------------------------------------------

Bytes TcpPacket(const IpAddress& source, const IpAddress& destination, size_t payload) {
  Bytes segment(20);
  StoreBe16(segment.data(), 4000);
  StoreBe16(segment.data() + 2, 80);
  segment[12] = 0x50;
  segment[13] = 0x10;
  return IpPacket(source, destination, ip_protocol::kTcp, segment + Pattern(payload));
}

class RouterOffload : public testing::TestWithParam<Family> {
 protected:
  Cast cast = CastOf(GetParam());
  FarCast far = FarCastOf(GetParam());
  // A merged frame whose checksum was never filled, as a veth gives it.
  void ReceiveSuper(RouterWorld& world, size_t payload, uint16_t gso_size) {
    const Bytes packet = TcpPacket(cast.peer, far.far, payload);
    const uint16_t type = packet[0] >> 4 == 4 ? ethertype::kIpv4 : ethertype::kIpv6;
    RxFrame frame = ReceivedFrame(EthernetFrame(kOwnMac, kPeerMac, type, packet));
    frame.checksum = RxChecksum::kVerified;
    frame.gso_size = gso_size;
    world.stack.Receive(kEth0, std::move(frame));
    world.stack.Flush();
  }
};
INSTANTIATE_TEST_SUITE_P(Families, RouterOffload, testing::Values(Family::kIpv4, Family::kIpv6));

TEST_P(RouterOffload, SuperSegmentsStayWholeWhereTheLinkCanCutThem) {
  RouterWorld world({true, true, 65536});
  ReceiveSuper(world, 10000, 1400);
  ASSERT_EQ(world.far_link.sent().size(), 1u);
  EXPECT_EQ(world.far_link.sent()[0].offload.gso_size, 1400);
  size_t bytes = 0;
  for (const Bytes& frame : world.far_link.TakeWireFrames()) {
    const ParsedFrame piece = ParseFrame(frame);
    EXPECT_TRUE(TransportChecksumValid(piece.source, piece.destination, ip_protocol::kTcp,
                                       piece.payload));
    bytes += piece.payload.size() - 20;
  }
  EXPECT_EQ(bytes, 10000u);
}

TEST_P(RouterOffload, SuperSegmentsAreCutForALinkThatCannot) {
  RouterWorld world;
  ReceiveSuper(world, 3000, 1400);
  size_t bytes = 0;
  while (!world.FarSilent()) {
    const ParsedFrame piece = world.NextFar();
    ASSERT_TRUE(piece.ok);
    EXPECT_TRUE(TransportChecksumValid(piece.source, piece.destination, ip_protocol::kTcp,
                                       piece.payload));
    bytes += piece.payload.size() - 20;
  }
  EXPECT_EQ(bytes, 3000u);
}

TEST_P(RouterOffload, ChecksumsThatNobodyFilledAreFilled) {
  RouterWorld world;
  ReceiveSuper(world, 100, 0);
  const ParsedFrame out = world.NextFar();
  EXPECT_TRUE(
      TransportChecksumValid(out.source, out.destination, ip_protocol::kTcp, out.payload));
}

}  // namespace
}  // namespace moat::netstack
