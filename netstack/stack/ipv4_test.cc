// What only IPv4 has: header checks, options, broadcast, ICMPv4's own rules.

#include "netstack/stack/stack_test_world.h"

namespace moat::netstack {
namespace {

class Ipv4 : public testing::Test {
 protected:
  Ipv4() { world.Know(cast.peer); }

  Bytes Echo(size_t body = 8) const {
    return IpPacket(cast.peer, cast.own, ip_protocol::kIcmp,
                    IcmpMessage(cast.peer, cast.own, icmpv4_type::kEchoRequest, 0, 1,
                                Pattern(body)));
  }
  // An echo request whose header carries `options` (a multiple of 4 bytes).
  Bytes EchoWithOptions(const Bytes& options) const {
    Bytes packet = Echo();
    packet.insert(packet.begin() + kIpv4HeaderSize, options.begin(), options.end());
    packet[0] = static_cast<uint8_t>(0x45 + options.size() / 4);
    StoreBe16(packet.data() + 2, static_cast<uint16_t>(packet.size()));
    FixIpv4Checksum({packet.data(), kIpv4HeaderSize + options.size()});
    return packet;
  }
  static Bytes OptionsOf(const Bytes& frame) {
    Ipv4View view;
    const std::span<const uint8_t> ip = std::span(frame).subspan(kEthernetHeaderSize);
    if (Ipv4View::Parse(ip, &view) != Ipv4Parse::kOk || !view.ChecksumValid()) return {0xee};
    return Bytes(view.options().begin(), view.options().end());
  }
  void ReceiveBroadcast(const IpAddress& destination, uint16_t port) {
    world.ReceiveIp(IpPacket(cast.peer, destination, ip_protocol::kUdp,
                             UdpDatagram(cast.peer, destination, 4000, port, Pattern(4))),
                    MacAddress::Broadcast());
  }

  StackWorld world;
  Cast cast = CastOf(Family::kIpv4);
};

using Rfc1122 = Ipv4;
using Rfc791 = Ipv4;
using Rfc792 = Ipv4;
using Rfc919 = Ipv4;
using Rfc1112 = Ipv4;

TEST_F(Rfc1122, S3_2_1_1_OtherVersionIsSilentlyDiscarded) {
  Bytes packet = Echo();
  packet[0] = 0x55;
  world.ReceiveFrame(EthernetFrame(kOwnMac, kPeerMac, ethertype::kIpv4, packet));
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.IpVersion"), 1u);
}

TEST_F(Rfc1122, S3_2_1_2_BadHeaderChecksumIsSilentlyDiscarded) {
  Bytes packet = Echo();
  packet[10] ^= 0x40;
  world.ReceiveIp(packet);
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.IpChecksum"), 1u);
  EXPECT_EQ(world.Count("Ip.InHdrErrors"), 1u);
}

TEST_F(Rfc791, S3_1_LengthsAreChecked) {
  Bytes shorter = Echo();
  shorter.pop_back();
  world.ReceiveIp(shorter);
  EXPECT_EQ(world.Count("Drop.IpTruncated"), 1u);
  Bytes contradicting = Echo();
  StoreBe16(contradicting.data() + 2, 19);
  FixIpv4Checksum({contradicting.data(), kIpv4HeaderSize});
  world.ReceiveIp(contradicting);
  EXPECT_EQ(world.Count("Drop.IpTotalLength"), 1u);
  EXPECT_TRUE(world.Silent());
}

TEST_F(Rfc791, S3_1_LinkPaddingIsNotPartOfThePacket) {
  world.ReceiveIp(Echo(1) + Bytes(17, 0xee));
  const ParsedFrame reply = world.Next();
  ASSERT_TRUE(reply.ok);
  EXPECT_EQ(reply.icmp_body(), Pattern(1));
}

TEST_F(Rfc791, S3_1_GoodOptionsAreSkipped) {
  world.ReceiveIp(EchoWithOptions({1, 1, 1, 0}));
  EXPECT_TRUE(world.Next().ok);
  world.ReceiveIp(EchoWithOptions({148, 4, 0, 0}));  // router alert: not the reply's business
  const Bytes reply = world.link.TakeFrame();
  EXPECT_TRUE(ParseFrame(reply).ok);
  EXPECT_TRUE(OptionsOf(reply).empty());
}

TEST_F(Rfc1122, S3_2_1_8_TheStreamIdentifierIsIgnored) {
  world.ReceiveIp(EchoWithOptions({136, 4, 0x12, 0x34}));
  const Bytes reply = world.link.TakeFrame();
  EXPECT_EQ(ParseFrame(reply).icmp_type(), icmpv4_type::kEchoReply);
  EXPECT_TRUE(OptionsOf(reply).empty());
}

TEST_F(Rfc1122, S3_2_2_6_RecordRouteIsReflectedWithOurAddress) {
  world.ReceiveIp(EchoWithOptions({1, 7, 11, 8, 10, 0, 0, 1, 0, 0, 0, 0}));
  const Bytes reply = world.link.TakeFrame();
  EXPECT_EQ(ParseFrame(reply).icmp_type(), icmpv4_type::kEchoReply);
  EXPECT_EQ(OptionsOf(reply), (Bytes{7, 11, 12, 10, 0, 0, 1, 192, 0, 2, 1, 0}));
  world.ReceiveIp(EchoWithOptions({7, 7, 8, 10, 0, 0, 1, 0}));  // full: as it came
  EXPECT_EQ(OptionsOf(world.link.TakeFrame()), (Bytes{7, 7, 8, 10, 0, 0, 1, 0}));
}

TEST_F(Rfc1122, S3_2_2_6_TimestampsAreReflectedWithOurTime) {
  world.ReceiveIp(EchoWithOptions({68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0}));
  const Bytes both = OptionsOf(world.link.TakeFrame());
  ASSERT_EQ(both.size(), 12u);
  EXPECT_EQ(both[2], 13);
  EXPECT_EQ(IpAddress::V4(both.data() + 4), cast.own);
  EXPECT_EQ(LoadBe32(both.data() + 8) >> 31, 1u);  // no time of the day
  // Prescribed: only who is named writes.
  world.ReceiveIp(EchoWithOptions({68, 12, 5, 3, 9, 9, 9, 9, 0, 0, 0, 0}));
  EXPECT_EQ(OptionsOf(world.link.TakeFrame())[2], 5);
  world.ReceiveIp(EchoWithOptions({68, 12, 5, 3, 192, 0, 2, 1, 0, 0, 0, 0}));
  EXPECT_EQ(OptionsOf(world.link.TakeFrame())[2], 13);
}

TEST_F(Rfc1122, S3_2_2_6_OfAFragmentedReplyTheFirstPieceRecords) {
  Bytes request = Echo(1600);
  const Bytes options = {7, 7, 4, 0, 0, 0, 0, 0};
  const Bytes data(request.begin() + kIpv4HeaderSize, request.end());
  for (size_t offset = 0; offset < data.size(); offset += 1400) {
    const size_t size = std::min<size_t>(1400, data.size() - offset);
    Bytes piece(request.begin(), request.begin() + kIpv4HeaderSize);
    if (offset == 0) piece.insert(piece.end(), options.begin(), options.end());
    const size_t header = piece.size();
    const auto begin = data.begin() + static_cast<ptrdiff_t>(offset);
    piece.insert(piece.end(), begin, begin + static_cast<ptrdiff_t>(size));
    piece[0] = static_cast<uint8_t>(0x40 | header / 4);
    StoreBe16(piece.data() + 2, static_cast<uint16_t>(piece.size()));
    StoreBe16(piece.data() + 6, static_cast<uint16_t>((offset == 0 ? 0x2000 : 0) | offset / 8));
    FixIpv4Checksum({piece.data(), header});
    world.ReceiveIp(piece);
  }
  const Bytes first = world.link.TakeFrame(), second = world.link.TakeFrame();
  EXPECT_EQ(OptionsOf(first), (Bytes{7, 7, 8, 192, 0, 2, 1, 0}));
  EXPECT_LE(first.size(), kEthernetHeaderSize + 1500);
  EXPECT_TRUE(OptionsOf(second).empty());
  EXPECT_EQ(first.size() + second.size(),
            2 * (kEthernetHeaderSize + kIpv4HeaderSize) + options.size() + data.size());
  EXPECT_TRUE(world.Silent());
}

TEST_F(Rfc791, S3_1_ARouteThatFitsInPartIsAnError) {
  world.ReceiveIp(EchoWithOptions({7, 7, 5, 0, 0, 0, 0, 0}));
  EXPECT_EQ(world.Count("Drop.IpOptions"), 1u);
  const ParsedFrame error = world.Next();
  EXPECT_EQ(error.icmp_type(), icmpv4_type::kParameterProblem);
  EXPECT_EQ(error.icmp_rest() >> 24, 22u);  // the pointer
}

TEST_F(Rfc1122, S3_2_1_8_MalformedOptionGetsParameterProblem) {
  world.ReceiveIp(EchoWithOptions({7, 1, 0, 0}));
  EXPECT_EQ(world.Count("Drop.IpOptions"), 1u);
  const ParsedFrame error = world.Next();
  ASSERT_TRUE(error.ok);
  EXPECT_EQ(error.icmp_type(), icmpv4_type::kParameterProblem);
  EXPECT_EQ(error.icmp_rest() >> 24, 21u);  // the option's length
}

TEST_F(Rfc1122, S3_3_5_SourceRouteIsRefused) {
  world.ReceiveIp(EchoWithOptions({131, 7, 4, 192, 0, 2, 7, 0}));
  const ParsedFrame error = world.Next();
  ASSERT_TRUE(error.ok);
  EXPECT_EQ(error.icmp_type(), icmpv4_type::kDestinationUnreachable);
  EXPECT_EQ(error.icmp_code(), icmpv4_code::kSourceRouteFailed);
}

TEST_F(Rfc1122, S3_2_1_3_ImpossibleSourcesAreDropped) {
  for (const char* source : {"224.0.0.1", "127.0.0.1", "255.255.255.255", "240.0.0.1", "0.0.0.0",
                             "0.1.2.3", "192.0.2.255", "192.0.2.1"}) {
    const uint64_t before = world.Count("Drop.MartianSource");
    world.ReceiveEchoRequest(Ip(source), cast.own, {});
    EXPECT_EQ(world.Count("Drop.MartianSource"), before + 1) << source;
  }
  EXPECT_TRUE(world.Silent());
}

TEST_F(Rfc1122, S3_2_2_6_EchoToBroadcastIsIgnoredByDefault) {
  world.ReceiveIp(IpPacket(cast.peer, Ip("192.0.2.255"), ip_protocol::kIcmp,
                           IcmpMessage(cast.peer, Ip("192.0.2.255"), 8, 0, 1, {})),
                  MacAddress::Broadcast());
  const auto ask_the_group = [this] {
    const IpAddress group = Ip("224.0.0.1");
    world.ReceiveIp(IpPacket(cast.peer, group, ip_protocol::kIcmp,
                             IcmpMessage(cast.peer, group, icmpv4_type::kEchoRequest, 0, 1, {})),
                    MulticastMac(group));
  };
  ask_the_group();
  EXPECT_TRUE(world.Silent());
  ASSERT_TRUE(world.stack.SetSysctl("ipv4.icmp_echo_ignore_broadcasts", "0").ok());
  ask_the_group();
  EXPECT_EQ(world.Next().source, cast.own);
  world.ReceiveIp(IpPacket(cast.peer, Ip("192.0.2.255"), ip_protocol::kIcmp,
                           IcmpMessage(cast.peer, Ip("192.0.2.255"), 8, 0, 1, {})),
                  MacAddress::Broadcast());
  const ParsedFrame reply = world.Next();
  ASSERT_TRUE(reply.ok);
  EXPECT_EQ(reply.source, cast.own);  // never the broadcast address
}

TEST_F(Rfc1122, S3_2_2_8_TimestampsToBroadcastAreIgnoredByDefault) {
  const Bytes request = IcmpMessage(cast.peer, Ip("192.0.2.255"), icmpv4_type::kTimestampRequest, 0,
                                    1, Bytes(12));
  world.ReceiveIp(IpPacket(cast.peer, Ip("192.0.2.255"), ip_protocol::kIcmp, request),
                  MacAddress::Broadcast());
  EXPECT_TRUE(world.Silent());
  world.ReceiveIcmp(cast.peer, cast.own, icmpv4_type::kTimestampRequest, 0, 1, Bytes(12));
  EXPECT_TRUE(world.Next().ok);
}

TEST_F(Rfc1122, S3_2_2_UnknownIcmpTypeIsSilentlyDiscarded) {
  world.ReceiveIcmp(cast.peer, cast.own, 200, 0, 0, Pattern(8));
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.IcmpUnknownType"), 1u);
}

TEST_F(Rfc1122, S3_2_2_9_AddressMaskRequestIsNotAnswered) {
  world.ReceiveIcmp(cast.peer, cast.own, icmpv4_type::kAddressMaskRequest, 0, 1, Bytes(4));
  EXPECT_TRUE(world.Silent());
}

TEST_F(Rfc792, TimestampRequestIsAnswered) {
  world.ReceiveIcmp(cast.peer, cast.own, icmpv4_type::kTimestampRequest, 0, 0x00050006,
                    {1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0});
  const ParsedFrame reply = world.Next();
  ASSERT_TRUE(reply.ok);
  EXPECT_EQ(reply.icmp_type(), icmpv4_type::kTimestampReply);
  EXPECT_EQ(reply.icmp_rest(), 0x00050006u);
  const Bytes body = reply.icmp_body();
  ASSERT_EQ(body.size(), 12u);
  EXPECT_EQ(LoadBe32(body.data()), 0x01020304u);
  EXPECT_NE(LoadBe32(body.data() + 4) & 0x80000000u, 0u);  // not universal time
}

TEST_F(Rfc1112, S7_2_TheGroupOfAllHostsIsJoinedFromTheStart) {
  auto socket = world.UdpSocket(Family::kIpv4);
  ASSERT_EQ(socket->Bind({Ip("0.0.0.0"), 68}), Error::kOk);
  const Bytes datagram = UdpDatagram(cast.peer, Ip("224.0.0.1"), 67, 68, Pattern(8));
  world.ReceiveIp(IpPacket(cast.peer, Ip("224.0.0.1"), ip_protocol::kUdp, datagram),
                  MulticastMac(Ip("224.0.0.1")));
  EXPECT_TRUE(socket->Receive().ok());
}

TEST_F(Rfc919, BroadcastsReachSockets) {
  auto socket = world.UdpSocket(Family::kIpv4);
  ASSERT_EQ(socket->Bind({Ip("0.0.0.0"), 67}), Error::kOk);
  ReceiveBroadcast(Ip("255.255.255.255"), 67);
  EXPECT_TRUE(socket->Receive().ok());
  ReceiveBroadcast(Ip("192.0.2.255"), 67);
  EXPECT_TRUE(socket->Receive().ok());
  ReceiveBroadcast(Ip("255.255.255.255"), 68);
  EXPECT_TRUE(world.Silent());  // RFC 1122 3.2.2: no error about a broadcast
}

TEST_F(Rfc919, BroadcastsAreSentToEverybody) {
  auto socket = world.UdpSocket(Family::kIpv4);
  EXPECT_EQ(StackWorld::SendTo(*socket, {Ip("192.0.2.255"), 67}, {1}), Error::kAccess);
  SocketOptions options = socket->options();
  options.broadcast = true;
  socket->SetOptions(options);
  EXPECT_EQ(StackWorld::SendTo(*socket, {Ip("192.0.2.255"), 67}, {1}), Error::kOk);
  EXPECT_EQ(world.Next().to, MacAddress::Broadcast());
  EXPECT_EQ(StackWorld::SendTo(*socket, {Ip("255.255.255.255"), 67}, {1}), Error::kOk);
  EXPECT_EQ(world.Next().to, MacAddress::Broadcast());
}

TEST_F(Ipv4, Rfc3021_S2_1_ThirtyOneBitPrefixHasNoBroadcast) {
  ASSERT_TRUE(world.stack.AddAddress(kEth0, *Prefix::Parse("203.0.113.0/31"), {}).ok());
  world.Know(Ip("203.0.113.1"));
  auto socket = world.UdpSocket(Family::kIpv4);
  EXPECT_EQ(StackWorld::SendTo(*socket, {Ip("203.0.113.1"), 67}, {1}), Error::kOk);
  EXPECT_EQ(world.Next().to, kPeerMac);
}

TEST_F(Ipv4, Rfc1191_S5_OldRouterWithoutAnMtuGetsAPlateau) {
  world.Know(cast.gateway);
  auto socket = world.UdpSocket(Family::kIpv4);
  ASSERT_EQ(socket->Connect({cast.remote, 9}), Error::kOk);
  EXPECT_EQ(StackWorld::SendTo(*socket, {cast.remote, 9}, Pattern(1472)), Error::kOk);
  const Bytes frame = world.link.TakeFrame();
  world.ReceiveIcmp(cast.gateway, cast.own, icmpv4_type::kDestinationUnreachable,
                    icmpv4_code::kFragmentationNeeded, 0,
                    Bytes(frame.begin() + kEthernetHeaderSize, frame.end()));
  EXPECT_EQ(socket->TakeError(), Error::kMessageSize);
  EXPECT_EQ(StackWorld::SendTo(*socket, {cast.remote, 9}, Pattern(1492 - 28)), Error::kOk);
  EXPECT_EQ(world.link.TakeFrame().size(), 1492 + kEthernetHeaderSize);
}

TEST_F(Ipv4, Rfc6864_S4_1_AtomicDatagramsAreMarkedDontFragment) {
  auto socket = world.UdpSocket(Family::kIpv4);
  EXPECT_EQ(StackWorld::SendTo(*socket, {cast.peer, 67}, {1}), Error::kOk);
  EXPECT_TRUE(world.Next().dont_fragment);
}

// Whoever cuts it counts on from the first one's.
TEST(IpSuperSegments, Rfc6864_S4_2_ItsPiecesHaveIdentificationsOfTheirOwn) {
  StackWorld world({.has_ethernet_header = true, .tx_checksum_offload = true,
                    .max_gso_bytes = 65536});
  const Cast cast = CastOf(Family::kIpv4);
  world.Know(cast.peer);
  auto socket = world.UdpSocket(Family::kIpv4);
  SocketOptions options = socket->options();
  options.mtu_discover = SocketOptions::MtuDiscover::kDont;
  socket->SetOptions(options);
  const Bytes payload = Pattern(3500);
  const std::span<const uint8_t> piece = payload;
  SendControl control;
  control.destination = {cast.peer, 53};
  control.segment_size = 1000;
  uint16_t ids[2];
  for (uint16_t& id : ids) {
    ASSERT_EQ(socket->Send({&piece, 1}, control), Error::kOk);
    ASSERT_EQ(world.link.sent().front().offload.gso_size, 1000);
    const Bytes frame = world.link.TakeFrame();
    ASSERT_EQ(frame[kEthernetHeaderSize + 6] & 0x40, 0);  // routers may cut it
    id = LoadBe16(frame.data() + kEthernetHeaderSize + 4);
  }
  EXPECT_GE(static_cast<uint16_t>(ids[1] - ids[0]), 4);
}

}  // namespace
}  // namespace moat::netstack
