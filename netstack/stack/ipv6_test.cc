// What only IPv6 has: extension headers, flow labels, what ICMPv6 does not answer, scopes.
#include <set>

#include "netstack/stack/ipv6_test_world.h"

namespace moat::netstack {
namespace {

class Rfc8200 : public Ipv6 {
 protected:
  Rfc8200() { world.Know(cast.peer); }
};
using Rfc5095 = Rfc8200;
using Rfc6437 = Rfc8200;
using Rfc6946 = Rfc8200;
using Rfc6980 = Rfc8200;
using Rfc7112 = Rfc8200;
using Rfc4443 = Rfc8200;
using Rfc4291 = Ipv6;

// --- RFC 8200 ----------------------------------------------------------------------------------

TEST_F(Rfc8200, S4_ExtensionHeadersAreSkipped) {
  world.ReceiveIp(WithChain(0, {60, 0, 1, 4, 0, 0, 0, 0, 58, 0, 1, 4, 0, 0, 0, 0}));
  ExpectEchoReply();
}

TEST_F(Rfc8200, S4_2_UnknownOptionIsAnsweredAsItsTypeSays) {
  world.ReceiveIp(WithChain(60, {58, 0, 0x1e, 4, 0, 0, 0, 0}));
  ExpectEchoReply();
  world.ReceiveIp(WithChain(60, {58, 0, 0x5e, 4, 0, 0, 0, 0}));
  EXPECT_TRUE(world.Silent());
  world.ReceiveIp(WithChain(60, {58, 0, 0x9e, 4, 0, 0, 0, 0}));
  ExpectParameterProblem(icmpv6_code::kUnrecognizedOption, 42);
  world.ReceiveIp(WithChain(60, {58, 0, 0xde, 4, 0, 0, 0, 0}));
  ExpectParameterProblem(icmpv6_code::kUnrecognizedOption, 42);
}

TEST_F(Rfc8200, S4_2_OptionProblemsOfMulticast) {
  auto receive = [&](uint8_t type) {
    world.ReceiveIp(IpPacket(cast.peer, kAllNodes, 60, {59, 0, type, 4, 0, 0, 0, 0}),
                    MulticastMac(kAllNodes));
  };
  receive(0xde);
  EXPECT_TRUE(world.Silent());
  receive(0x9e);
  ExpectParameterProblem(icmpv6_code::kUnrecognizedOption, 42);
}

TEST_F(Rfc8200, S4_3_HopByHopElsewhereIsUnrecognized) {
  world.ReceiveIp(WithChain(60, {0, 0, 1, 4, 0, 0, 0, 0, 58, 0, 1, 4, 0, 0, 0, 0}));
  ExpectParameterProblem(icmpv6_code::kUnrecognizedNextHeader, 40);
}

TEST_F(Rfc5095, S3_RoutingType0IsRefused) {
  Bytes routing(24);
  routing[0] = 58, routing[1] = 2, routing[2] = 0, routing[3] = 1;
  world.ReceiveIp(WithChain(43, routing));
  ExpectParameterProblem(icmpv6_code::kErroneousHeader, 42);
}

TEST_F(Rfc8200, S4_7_NoNextHeaderIsSilent) {
  world.ReceiveIp(IpPacket(cast.peer, cast.own, 59, Pattern(10)));
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.NoNextHeader"), 1u);
}

TEST_F(Rfc8200, S4_5_FragmentOfOddLengthIsAProblem) {
  Bytes header(8);
  EmitIpv6FragmentHeader({17, 0, true, 1}, header.data());
  world.ReceiveIp(IpPacket(cast.peer, cast.own, 44, header + Pattern(13)));
  ExpectParameterProblem(icmpv6_code::kErroneousHeader, 4);
}

TEST_F(Rfc6946, S4_AtomicFragmentStandsAlone) {
  const Bytes message =
      IcmpMessage(cast.peer, cast.own, icmpv6_type::kEchoRequest, 0, 1, Pattern(1992));
  Bytes first(8), atomic(8);
  EmitIpv6FragmentHeader({58, 0, true, 77}, first.data());
  world.ReceiveIp(IpPacket(cast.peer, cast.own, 44,
                           first + Bytes(message.begin(), message.begin() + 1000)));
  EmitIpv6FragmentHeader({58, 0, false, 77}, atomic.data());
  world.ReceiveIp(IpPacket(
      cast.peer, cast.own, 44,
      atomic + IcmpMessage(cast.peer, cast.own, icmpv6_type::kEchoRequest, 0, 1, Pattern(8))));
  ExpectEchoReply();
  // The other packet of the same identification is unharmed.
  Bytes last(8);
  EmitIpv6FragmentHeader({58, 1000, false, 77}, last.data());
  world.ReceiveIp(
      IpPacket(cast.peer, cast.own, 44, last + Bytes(message.begin() + 1000, message.end())));
  EXPECT_EQ(world.Next().icmp_type(), icmpv6_type::kEchoReply);
}

TEST_F(Rfc6980, S5_NdpInFragmentsIsDropped) {
  Bytes header(8);
  EmitIpv6FragmentHeader({58, 0, false, 1}, header.data());
  Bytes message = Solicitation(cast.own, kPeerMac);
  FixChecksum(cast.peer, cast.own, ip_protocol::kIcmpV6, message);
  world.ReceiveIp(IpPacket(cast.peer, cast.own, 44, header + message, 255));
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.NdpInFragment"), 1u);
}

TEST_F(Rfc7112, S5_FirstFragmentWithoutTheWholeChainIsRefused) {
  Bytes header(8);
  EmitIpv6FragmentHeader({60, 0, true, 1}, header.data());
  world.ReceiveIp(IpPacket(cast.peer, cast.own, 44, header + Bytes{58, 1, 1, 4, 0, 0, 0, 0}));
  ExpectParameterProblem(icmpv6_code::kIncompleteChain, 0);
}

// RFC 8200 4.5 and RFC 7112: through the upper layer's header, not only up to it.
TEST_F(Rfc7112, S5_AFirstFragmentWithPartOfTheUpperLayersHeaderIsRefused) {
  Bytes header(8);
  EmitIpv6FragmentHeader({6, 0, true, 1}, header.data());
  world.ReceiveIp(IpPacket(cast.peer, cast.own, 44, header + Pattern(16)));
  ExpectParameterProblem(icmpv6_code::kIncompleteChain, 0);
  world.ReceiveIp(IpPacket(cast.peer, cast.own, 44, header + Pattern(24)));
  EXPECT_TRUE(world.Silent());
}

// Every fragment header that is taken out costs a copy of the packet.
TEST_F(Rfc8200, FragmentHeadersInARowAreBounded) {
  const auto nested = [&](int count) {
    Bytes chain;
    for (int i = 1; i <= count; ++i) {
      Bytes header(8);
      EmitIpv6FragmentHeader({static_cast<uint8_t>(i < count ? 44 : 58), 0, false, 1},
                             header.data());
      chain = chain + header;
    }
    return WithChain(44, chain);
  };
  world.ReceiveIp(nested(8));
  ExpectEchoReply();
  world.ReceiveIp(nested(9));
  world.ReceiveIp(nested(150));
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.ExtensionHeader"), 2u);
}

TEST_F(Rfc6437, S6_1_LabelsOfOneSocketTellNothingOfAnothers) {
  std::set<uint32_t> labels;
  for (int i = 0; i < 8; ++i) {
    auto socket = world.UdpSocket(Family::kIpv6);
    uint32_t seen[2];
    for (uint32_t& label : seen) {
      ASSERT_EQ(StackWorld::SendTo(*socket, {cast.peer, 53}, {1}), Error::kOk);
      label = LoadBe32(world.link.TakeFrame().data() + kEthernetHeaderSize) & 0xfffff;
    }
    EXPECT_EQ(seen[0], seen[1]);
    EXPECT_NE(seen[0], 0u);
    labels.insert(seen[0]);
  }
  EXPECT_EQ(labels.size(), 8u);
}

TEST_F(Rfc6437, S3_WhoDoesNotWantLabelsSendsZero) {
  auto socket = world.UdpSocket(Family::kIpv6);
  SocketOptions options = socket->options();
  options.auto_flow_label = false;
  socket->SetOptions(options);
  ASSERT_EQ(StackWorld::SendTo(*socket, {cast.peer, 53}, {1}), Error::kOk);
  EXPECT_EQ(LoadBe32(world.link.TakeFrame().data() + kEthernetHeaderSize) & 0xfffff, 0u);
}

// RFC 4443 2.4 (e.6): every node on a link knows the anycast address of its routers.
TEST_F(Rfc4443, S2_4e_NoErrorToTheRoutersOfTheSubnet) {
  const IpAddress anycast = cast.own.Prefix(64);
  world.Know(anycast);
  const auto datagram = [&](const IpAddress& from) {
    return IpPacket(from, cast.own, 17, UdpDatagram(from, cast.own, 4000, 9, {}));
  };
  // The limit comes first, so that nobody chooses how often our addresses are gone through.
  for (int i = 0; i < 7; ++i) world.ReceiveIp(datagram(anycast));
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Icmp6.OutRateLimitHost"), 1u);
  world.ReceiveIp(datagram(cast.peer));
  EXPECT_EQ(world.Next().icmp_type(), icmpv6_type::kDestinationUnreachable);
}

TEST_F(Rfc4443, S2_4e_NoErrorAboutARedirectOrAnError) {
  world.ReceiveIcmp(cast.peer, cast.own, 100, 0, 0, Pattern(40));  // an unknown error type
  world.ReceiveIcmp(cast.peer, cast.own, 200, 0, 0, Pattern(40));  // unknown informational
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.IcmpUnknownType"), 1u);
}

TEST_F(Rfc4443, S4_2_EchoToAllNodesIsAnsweredFromAUnicastAddress) {
  world.ReceiveIp(IpPacket(cast.peer, kAllNodes, 58,
                           IcmpMessage(cast.peer, kAllNodes, icmpv6_type::kEchoRequest, 0, 1, {})),
                  MulticastMac(kAllNodes));
  const ParsedFrame reply = world.Next();
  ASSERT_TRUE(reply.ok);
  EXPECT_EQ(reply.source, cast.own);
}

TEST_F(Rfc4291, S2_7_MulticastSourceIsDropped) {
  world.ReceiveEchoRequest(Ip("ff02::5"), cast.own, {});
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.MartianSource"), 1u);
}

TEST_F(Rfc4291, S2_7_1_NobodyElsesSolicitedNodeGroup) {
  const IpAddress group = SolicitedNodeGroup(Ip("2001:db8::abcd"));
  world.ReceiveNdp(cast.peer, group, Solicitation(Ip("2001:db8::abcd"), kPeerMac));
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.NotMember"), 1u);
}

// --- Source selection (RFC 6724) ---------------------------------------------------------------

using Rfc6724 = Ipv6;

TEST_F(Rfc6724, S5_ScopeOfTheDestinationDecides) {
  EXPECT_EQ(*world.stack.SelectSource(Ip("fe80::99"), kEth0), Ip("fe80::1"));
  EXPECT_EQ(*world.stack.SelectSource(Ip("2001:db8::99"), 0), cast.own);
  EXPECT_EQ(*world.stack.SelectSource(Ip("2001:db8:9::1"), 0), cast.own);
  EXPECT_EQ(*world.stack.SelectSource(cast.own, 0), cast.own);
  EXPECT_EQ(*world.stack.SelectSource(Ip("::1"), 0), Ip("::1"));
  EXPECT_EQ(*world.stack.SelectSource(Ip("ff02::1"), kEth0), Ip("fe80::1"));
}

TEST_F(Rfc6724, S5_Rule3_DeprecatedIsAvoided) {
  AddressOptions deprecated;
  deprecated.deprecated = deprecated.no_dad = true;
  ASSERT_TRUE(world.stack.AddAddress(kEth0, *Prefix::Parse("2001:db8:9::5/64"), deprecated).ok());
  EXPECT_EQ(*world.stack.SelectSource(Ip("2001:db8:9::1"), 0), cast.own);
}

TEST_F(Rfc6724, S5_Rule8_LongestMatchingPrefix) {
  AddressOptions at_once;
  at_once.no_dad = true;
  ASSERT_TRUE(world.stack.AddAddress(kEth0, *Prefix::Parse("2001:db8:9::5/64"), at_once).ok());
  EXPECT_EQ(*world.stack.SelectSource(Ip("2001:db8:9::1"), 0), Ip("2001:db8:9::5"));
  EXPECT_EQ(*world.stack.SelectSource(Ip("2001:db8::99"), 0), cast.own);
}

TEST_F(Rfc6724, S5_Rule6_LabelsOfUniqueLocalAndGlobal) {
  AddressOptions at_once;
  at_once.no_dad = true;
  ASSERT_TRUE(world.stack.AddAddress(kEth0, *Prefix::Parse("fd00::5/64"), at_once).ok());
  EXPECT_EQ(*world.stack.SelectSource(Ip("fd00:1::1"), 0), Ip("fd00::5"));
  EXPECT_EQ(*world.stack.SelectSource(Ip("2400::1"), 0), cast.own);
}

}  // namespace
}  // namespace moat::netstack
