// Packets for one address in frames for several stations (link-layer broadcast and multicast).
#include "netstack/stack/host_test_world.h"
#include "netstack/stack/router_test_world.h"

namespace moat::netstack {
namespace {

constexpr uint16_t kPort = 53;
const MacAddress kGroupMac{{0x33, 0x33, 0, 0, 0, 0x01}};

Bytes TcpSegment(const Cast& cast, uint8_t flags, uint32_t seq) {
  TcpFields fields;
  fields.source_port = 4000;
  fields.destination_port = kPort;
  fields.seq = SeqNum(seq);
  fields.flags = flags;
  fields.window = 1000;
  Bytes segment(kTcpHeaderSize);
  EmitTcp(fields, segment.data());
  FixChecksum(cast.peer, cast.own, ip_protocol::kTcp, segment);
  return IpPacket(cast.peer, cast.own, ip_protocol::kTcp, segment);
}

Bytes UdpPacket(const Cast& cast) {
  return IpPacket(cast.peer, cast.own, ip_protocol::kUdp,
                  UdpDatagram(cast.peer, cast.own, 4000, kPort, Pattern(8)));
}

// --- IPv4 (RFC 1122 3.3.6) -----------------------------------------------------------------------

class GroupFramesV4 : public testing::Test {
 protected:
  StackWorld world;
  Cast cast = CastOf(Family::kIpv4);
};

TEST_F(GroupFramesV4, AUnicastPacketIsDropped) {
  world.Know(cast.peer);
  const Bytes echo =
      IcmpMessage(cast.peer, cast.own, icmpv4_type::kEchoRequest, 0, 1, Pattern(8));
  for (const MacAddress& to : {MacAddress::Broadcast(), kGroupMac}) {
    world.ReceiveIp(IpPacket(cast.peer, cast.own, ip_protocol::kIcmp, echo), to);
  }
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.LinkBroadcast"), 2u);
}

// --- IPv6 ----------------------------------------------------------------------------------------

class GroupFramesV6 : public testing::TestWithParam<MacAddress> {
 protected:
  GroupFramesV6() { world.Know(cast.peer); }
  void Receive(const Bytes& packet) { world.ReceiveIp(packet, GetParam()); }
  Bytes Echo() const {
    return IpPacket(cast.peer, cast.own, ip_protocol::kIcmpV6,
                    IcmpMessage(cast.peer, cast.own, icmpv6_type::kEchoRequest, 0, 1, Pattern(8)));
  }
  // A piece of a datagram to a closed port.
  Bytes Fragment(size_t offset, size_t size, bool more) const {
    const Bytes whole = UdpDatagram(cast.peer, cast.own, 4000, kPort, Pattern(1600 - 8));
    Bytes header(kIpv6FragmentHeaderSize);
    EmitIpv6FragmentHeader({ip_protocol::kUdp, static_cast<uint32_t>(offset), more, 7},
                           header.data());
    const auto from = whole.begin() + static_cast<ptrdiff_t>(offset);
    return IpPacket(cast.peer, cast.own, ipv6_next_header::kFragment,
                    header + Bytes(from, from + static_cast<ptrdiff_t>(size)));
  }

  StackWorld world;
  Cast cast = CastOf(Family::kIpv6);
};
INSTANTIATE_TEST_SUITE_P(Frames, GroupFramesV6, testing::Values(MacAddress::Broadcast(), kGroupMac),
                         [](const testing::TestParamInfo<MacAddress>& info) {
                           return info.param == kGroupMac ? "Multicast" : "Broadcast";
                         });

TEST_P(GroupFramesV6, AnEchoIsAnsweredFromTheAddressThatWasAsked) {
  Receive(Echo());
  const ParsedFrame reply = world.Next();
  ASSERT_TRUE(reply.ok);
  EXPECT_EQ(reply.icmp_type(), icmpv6_type::kEchoReply);
  EXPECT_EQ(reply.source, cast.own);
  EXPECT_EQ(reply.to, kPeerMac);
  EXPECT_EQ(world.Count("Drop.LinkBroadcast"), 0u);
}

TEST_P(GroupFramesV6, ASysctlDropsIt) {
  ASSERT_TRUE(
      world.stack.SetSysctl("ipv6.conf.eth0.drop_unicast_in_l2_multicast", "1").ok());
  Receive(Echo());
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.LinkBroadcast"), 1u);
  world.ReceiveIp(Echo());
  EXPECT_EQ(world.Next().icmp_type(), icmpv6_type::kEchoReply);
}

TEST_P(GroupFramesV6, ADatagramReachesItsSocket) {
  auto socket = world.UdpSocket(Family::kIpv6);
  ASSERT_EQ(socket->Bind({cast.own, kPort}), Error::kOk);
  Receive(UdpPacket(cast));
  EXPECT_EQ(world.Count("Udp6.InDatagrams"), 1u);
}

TEST_P(GroupFramesV6, Rfc4443_S2_4_E_AClosedPortIsNotReported) {
  Receive(UdpPacket(cast));
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Udp6.NoPorts"), 1u);
  world.ReceiveIp(UdpPacket(cast));
  EXPECT_EQ(world.Next().icmp_type(), icmpv6_type::kDestinationUnreachable);
}

// The exceptions of e.3, which e.4 and e.5 have too.
TEST_P(GroupFramesV6, Rfc4443_S2_4_E_OfUnknownOptionsOnlyThoseForGroupsAreReported) {
  const auto with_option = [this](uint8_t type) {
    return IpPacket(cast.peer, cast.own, ipv6_next_header::kDestinationOptions,
                    Bytes{59, 0, type, 4, 0, 0, 0, 0});
  };
  Receive(with_option(0xde));
  EXPECT_TRUE(world.Silent());
  Receive(with_option(0x9e));
  const ParsedFrame problem = world.Next();
  EXPECT_EQ(problem.icmp_type(), icmpv6_type::kParameterProblem);
  EXPECT_EQ(problem.source, cast.own);
}

TEST_P(GroupFramesV6, Rfc4443_S2_4_E_FragmentsThatStayAloneAreNotReported) {
  Receive(Fragment(0, 800, true));
  world.Advance(std::chrono::seconds(61));
  EXPECT_EQ(world.Count("Ip6.ReasmTimeout"), 1u);
  EXPECT_TRUE(world.Silent());
  world.ReceiveIp(Fragment(0, 800, true));
  world.Advance(std::chrono::seconds(61));
  EXPECT_EQ(world.Next().icmp_type(), icmpv6_type::kTimeExceeded);
}

TEST_P(GroupFramesV6, Rfc4443_S2_4_E_WhatCameInPartAsAGroupsIsNotReported) {
  Receive(Fragment(0, 800, true));
  world.ReceiveIp(Fragment(800, 800, false));
  EXPECT_EQ(world.Count("Udp6.NoPorts"), 1u);
  EXPECT_TRUE(world.Silent());
}

TEST_P(GroupFramesV6, TcpTakesNoSegment) {
  auto listener = world.stack.NewTcpSocket(Family::kIpv6);
  ASSERT_EQ(listener->Bind({cast.own, kPort}), Error::kOk);
  ASSERT_EQ(listener->Listen(1), Error::kOk);
  const Bytes syn = TcpSegment(cast, tcp_flag::kSyn, 0);
  Receive(syn);
  Receive(TcpSegment(cast, tcp_flag::kAck, 1));  // no RST either
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("TcpMoat.GroupFrameDrops"), 2u);
  EXPECT_EQ(world.Count("Tcp.InSegs"), 0u);  // as Linux
  world.ReceiveIp(syn);
  ASSERT_TRUE(world.Next().ok);
  const Bytes reset = TcpSegment(cast, tcp_flag::kRst, 1);
  Receive(reset);
  EXPECT_EQ(world.Count("Tcp.AttemptFails"), 0u);
  world.ReceiveIp(reset);
  EXPECT_EQ(world.Count("Tcp.AttemptFails"), 1u);
}

TEST_P(GroupFramesV6, ARouterForwardsNone) {
  RouterWorld router;
  const FarCast far = FarCastOf(Family::kIpv6);
  const Bytes packet = IpPacket(cast.peer, far.far, ip_protocol::kUdp,
                                UdpDatagram(cast.peer, far.far, 4000, kPort, Pattern(8)));
  router.ReceiveIp(packet, GetParam());
  EXPECT_TRUE(router.FarSilent());
  EXPECT_TRUE(router.Silent());
  EXPECT_EQ(router.Count("Drop.LinkBroadcast"), 1u);
  router.ReceiveIp(packet);
  EXPECT_FALSE(router.FarSilent());
}

}  // namespace
}  // namespace moat::netstack
