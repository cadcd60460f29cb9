// The errors that a host sends and receives, in both families.
#include "netstack/stack/host_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;

class IcmpErrors : public HostStory {
 protected:
  uint8_t UnreachableType() const {
    return v4() ? icmpv4_type::kDestinationUnreachable : icmpv6_type::kDestinationUnreachable;
  }
  uint8_t PortCode() const { return v4() ? icmpv4_code::kPort : icmpv6_code::kPort; }
};
INSTANTIATE_TEST_SUITE_P(Families, IcmpErrors, kFamilies, FamilyName);

// --- Errors that we send ------------------------------------------------------------------------

TEST_P(IcmpErrors, UdpToAClosedPortGetsPortUnreachable) {
  world.ReceiveUdp(cast.peer, cast.own, 53, Pattern(20));
  const ParsedFrame error = world.Next();
  ASSERT_TRUE(error.ok);
  EXPECT_EQ(error.icmp_type(), UnreachableType());
  EXPECT_EQ(error.icmp_code(), PortCode());
  EXPECT_EQ(error.icmp_rest(), 0u);
  EXPECT_EQ(error.source, cast.own);
  EXPECT_EQ(error.destination, cast.peer);
  // The quoted packet, from its IP header on.
  EXPECT_EQ(error.icmp_body(), IpPacket(cast.peer, cast.own, ip_protocol::kUdp,
                                        UdpDatagram(cast.peer, cast.own, 4000, 53, Pattern(20))));
}

TEST_P(IcmpErrors, ErrorQuotesNoMoreThanTheLimit) {
  world.ReceiveUdp(cast.peer, cast.own, 53, Pattern(1400));
  const ParsedFrame error = world.Next();
  ASSERT_TRUE(error.ok);
  const size_t header = v4() ? kIpv4HeaderSize : kIpv6HeaderSize;
  EXPECT_EQ(header + error.payload.size(), v4() ? 576u : 1280u);
}

TEST_P(IcmpErrors, UnknownProtocolIsAnswered) {
  world.ReceiveIp(IpPacket(cast.peer, cast.own, 253, Pattern(20)));
  const ParsedFrame error = world.Next();
  ASSERT_TRUE(error.ok);
  if (v4()) {
    EXPECT_EQ(error.icmp_type(), icmpv4_type::kDestinationUnreachable);
    EXPECT_EQ(error.icmp_code(), icmpv4_code::kProtocol);
  } else {
    EXPECT_EQ(error.icmp_type(), icmpv6_type::kParameterProblem);
    EXPECT_EQ(error.icmp_code(), icmpv6_code::kUnrecognizedNextHeader);
    EXPECT_EQ(error.icmp_rest(), 6u);
  }
  EXPECT_EQ(world.Count(Mib("InUnknownProtos")), 1u);
}

TEST_P(IcmpErrors, ErrorsAreLimitedPerDestination) {
  int sent = 0;
  for (int i = 0; i < 20; ++i) {
    world.ReceiveUdp(cast.peer, cast.own, 53, {});
    if (world.Next().ok) ++sent;
  }
  EXPECT_EQ(sent, 6);
  world.Advance(milliseconds(1001));
  world.ReceiveUdp(cast.peer, cast.own, 53, {});
  EXPECT_TRUE(world.Next().ok);
  world.ReceiveUdp(cast.peer, cast.own, 53, {});
  EXPECT_TRUE(world.Silent());
  EXPECT_GT(world.Count(v4() ? "Icmp.OutRateLimitHost" : "Icmp6.OutRateLimitHost"), 0u);
}

TEST_P(IcmpErrors, ErrorsAreLimitedOverAll) {
  int sent = 0;
  for (int i = 0; i < 200; ++i) {
    Bytes source(cast.remote.data(), cast.remote.data() + cast.remote.size());
    source.back() = static_cast<uint8_t>(i);
    world.ReceiveUdp(v4() ? IpAddress::V4(source.data()) : IpAddress::V6(source.data()), cast.own,
                     53, {});
    if (world.Next().ok) ++sent;
  }
  EXPECT_EQ(sent, 50);  // icmp_msgs_burst
  EXPECT_EQ(world.Count("Icmp.OutRateLimitGlobal"), 150u);
}

TEST_P(IcmpErrors, Rfc1812_S4_3_2_8_TheLimitCanBeSet) {
  ASSERT_TRUE(world.stack.SetSysctl("ipv4.icmp_msgs_burst", "7").ok());
  int sent = 0;
  for (int i = 0; i < 50; ++i) {
    Bytes source(cast.remote.data(), cast.remote.data() + cast.remote.size());
    source.back() = static_cast<uint8_t>(i);
    world.ReceiveUdp(v4() ? IpAddress::V4(source.data()) : IpAddress::V6(source.data()), cast.own,
                     53, {});
    if (world.Next().ok) ++sent;
  }
  EXPECT_EQ(sent, 7);
}

TEST_P(IcmpErrors, NoErrorAboutAnError) {
  // Port unreachable about something that we never sent, to us: nothing comes back, ever.
  world.ReceiveIcmp(cast.peer, cast.own, UnreachableType(), PortCode(), 0,
                    IpPacket(cast.own, cast.peer, 253, Pattern(8)));
  // A truncated error is no reason either.
  world.ReceiveIcmp(cast.peer, cast.own, UnreachableType(), PortCode(), 0, {});
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.IcmpBadQuote"), 1u);
}

TEST_P(IcmpErrors, NoErrorToAGroup) {
  const IpAddress group = v4() ? Ip("224.0.0.1") : Ip("ff02::1");
  world.ReceiveIp(IpPacket(cast.peer, group, ip_protocol::kUdp,
                           UdpDatagram(cast.peer, group, 4000, 53, {})),
                  MulticastMac(group));
  EXPECT_TRUE(world.Silent());
}

// --- Errors that we receive ---------------------------------------------------------------------

TEST_P(IcmpErrors, PortUnreachableReachesTheSocket) {
  auto socket = world.UdpSocket(GetParam());
  ASSERT_EQ(socket->Connect({cast.peer, 53}), Error::kOk);
  EXPECT_EQ(StackWorld::SendTo(*socket, {cast.peer, 53}, Pattern(30)), Error::kOk);
  const Bytes frame = world.link.TakeFrame();
  const Bytes quoted(frame.begin() + kEthernetHeaderSize, frame.end());
  world.ReceiveIcmp(cast.peer, cast.own, UnreachableType(), PortCode(), 0, quoted);
  EXPECT_EQ(socket->TakeError(), Error::kConnectionRefused);
}

TEST_P(IcmpErrors, ErrorAboutAForeignPacketIsDropped) {
  world.ReceiveIcmp(cast.peer, cast.own, UnreachableType(), PortCode(), 0,
                    IpPacket(cast.other, cast.peer, ip_protocol::kUdp, Pattern(8)));
  EXPECT_EQ(world.Count("Drop.IcmpBadQuote"), 1u);
}

}  // namespace
}  // namespace moat::netstack
