// What a link has merged, and what is cut by one, is counted as Linux counts it: once, but by its
// packets where their ECN field is counted.
#include "netstack/stack/host_test_world.h"

namespace moat::netstack {
namespace {

constexpr uint8_t kEct0 = 2;

class SuperSegments : public HostStory {
 protected:
  // Of TCP, with options as timestamps have them, on a closed port.
  Bytes Tcp(size_t text) const {
    TcpFields fields;
    fields.source_port = 4000;
    fields.destination_port = 80;
    fields.flags = tcp_flag::kRst;
    fields.options_size = 12;
    Bytes segment(kTcpHeaderSize + 12);
    EmitTcp(fields, segment.data());
    return segment + Pattern(text);
  }
  // An ECN-capable packet, of whose payload's end so much is in each that was merged.
  void Receive(uint8_t protocol, const Bytes& payload, uint16_t gso_size) {
    Bytes packet = IpPacket(cast.peer, cast.own, protocol, payload);
    if (v4()) {
      packet[1] = kEct0;
      FixIpv4Checksum({packet.data(), kIpv4HeaderSize});
    } else {
      packet[1] |= kEct0 << 4;
    }
    RxFrame frame = ReceivedFrame(EthernetFrame(
        kOwnMac, kPeerMac, v4() ? ethertype::kIpv4 : ethertype::kIpv6, packet));
    frame.checksum = RxChecksum::kVerified;
    frame.gso_size = gso_size;
    world.stack.Receive(kEth0, std::move(frame));
    world.stack.Flush();
  }
  uint64_t Capable() const { return world.Count(v4() ? "IpExt.InECT0Pkts" : "Ip6.InECT0Pkts"); }
};
INSTANTIATE_TEST_SUITE_P(Families, SuperSegments, kFamilies, FamilyName);

TEST_P(SuperSegments, OfTcpAreOneButForEcn) {
  const uint64_t received = world.Count(Mib("InReceives"));
  Receive(ip_protocol::kTcp, Tcp(2 * 1448), 1448);
  EXPECT_EQ(Capable(), 2u);
  Receive(ip_protocol::kTcp, Tcp(2 * 1448 + 1), 1448);
  EXPECT_EQ(Capable(), 5u);
  EXPECT_EQ(world.Count(Mib("InReceives")), received + 2);
  EXPECT_EQ(world.Count(Mib("InDelivers")), received + 2);
  EXPECT_EQ(world.Count("Tcp.InSegs"), 2u);
}

TEST_P(SuperSegments, OfUdpAreOneButForEcnAndItsDatagrams) {
  auto socket = world.UdpSocket(GetParam());
  ASSERT_EQ(socket->Bind({cast.own, 53}), Error::kOk);
  Receive(ip_protocol::kUdp, UdpDatagram(cast.peer, cast.own, 4000, 53, Pattern(2500)), 1000);
  EXPECT_EQ(Capable(), 3u);
  EXPECT_EQ(world.Count(v4() ? "Udp.InDatagrams" : "Udp6.InDatagrams"), 3u);
}

TEST_P(SuperSegments, OneThatIsOneCountsOnce) {
  Receive(ip_protocol::kTcp, Tcp(100), 0);
  EXPECT_EQ(Capable(), 1u);
  Receive(ip_protocol::kTcp, Tcp(100), 1448);
  EXPECT_EQ(Capable(), 2u);
  Receive(ip_protocol::kTcp, Tcp(0), 1448);
  EXPECT_EQ(Capable(), 3u);
}

// What cannot be told is one: there is nobody to have merged it.
TEST_P(SuperSegments, ACutHeaderIsNoReasonToFail) {
  Receive(ip_protocol::kTcp, Bytes(3), 1);
  EXPECT_EQ(world.Count("Tcp.InErrs"), 1u);
  Receive(ip_protocol::kUdp, {}, 1);
  EXPECT_GE(Capable(), 2u);
}

TEST(SuperSegmentsOfIpv6, BehindExtensionHeadersCountAlike) {
  StackWorld world;
  const Cast cast = CastOf(Family::kIpv6);
  Bytes tcp(kTcpHeaderSize);
  EmitTcp({}, tcp.data());
  const Bytes options = {ip_protocol::kTcp, 0, 1, 4, 0, 0, 0, 0};
  const Bytes packet = IpPacket(cast.peer, cast.own, ipv6_next_header::kDestinationOptions,
                                options + tcp + Pattern(3000));
  const uint64_t before = world.Count("Ip6.InNoECTPkts");
  RxFrame frame =
      ReceivedFrame(EthernetFrame(kOwnMac, kPeerMac, ethertype::kIpv6, packet));
  frame.checksum = RxChecksum::kVerified;
  frame.gso_size = 1000;
  world.stack.Receive(kEth0, std::move(frame));
  EXPECT_EQ(world.Count("Ip6.InNoECTPkts"), before + 3);
}

}  // namespace
}  // namespace moat::netstack
