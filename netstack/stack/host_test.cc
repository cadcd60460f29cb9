// What a host owes the network in both families: echo, what it refuses, what it sends to groups.
#include "netstack/stack/host_test_world.h"

namespace moat::netstack {
namespace {

class Host : public HostStory {};
INSTANTIATE_TEST_SUITE_P(Families, Host, kFamilies, FamilyName);

// --- Echo (RFC 1122 3.2.2.6, RFC 4443 4.2) ------------------------------------------------------

TEST_P(Host, AnswersEchoWithTheSameData) {
  world.ReceiveEchoRequest(cast.peer, cast.own, Pattern(100));
  const ParsedFrame reply = world.Next();
  ASSERT_TRUE(reply.ok);
  EXPECT_EQ(reply.to, kPeerMac);
  EXPECT_EQ(reply.icmp_type(), EchoReplyType());
  EXPECT_EQ(reply.icmp_code(), 0);
  EXPECT_EQ(reply.icmp_rest(), 0x12340001u);
  EXPECT_EQ(reply.icmp_body(), Pattern(100));
  EXPECT_EQ(reply.source, cast.own);
  EXPECT_EQ(reply.destination, cast.peer);
  EXPECT_EQ(reply.hop_limit, 64);
  EXPECT_TRUE(world.Silent());
}

TEST_P(Host, AnswersEchoFromBeyondTheGateway) {
  world.ReceiveEchoRequest(cast.remote, cast.own, {});
  const ParsedFrame reply = world.Next();
  EXPECT_EQ(reply.to, kOtherMac);
  EXPECT_EQ(reply.destination, cast.remote);
}

TEST_P(Host, EchoWithABadChecksumIsDropped) {
  Bytes packet = IpPacket(cast.peer, cast.own, IcmpProtocol(), EchoMessage(20));
  packet.back() ^= 1;
  world.ReceiveIp(packet);
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.IcmpChecksum"), 1u);
}

TEST_P(Host, EchoCanBeSwitchedOff) {
  ASSERT_TRUE(
      world.stack.SetSysctl(v4() ? "ipv4.icmp_echo_ignore_all" : "ipv6.icmp.echo_ignore_all", "1")
          .ok());
  world.ReceiveEchoRequest(cast.peer, cast.own, {});
  EXPECT_TRUE(world.Silent());
}

// --- What is not for us -------------------------------------------------------------------------

TEST_P(Host, PacketForAnotherAddressIsDropped) {
  world.ReceiveEchoRequest(cast.peer, cast.other, {});
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.NotOurAddress"), 1u);
  EXPECT_EQ(world.Count(Mib("InAddrErrors")), 1u);
}

TEST_P(Host, FrameForAnotherLinkAddressIsDropped) {
  world.ReceiveIp(IpPacket(cast.peer, cast.own, IcmpProtocol(), EchoMessage(8)), kOtherMac);
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.OtherHost"), 1u);
}

TEST_P(Host, OurOwnAddressAsSourceIsAMartian) {
  world.ReceiveEchoRequest(cast.own, cast.own, {});
  EXPECT_EQ(world.Count("Drop.MartianSource"), 1u);
}

TEST_P(Host, LoopbackAddressesComeFromNoWire) {
  const IpAddress lo = v4() ? Ip("127.0.0.1") : Ip("::1");
  world.ReceiveEchoRequest(lo, cast.own, {});
  world.ReceiveEchoRequest(cast.peer, lo, {});
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.MartianSource"), 1u);
  EXPECT_EQ(world.Count("Drop.MartianDestination"), 1u);
}

TEST_P(Host, PacketsOfGroupsThatNobodyJoinedAreDropped) {
  const IpAddress group = v4() ? Ip("239.1.2.3") : Ip("ff05::123");
  const Bytes packet = IpPacket(cast.peer, group, ip_protocol::kUdp,
                                UdpDatagram(cast.peer, group, 4000, 53, Pattern(5)));
  auto socket = world.UdpSocket(GetParam());
  ASSERT_EQ(socket->Bind({IpAddress::Any(GetParam()), 53}), Error::kOk);
  world.ReceiveIp(packet, MulticastMac(group));
  EXPECT_FALSE(socket->Receive().ok());
  EXPECT_EQ(world.Count("Drop.NotMember"), 1u);
  ASSERT_EQ(socket->JoinGroup(group, kEth0), Error::kOk);
  world.link.Clear();
  world.ReceiveIp(packet, MulticastMac(group));
  EXPECT_TRUE(socket->Receive().ok());
  ASSERT_EQ(socket->LeaveGroup(group, kEth0), Error::kOk);
  world.ReceiveIp(packet, MulticastMac(group));
  EXPECT_FALSE(socket->Receive().ok());
}

TEST_P(Host, MulticastIsSentToTheGroupsLinkAddressAndLoopedToMembers) {
  const IpAddress group = v4() ? Ip("239.1.2.3") : Ip("ff05::123");
  auto socket = world.UdpSocket(GetParam());
  ASSERT_EQ(socket->Bind({IpAddress::Any(GetParam()), 53}), Error::kOk);
  ASSERT_EQ(socket->JoinGroup(group, kEth0), Error::kOk);
  world.link.Clear();
  EXPECT_EQ(StackWorld::SendTo(*socket, {group, 53}, Pattern(5)), Error::kOk);
  const ParsedFrame frame = world.Next();
  EXPECT_EQ(frame.to, MulticastMac(group));
  EXPECT_EQ(frame.source, cast.own);
  EXPECT_EQ(frame.hop_limit, 1);
  world.stack.Flush();
  EXPECT_TRUE(socket->Receive().ok());
}

TEST_P(Host, DownInterfaceHearsAndSaysNothing) {
  ASSERT_TRUE(world.stack.SetInterfaceUp(kEth0, false).ok());
  world.ReceiveEchoRequest(cast.peer, cast.own, {});
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.InterfaceDown"), 1u);
}

TEST_P(Host, RemovedAddressIsNoLongerServed) {
  ASSERT_TRUE(
      world.stack.RemoveAddress(kEth0, {cast.own, v4() ? 24 : 64}).ok());
  world.ReceiveEchoRequest(cast.peer, cast.own, {});
  EXPECT_TRUE(world.Silent());
  EXPECT_FALSE(world.stack.IsLocalAddress(cast.own));
}

TEST_P(Host, FullLinkIsCounted) {
  auto socket = world.UdpSocket(GetParam());
  world.link.set_full(true);
  (void)StackWorld::SendTo(*socket, {cast.peer, 53}, Pattern(5));
  EXPECT_EQ(world.Count("Drop.LinkFull"), 1u);
  EXPECT_EQ(world.stack.FindInterface(kEth0)->counters.tx_dropped, 1u);
}

TEST_P(Host, WithoutCarrierPacketsVanish) {
  ASSERT_TRUE(world.stack.SetInterfaceRunning(kEth0, false).ok());
  auto socket = world.UdpSocket(GetParam());
  EXPECT_EQ(StackWorld::SendTo(*socket, {cast.peer, 53}, Pattern(5)), Error::kOk);
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.NoCarrier"), 1u);
}

TEST_P(Host, ChecksumIsLeftToALinkThatCan) {
  StackWorld offload({.has_ethernet_header = true, .tx_checksum_offload = true,
                      .max_gso_bytes = 65536});
  offload.Know(cast.peer);
  auto socket = offload.UdpSocket(GetParam());
  EXPECT_EQ(StackWorld::SendTo(*socket, {cast.peer, 53}, Pattern(50)), Error::kOk);
  ASSERT_EQ(offload.link.sent().size(), 1u);
  const TxOffload& tx = offload.link.sent().front().offload;
  EXPECT_TRUE(tx.needs_checksum);
  EXPECT_EQ(tx.checksum_start, kEthernetHeaderSize + (v4() ? 20 : 40));
  EXPECT_EQ(tx.checksum_offset, 6);
  // Completed as a device would, it is right.
  const ParsedFrame frame = offload.Next();
  EXPECT_TRUE(TransportChecksumValid(frame.source, frame.destination, 17, frame.payload));
}

}  // namespace
}  // namespace moat::netstack
