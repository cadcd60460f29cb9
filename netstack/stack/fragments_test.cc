// Reassembly in both families (RFC 815, 5722, 8200 4.5), and packets that leave in fragments.
#include <algorithm>
#include <vector>

#include "netstack/stack/host_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::seconds;

class Fragments : public HostStory {
 protected:
  // One fragment of `transport` (a whole transport packet) from the peer.
  Bytes FragmentOf(const Bytes& transport, size_t offset, size_t size, bool more, uint32_t id,
                   uint8_t protocol, uint8_t traffic_class = 0) const {
    const Bytes piece(transport.begin() + static_cast<ptrdiff_t>(offset),
                      transport.begin() + static_cast<ptrdiff_t>(offset + size));
    if (v4()) {
      Ipv4Fields fields;
      fields.tos = traffic_class;
      fields.identification = static_cast<uint16_t>(id);
      fields.more_fragments = more;
      fields.fragment_offset = static_cast<uint32_t>(offset);
      fields.protocol = protocol;
      fields.source = cast.peer;
      fields.destination = cast.own;
      return Ipv4Packet(fields, piece);
    }
    Bytes header(kIpv6FragmentHeaderSize);
    EmitIpv6FragmentHeader({protocol, static_cast<uint32_t>(offset), more, id}, header.data());
    Ipv6Fields fields;
    fields.traffic_class = traffic_class;
    fields.next_header = ipv6_next_header::kFragment;
    fields.source = cast.peer;
    fields.destination = cast.own;
    return Ipv6Packet(fields, header + piece);
  }
  void ReceiveFragment(const Bytes& transport, size_t offset, size_t size, bool more,
                       uint32_t id = 7) {
    world.ReceiveIp(FragmentOf(transport, offset, size, more, id, IcmpProtocol()));
  }
  // The next frames, as fragments of one packet, put together.
  Bytes CollectFragments() {
    std::vector<ParsedFrame> frames;
    for (ParsedFrame frame = world.Next(); frame.ok; frame = world.Next()) {
      frames.push_back(std::move(frame));
    }
    std::sort(frames.begin(), frames.end(), [](const ParsedFrame& a, const ParsedFrame& b) {
      return a.fragment_offset < b.fragment_offset;
    });
    Bytes whole;
    for (const ParsedFrame& frame : frames) {
      EXPECT_EQ(frame.fragment_offset, whole.size());
      whole = whole + frame.payload;
    }
    return whole;
  }
};
INSTANTIATE_TEST_SUITE_P(Families, Fragments, kFamilies, FamilyName);

TEST_P(Fragments, EchoBiggerThanTheMtuIsReassembledAndAnsweredInFragments) {
  const Bytes message = EchoMessage(4000);
  ReceiveFragment(message, 0, 1448, true);
  ReceiveFragment(message, 2896, message.size() - 2896, false);  // out of order
  EXPECT_TRUE(world.Silent());
  ReceiveFragment(message, 1448, 1448, true);
  const Bytes reply = CollectFragments();
  ASSERT_EQ(reply.size(), message.size());
  EXPECT_EQ(reply[0], EchoReplyType());
  EXPECT_TRUE(std::equal(reply.begin() + 8, reply.end(), message.begin() + 8));
  EXPECT_EQ(world.Count(Mib("ReasmOKs")), 1u);
  EXPECT_EQ(world.Count(Mib("ReasmReqds")), 3u);
  EXPECT_EQ(world.Count(Mib("FragOKs")), 1u);
}

TEST_P(Fragments, DuplicateFragmentIsIgnored) {
  const Bytes message = EchoMessage(2000);
  ReceiveFragment(message, 0, 1000, true);
  ReceiveFragment(message, 0, 1000, true);
  ReceiveFragment(message, 1000, message.size() - 1000, false);
  EXPECT_EQ(CollectFragments().size(), message.size());
  EXPECT_EQ(world.Count("Drop.ReassemblyDuplicate"), 1u);
}

TEST_P(Fragments, OverlapCondemnsTheWholePacket) {
  const Bytes message = EchoMessage(2000);
  ReceiveFragment(message, 0, 1000, true);
  ReceiveFragment(message, 992, 504, true);
  ReceiveFragment(message, 1000, message.size() - 1000, false);
  // Not even a clean retry of all fragments revives it before its time is over.
  ReceiveFragment(message, 0, 1000, true);
  ReceiveFragment(message, 1000, message.size() - 1000, false);
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.ReassemblyOverlap"), 4u);
  world.Advance(seconds(61));
  EXPECT_TRUE(world.Silent());  // and nobody is told (RFC 8200 4.5)
  ReceiveFragment(message, 0, 1000, true);
  ReceiveFragment(message, 1000, message.size() - 1000, false);
  EXPECT_EQ(CollectFragments().size(), message.size());
}

TEST_P(Fragments, SameRangeWithOtherBytesIsAnOverlap) {
  Bytes message = EchoMessage(2000);
  ReceiveFragment(message, 0, 1000, true);
  message[500] ^= 1;
  ReceiveFragment(message, 0, 1000, true);
  ReceiveFragment(message, 1000, message.size() - 1000, false);
  EXPECT_TRUE(world.Silent());
}

TEST_P(Fragments, IncompletePacketTimesOutAndTheSenderIsTold) {
  const Bytes message = EchoMessage(2000);
  ReceiveFragment(message, 0, 1000, true);
  world.Advance(seconds(v4() ? 29 : 59));
  EXPECT_TRUE(world.Silent());
  world.Advance(seconds(2));
  const ParsedFrame error = world.Next();
  ASSERT_TRUE(error.ok);
  EXPECT_EQ(error.icmp_type(),
            v4() ? icmpv4_type::kTimeExceeded : icmpv6_type::kTimeExceeded);
  EXPECT_EQ(error.icmp_code(), 1);
  EXPECT_EQ(world.Count(Mib("ReasmTimeout")), 1u);
  EXPECT_EQ(world.Count(Mib("ReasmFails")), 1u);
}

TEST_P(Fragments, TimeoutWithoutTheFirstFragmentIsSilent) {
  const Bytes message = EchoMessage(2000);
  ReceiveFragment(message, 1000, message.size() - 1000, false);
  world.Advance(seconds(61));
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count(Mib("ReasmTimeout")), 1u);
}

TEST_P(Fragments, FragmentsOfDifferentPacketsDoNotMix) {
  const Bytes message = EchoMessage(2000);
  ReceiveFragment(message, 0, 1000, true, 1);
  ReceiveFragment(message, 1000, message.size() - 1000, false, 2);
  EXPECT_TRUE(world.Silent());
}

TEST_P(Fragments, FragmentBeyondTheLargestPacketIsRefused) {
  const Bytes big(66000);
  world.ReceiveIp(FragmentOf(big, 65504, 64, false, 9, IcmpProtocol()));
  EXPECT_EQ(world.Count("Drop.ReassemblyTooBig"), 1u);
  if (v4()) {
    EXPECT_TRUE(world.Silent());
  } else {
    const ParsedFrame error = world.Next();
    EXPECT_EQ(error.icmp_type(), icmpv6_type::kParameterProblem);
    EXPECT_EQ(error.icmp_rest(), 42u);  // the offset field
  }
}

TEST_P(Fragments, ReassemblyMemoryIsBounded) {
  ASSERT_TRUE(world.stack.SetSysctl("ipv4.ipfrag_high_thresh", "100000").ok());
  const Bytes message = EchoMessage(2000);
  for (uint32_t id = 0; id < 1000; ++id) ReceiveFragment(message, 0, 1000, true, id);
  EXPECT_GT(world.Count("Drop.ReassemblyMemory"), 900u);
  // The newest is still whole.
  ReceiveFragment(message, 1000, message.size() - 1000, false, 999);
  EXPECT_EQ(CollectFragments().size(), message.size());
}

TEST_P(Fragments, LastFragmentsThatContradictCondemn) {
  const Bytes message = EchoMessage(2000);
  ReceiveFragment(message, 1000, 600, false);
  ReceiveFragment(message, 1600, 400, false);
  ReceiveFragment(message, 0, 1000, true);
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.ReassemblyBadLength"), 1u);
}

TEST_P(Fragments, CongestionMarkSurvivesReassembly) {  // RFC 3168 5.3
  const IpAddress any = IpAddress::Any(GetParam());
  auto socket = world.UdpSocket(GetParam());
  ASSERT_EQ(socket->Bind({any, 53}), Error::kOk);
  const Bytes datagram = UdpDatagram(cast.peer, cast.own, 4000, 53, Pattern(1992));
  auto receive = [&](uint8_t first, uint8_t second, uint32_t id) {
    world.ReceiveIp(FragmentOf(datagram, 0, 1000, true, id, ip_protocol::kUdp, first));
    world.ReceiveIp(FragmentOf(datagram, 1000, 1000, false, id, ip_protocol::kUdp, second));
    return socket->Receive();
  };
  EXPECT_EQ(receive(2, 3, 1)->traffic_class & 3, 3);
  EXPECT_EQ(receive(2, 2, 2)->traffic_class & 3, 2);
  EXPECT_EQ(receive(0, 0, 3)->traffic_class & 3, 0);
  EXPECT_FALSE(receive(0, 3, 4).ok());
}

// RFC 8200 4.5 says it; IPv4's receivers expect the same.
TEST_P(Fragments, TheHeaderIsTheFirstFragmentsWhicheverComesLast) {
  auto socket = world.UdpSocket(GetParam());
  ASSERT_EQ(socket->Bind({IpAddress::Any(GetParam()), 53}), Error::kOk);
  const Bytes datagram = UdpDatagram(cast.peer, cast.own, 4000, 53, Pattern(1992));
  const auto fragment = [&](size_t offset, bool more, uint8_t tos, uint8_t hops) {
    Bytes packet = FragmentOf(datagram, offset, 1000, more, 1, ip_protocol::kUdp, tos);
    packet[v4() ? 8 : 7] = hops;
    if (v4()) FixIpv4Checksum({packet.data(), kIpv4HeaderSize});
    world.ReceiveIp(packet);
  };
  fragment(0, true, 0x48, 77);
  fragment(1000, false, 0x20, 5);
  const Result<Datagram> received = socket->Receive();
  ASSERT_TRUE(received.ok());
  EXPECT_EQ(received->hop_limit, 77);
  EXPECT_EQ(received->traffic_class, 0x48);
}

}  // namespace
}  // namespace moat::netstack
