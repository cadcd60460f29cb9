// A stack that forwards IPv4 (RFC 1812): fragments, options, martians, broadcasts, reverse paths.

#include "netstack/stack/router_test_world.h"

namespace moat::netstack {
namespace {

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
  for (const bool more : {true, false}) {
    Ipv4Fields fields = Fields();
    fields.more_fragments = more;
    fields.fragment_offset = 8000;
    world.ReceiveIp(Ipv4Packet(fields, Pattern(800)));
    const ParsedFrame first = world.NextFar(), second = world.NextFar();
    EXPECT_EQ(first.fragment_offset, 8000u);
    EXPECT_EQ(second.fragment_offset, 8000u + first.payload.size());
    EXPECT_TRUE(first.more_fragments);
    EXPECT_EQ(second.more_fragments, more);
    EXPECT_EQ(first.payload + second.payload, Pattern(800));
    EXPECT_TRUE(world.FarSilent());
  }
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
  world.ReceiveIp(
      Ipv4Packet(fields, IcmpMessage(cast.peer, cast.own, icmpv4_type::kEchoRequest, 0, 1, {})));
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

}  // namespace
}  // namespace moat::netstack
