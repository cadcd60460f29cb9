// What a host owes the network in both families: echo, errors, fragments, path MTUs, what it
// refuses.

#include <algorithm>

#include "netstack/stack/stack_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Host : public testing::TestWithParam<Family> {
 protected:
  Host() {
    world.Know(cast.peer);
    world.Know(cast.gateway, kOtherMac);
  }
  bool v4() const { return GetParam() == Family::kIpv4; }
  std::string Mib(const std::string& name) const { return (v4() ? "Ip." : "Ip6.") + name; }
  uint8_t EchoReplyType() const { return v4() ? icmpv4_type::kEchoReply : icmpv6_type::kEchoReply; }
  uint8_t UnreachableType() const {
    return v4() ? icmpv4_type::kDestinationUnreachable : icmpv6_type::kDestinationUnreachable;
  }
  uint8_t PortCode() const { return v4() ? icmpv4_code::kPort : icmpv6_code::kPort; }
  uint8_t IcmpProtocol() const { return v4() ? ip_protocol::kIcmp : ip_protocol::kIcmpV6; }

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
  Bytes EchoMessage(size_t body) const {
    return IcmpMessage(cast.peer, cast.own,
                       v4() ? icmpv4_type::kEchoRequest : icmpv6_type::kEchoRequest, 0, 1,
                       Pattern(body));
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

  StackWorld world;
  Cast cast = CastOf(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Families, Host, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& info) {
                           return info.param == Family::kIpv4 ? "Ipv4" : "Ipv6";
                         });

// --- Echo (RFC 1122 3.2.2.6, RFC 4443 4.2) -----------------------------------------------------

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

TEST_P(Host, EchoBiggerThanTheMtuIsReassembledAndAnsweredInFragments) {
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

// --- Errors that we send -----------------------------------------------------------------------

TEST_P(Host, UdpToAClosedPortGetsPortUnreachable) {
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

TEST_P(Host, ErrorQuotesNoMoreThanTheLimit) {
  world.ReceiveUdp(cast.peer, cast.own, 53, Pattern(1400));
  const ParsedFrame error = world.Next();
  ASSERT_TRUE(error.ok);
  const size_t header = v4() ? kIpv4HeaderSize : kIpv6HeaderSize;
  EXPECT_EQ(header + error.payload.size(), v4() ? 576u : 1280u);
}

TEST_P(Host, UnknownProtocolIsAnswered) {
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

TEST_P(Host, ErrorsAreLimitedPerDestination) {
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

TEST_P(Host, ErrorsAreLimitedOverAll) {
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

TEST_P(Host, Rfc1812_S4_3_2_8_TheLimitCanBeSet) {
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

TEST_P(Host, NoErrorAboutAnError) {
  // Port unreachable about something that we never sent, to us: nothing comes back, ever.
  world.ReceiveIcmp(cast.peer, cast.own, UnreachableType(), PortCode(), 0,
                    IpPacket(cast.own, cast.peer, 253, Pattern(8)));
  // A truncated error is no reason either.
  world.ReceiveIcmp(cast.peer, cast.own, UnreachableType(), PortCode(), 0, {});
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.IcmpBadQuote"), 1u);
}

TEST_P(Host, NoErrorToAGroup) {
  const IpAddress group = v4() ? Ip("224.0.0.1") : Ip("ff02::1");
  world.ReceiveIp(IpPacket(cast.peer, group, ip_protocol::kUdp,
                           UdpDatagram(cast.peer, group, 4000, 53, {})),
                  MulticastMac(group));
  EXPECT_TRUE(world.Silent());
}

// --- Errors that we receive --------------------------------------------------------------------

TEST_P(Host, PortUnreachableReachesTheSocket) {
  auto socket = world.UdpSocket(GetParam());
  ASSERT_EQ(socket->Connect({cast.peer, 53}), Error::kOk);
  EXPECT_EQ(StackWorld::SendTo(*socket, {cast.peer, 53}, Pattern(30)), Error::kOk);
  const Bytes frame = world.link.TakeFrame();
  const Bytes quoted(frame.begin() + kEthernetHeaderSize, frame.end());
  world.ReceiveIcmp(cast.peer, cast.own, UnreachableType(), PortCode(), 0, quoted);
  EXPECT_EQ(socket->TakeError(), Error::kConnectionRefused);
}

TEST_P(Host, ErrorAboutAForeignPacketIsDropped) {
  world.ReceiveIcmp(cast.peer, cast.own, UnreachableType(), PortCode(), 0,
                    IpPacket(cast.other, cast.peer, ip_protocol::kUdp, Pattern(8)));
  EXPECT_EQ(world.Count("Drop.IcmpBadQuote"), 1u);
}

// --- Path MTU (RFC 1191, RFC 8201) -------------------------------------------------------------

class PathMtu : public Host {
 protected:
  PathMtu() {
    socket = world.UdpSocket(GetParam());
    EXPECT_EQ(socket->Connect({cast.remote, 53}), Error::kOk);
  }
  size_t Overhead() const { return (v4() ? kIpv4HeaderSize : kIpv6HeaderSize) + 8; }
  // The size of the IP packets that one datagram of `payload` bytes becomes.
  std::vector<size_t> Sizes(size_t payload) {
    EXPECT_EQ(StackWorld::SendTo(*socket, {cast.remote, 53}, Pattern(payload)), Error::kOk);
    std::vector<size_t> sizes;
    while (!world.Silent()) {
      last = world.link.TakeFrame();
      sizes.push_back(last.size() - kEthernetHeaderSize);
    }
    return sizes;
  }
  // `believed`: the connected socket is told then, as on Linux.
  void ReportTooBig(uint32_t mtu, bool believed = true) {
    const Bytes quoted(last.begin() + kEthernetHeaderSize, last.end());
    if (v4()) {
      world.ReceiveIcmp(cast.gateway, cast.own, icmpv4_type::kDestinationUnreachable,
                        icmpv4_code::kFragmentationNeeded, mtu, quoted);
    } else {
      world.ReceiveIcmp(cast.gateway, cast.own, icmpv6_type::kPacketTooBig, 0, mtu, quoted);
    }
    EXPECT_EQ(socket->TakeError(), believed ? Error::kMessageSize : Error::kOk);
  }
  std::unique_ptr<DatagramSocket> socket;
  Bytes last;
};
INSTANTIATE_TEST_SUITE_P(Families, PathMtu, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& info) {
                           return info.param == Family::kIpv4 ? "Ipv4" : "Ipv6";
                         });

TEST_P(PathMtu, IsObeyedAfterTooBig) {
  EXPECT_EQ(Sizes(1500 - Overhead()), std::vector<size_t>{1500});
  ReportTooBig(1400);
  for (size_t size : Sizes(1500 - Overhead())) EXPECT_LE(size, 1400u);
  EXPECT_EQ(Sizes(1400 - Overhead()), std::vector<size_t>{1400});
}

// RFC 8899 3: a program that looks for the path's MTU sends probes that are bigger than what is
// known of it, and whole.
TEST_P(PathMtu, Rfc8899_S3_AProbeMayBeBigger) {
  using Discover = SocketOptions::MtuDiscover;
  const auto choose = [&](Discover discover) {
    SocketOptions options = socket->options();
    options.mtu_discover = discover;
    socket->SetOptions(options);
  };
  (void)Sizes(1000);
  ReportTooBig(1300);
  choose(Discover::kProbe);
  EXPECT_EQ(Sizes(1500 - Overhead()), std::vector<size_t>{1500});
  EXPECT_TRUE(!v4() || (last[kEthernetHeaderSize + 6] & 0x40) != 0);
  EXPECT_EQ(StackWorld::SendTo(*socket, {cast.remote, 53}, Pattern(1501 - Overhead())),
            Error::kMessageSize);
  // Nor do these believe it; but they have nothing against fragments on the way, or at all.
  for (const Discover discover : {Discover::kInterface, Discover::kOmit}) {
    choose(discover);
    EXPECT_EQ(Sizes(1500 - Overhead()), std::vector<size_t>{1500});
    EXPECT_TRUE(!v4() || (last[kEthernetHeaderSize + 6] & 0x40) == 0);
  }
  EXPECT_EQ(Sizes(1501 - Overhead()).size(), 2u);
  choose(Discover::kWant);
  EXPECT_GT(Sizes(1400 - Overhead()).size(), 1u) << "what was learned is known still";
}

TEST_P(PathMtu, NeverGrowsByAReport) {
  (void)Sizes(1000);
  ReportTooBig(1300);
  ReportTooBig(1450);
  EXPECT_GT(Sizes(1400 - Overhead()).size(), 1u);
}

// IPv4's estimate has a floor; what is less than IPv6 has is no message at all (RFC 8201 4).
TEST_P(PathMtu, HasAFloor) {
  (void)Sizes(1000);
  ReportTooBig(68, /*believed=*/v4());
  const size_t floor = v4() ? 552 : 1500;
  EXPECT_EQ(Sizes(floor - Overhead()), std::vector<size_t>{floor});
  EXPECT_GT(Sizes(floor - Overhead() + 1).size(), 1u);
  EXPECT_EQ(world.Count("Drop.IcmpBadMtu"), v4() ? 0u : 1u);
}

// RFC 1191 3: what is not reduced any more is left to the routers to cut.
TEST_P(PathMtu, BelowTheFloorDontFragmentGoes) {
  if (!v4()) return;
  const auto dont_fragment = [&] { return (last[kEthernetHeaderSize + 6] & 0x40) != 0; };
  (void)Sizes(1000);
  ReportTooBig(1300);
  (void)Sizes(1000);
  EXPECT_TRUE(dont_fragment());
  ReportTooBig(300);
  EXPECT_EQ(Sizes(552 - Overhead()), std::vector<size_t>{552});
  EXPECT_FALSE(dont_fragment());
  SocketOptions options = socket->options();
  options.mtu_discover = SocketOptions::MtuDiscover::kDo;  // who insists on it has it
  socket->SetOptions(options);
  EXPECT_EQ(Sizes(552 - Overhead()), std::vector<size_t>{552});
  EXPECT_TRUE(dont_fragment());
}

// RFC 8201 4, RFC 5927 7: a message about a datagram that no socket can have sent is no evidence.
TEST_P(PathMtu, WhatNobodySentTeachesNothing) {
  (void)Sizes(1000);
  last[kEthernetHeaderSize + Overhead() - 8 + 1] ^= 1;  // the source port
  ReportTooBig(1300, /*believed=*/false);
  EXPECT_EQ(Sizes(1500 - Overhead()), std::vector<size_t>{1500});
  EXPECT_EQ(Sizes(1500 - Overhead()), std::vector<size_t>{1500});
}

TEST_P(PathMtu, IsNotForgottenBeforeTenMinutes) {
  (void)Sizes(1000);
  ReportTooBig(1300);
  for (int minutes = 0; minutes < 9; ++minutes) {
    EXPECT_GT(Sizes(1500 - Overhead()).size(), 1u);
    world.Advance(std::chrono::minutes(1));
  }
  EXPECT_GT(Sizes(1500 - Overhead()).size(), 1u);
}

TEST_P(PathMtu, IsForgottenAfterTenMinutes) {
  (void)Sizes(1000);
  ReportTooBig(1300);
  EXPECT_GT(Sizes(1500 - Overhead()).size(), 1u);
  world.Advance(std::chrono::minutes(11));
  EXPECT_EQ(Sizes(1500 - Overhead()), std::vector<size_t>{1500});
}

TEST_P(PathMtu, ConcernsOneDestination) {
  (void)Sizes(1000);
  ReportTooBig(1300);
  auto other = world.UdpSocket(GetParam());
  EXPECT_EQ(StackWorld::SendTo(*other, {cast.peer, 53}, Pattern(1500 - Overhead())), Error::kOk);
  EXPECT_EQ(world.link.TakeFrame().size(), 1500 + kEthernetHeaderSize);
}

// --- Reassembly (RFC 815, 5722, 8200 4.5) ------------------------------------------------------

TEST_P(Host, DuplicateFragmentIsIgnored) {
  const Bytes message = EchoMessage(2000);
  ReceiveFragment(message, 0, 1000, true);
  ReceiveFragment(message, 0, 1000, true);
  ReceiveFragment(message, 1000, message.size() - 1000, false);
  EXPECT_EQ(CollectFragments().size(), message.size());
  EXPECT_EQ(world.Count("Drop.ReassemblyDuplicate"), 1u);
}

TEST_P(Host, OverlapCondemnsTheWholePacket) {
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

TEST_P(Host, SameRangeWithOtherBytesIsAnOverlap) {
  Bytes message = EchoMessage(2000);
  ReceiveFragment(message, 0, 1000, true);
  message[500] ^= 1;
  ReceiveFragment(message, 0, 1000, true);
  ReceiveFragment(message, 1000, message.size() - 1000, false);
  EXPECT_TRUE(world.Silent());
}

TEST_P(Host, IncompletePacketTimesOutAndTheSenderIsTold) {
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

TEST_P(Host, TimeoutWithoutTheFirstFragmentIsSilent) {
  const Bytes message = EchoMessage(2000);
  ReceiveFragment(message, 1000, message.size() - 1000, false);
  world.Advance(seconds(61));
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count(Mib("ReasmTimeout")), 1u);
}

TEST_P(Host, FragmentsOfDifferentPacketsDoNotMix) {
  const Bytes message = EchoMessage(2000);
  ReceiveFragment(message, 0, 1000, true, 1);
  ReceiveFragment(message, 1000, message.size() - 1000, false, 2);
  EXPECT_TRUE(world.Silent());
}

TEST_P(Host, FragmentBeyondTheLargestPacketIsRefused) {
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

TEST_P(Host, ReassemblyMemoryIsBounded) {
  ASSERT_TRUE(world.stack.SetSysctl("ipv4.ipfrag_high_thresh", "100000").ok());
  const Bytes message = EchoMessage(2000);
  for (uint32_t id = 0; id < 1000; ++id) ReceiveFragment(message, 0, 1000, true, id);
  EXPECT_GT(world.Count("Drop.ReassemblyMemory"), 900u);
  // The newest is still whole.
  ReceiveFragment(message, 1000, message.size() - 1000, false, 999);
  EXPECT_EQ(CollectFragments().size(), message.size());
}

TEST_P(Host, LastFragmentsThatContradictCondemn) {
  const Bytes message = EchoMessage(2000);
  ReceiveFragment(message, 1000, 600, false);
  ReceiveFragment(message, 1600, 400, false);
  ReceiveFragment(message, 0, 1000, true);
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.ReassemblyBadLength"), 1u);
}

TEST_P(Host, CongestionMarkSurvivesReassembly) {  // RFC 3168 5.3
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
TEST_P(Host, TheHeaderIsTheFirstFragmentsWhicheverComesLast) {
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

// --- What is not for us ------------------------------------------------------------------------

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

TEST_P(Host, UnicastPacketInABroadcastFrameIsDropped) {  // RFC 1122 3.3.6
  world.ReceiveIp(IpPacket(cast.peer, cast.own, IcmpProtocol(), EchoMessage(8)),
                  MacAddress::Broadcast());
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.LinkBroadcast"), 1u);
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
