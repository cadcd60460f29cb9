// A stack that forwards what its links merged or left unfinished: super-segments, checksums.

#include "netstack/stack/router_test_world.h"

namespace moat::netstack {
namespace {

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
  // Octets of the text of a segment, whose checksum has to be right.
  static size_t TextOf(const ParsedFrame& segment) {
    EXPECT_TRUE(segment.ok);
    EXPECT_TRUE(TransportChecksumValid(segment.source, segment.destination, ip_protocol::kTcp,
                                       segment.payload));
    return segment.payload.size() - 20;
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
    bytes += TextOf(ParseFrame(frame));
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
    bytes += TextOf(piece);
  }
  EXPECT_EQ(bytes, 3000u);
}

TEST_P(RouterOffload, ChecksumsThatNobodyFilledAreFilled) {
  RouterWorld world;
  ReceiveSuper(world, 100, 0);
  const ParsedFrame out = world.NextFar();
  EXPECT_TRUE(TransportChecksumValid(out.source, out.destination, ip_protocol::kTcp, out.payload));
}

}  // namespace
}  // namespace moat::netstack
