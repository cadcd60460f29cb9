// What only IPv6 has: extension headers, NDP's rules, duplicate address detection, scopes.

#include <set>

#include "netstack/stack/stack_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const IpAddress kAllNodes = Ip("ff02::1");
const IpAddress kUnspecified = IpAddress::Any(Family::kIpv6);

class Ipv6 : public testing::Test {
 protected:
  // A packet whose IPv6 header says `next_header` and whose payload is `chain` then an echo
  // request.
  Bytes WithChain(uint8_t next_header, const Bytes& chain) const {
    return IpPacket(cast.peer, cast.own, next_header,
                    chain + IcmpMessage(cast.peer, cast.own, icmpv6_type::kEchoRequest, 0, 1, {}));
  }
  void ExpectEchoReply() {
    const ParsedFrame reply = world.Next();
    ASSERT_TRUE(reply.ok);
    EXPECT_EQ(reply.icmp_type(), icmpv6_type::kEchoReply);
  }
  void ExpectParameterProblem(uint8_t code, uint32_t pointer) {
    const ParsedFrame error = world.Next();
    ASSERT_TRUE(error.ok);
    EXPECT_EQ(error.icmp_type(), icmpv6_type::kParameterProblem);
    EXPECT_EQ(error.icmp_code(), code);
    EXPECT_EQ(error.icmp_rest(), pointer);
  }
  static Bytes Solicitation(const IpAddress& target, const std::optional<MacAddress>& mac) {
    uint8_t bytes[kMaxNdpEmit];
    const size_t size = EmitNeighborSolicitation(target, mac, std::nullopt, bytes);
    return Bytes(bytes, bytes + size);
  }
  static Bytes Advertisement(const IpAddress& target, bool router, bool solicited, bool override_,
                             const std::optional<MacAddress>& mac) {
    uint8_t bytes[kMaxNdpEmit];
    const size_t size =
        EmitNeighborAdvertisement(target, router, solicited, override_, mac, bytes);
    return Bytes(bytes, bytes + size);
  }
  // The peer becomes a neighbour of this state, with kPeerMac.
  void MakeStale() {
    world.ReceiveNdp(cast.peer, cast.own, Advertisement(cast.peer, false, false, true, kPeerMac));
    world.ReceiveNdp(cast.peer, SolicitedNodeGroup(cast.own), Solicitation(cast.own, kPeerMac));
    world.link.Clear();
  }
  void MakeReachable() {
    MakeStale();
    world.ReceiveNdp(cast.peer, cast.own, Advertisement(cast.peer, false, true, true, kPeerMac));
    ASSERT_EQ(world.Neighbor(cast.peer)->state, NeighborState::kReachable);
  }

  StackWorld world;
  Cast cast = CastOf(Family::kIpv6);
};

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
using Rfc4861 = Ipv6;
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
  world.ReceiveIp(datagram(anycast));
  EXPECT_TRUE(world.Silent());
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

// --- RFC 4861 ----------------------------------------------------------------------------------

TEST_F(Rfc4861, S7_1_1_SolicitationFromBeyondARouterIsIgnored) {
  world.ReceiveNdp(cast.peer, cast.own, Solicitation(cast.own, kPeerMac), /*hop_limit=*/254);
  EXPECT_TRUE(world.Silent());
  EXPECT_TRUE(world.stack.Neighbors().empty());
  EXPECT_EQ(world.Count("Drop.NdpInvalid"), 1u);
}

TEST_F(Rfc4861, S7_1_1_UnspecifiedSourceMustAskTheGroupWithoutALinkAddress) {
  world.ReceiveNdp(kUnspecified, cast.own, Solicitation(cast.own, std::nullopt));
  world.ReceiveNdp(kUnspecified, SolicitedNodeGroup(cast.own), Solicitation(cast.own, kPeerMac));
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.NdpInvalid"), 2u);
}

TEST_F(Rfc4861, S7_2_4_AnswerToAnAddressIsSolicitedAndOverrides) {
  world.ReceiveNdp(cast.peer, SolicitedNodeGroup(cast.own), Solicitation(cast.own, kPeerMac));
  const ParsedFrame frame = world.Next();
  ASSERT_TRUE(frame.ok);
  const auto answer = ParseNeighborAdvertisement(frame.payload);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->target, cast.own);
  EXPECT_TRUE(answer->solicited);
  EXPECT_TRUE(answer->override_);
  EXPECT_FALSE(answer->router);
  EXPECT_EQ(answer->options.target_link_address, kOwnMac);
  EXPECT_EQ(frame.source, cast.own);
  EXPECT_EQ(frame.destination, cast.peer);
  EXPECT_EQ(frame.hop_limit, 255);
}

TEST_F(Rfc4861, S7_2_4_AnswerToAProbeGoesToAllNodesUnsolicited) {
  world.ReceiveNdp(kUnspecified, SolicitedNodeGroup(cast.own),
                   Solicitation(cast.own, std::nullopt));
  const ParsedFrame frame = world.Next();
  ASSERT_TRUE(frame.ok);
  const auto answer = ParseNeighborAdvertisement(frame.payload);
  ASSERT_TRUE(answer.has_value());
  EXPECT_FALSE(answer->solicited);
  EXPECT_EQ(frame.destination, kAllNodes);
  EXPECT_EQ(frame.to, MulticastMac(kAllNodes));
}

TEST_F(Rfc4861, S7_2_3_SolicitationWithoutLinkAddressMakesNoStaleEntry) {
  world.ReceiveNdp(cast.peer, cast.own, Solicitation(cast.own, std::nullopt));
  // We must resolve the asker to answer it.
  const ParsedFrame frame = world.Next();
  EXPECT_EQ(frame.icmp_type(), icmpv6_type::kNeighborSolicitation);
  EXPECT_EQ(world.Neighbor(cast.peer)->state, NeighborState::kIncomplete);
}

TEST_F(Rfc4861, S7_2_5_SolicitedAnswerToAGroupIsInvalid) {
  MakeStale();
  world.ReceiveNdp(cast.peer, kAllNodes, Advertisement(cast.peer, false, true, true, kOtherMac));
  EXPECT_EQ(world.Neighbor(cast.peer)->mac, kPeerMac);
}

TEST_F(Rfc4861, S7_2_5_WithoutOverrideAnotherLinkAddressOnlyRaisesDoubt) {
  MakeReachable();
  world.ReceiveNdp(cast.peer, cast.own, Advertisement(cast.peer, false, true, false, kOtherMac));
  EXPECT_EQ(world.Neighbor(cast.peer)->mac, kPeerMac);
  EXPECT_EQ(world.Neighbor(cast.peer)->state, NeighborState::kStale);
}

TEST_F(Rfc4861, S7_2_5_WithOverrideTheLinkAddressChanges) {
  MakeReachable();
  world.ReceiveNdp(cast.peer, kAllNodes, Advertisement(cast.peer, false, false, true, kOtherMac));
  EXPECT_EQ(world.Neighbor(cast.peer)->mac, kOtherMac);
  EXPECT_EQ(world.Neighbor(cast.peer)->state, NeighborState::kStale);
  world.ReceiveNdp(cast.peer, cast.own, Advertisement(cast.peer, false, true, true, kPeerMac));
  EXPECT_EQ(world.Neighbor(cast.peer)->mac, kPeerMac);
  EXPECT_EQ(world.Neighbor(cast.peer)->state, NeighborState::kReachable);
}

TEST_F(Rfc4861, S7_2_5_RouterFlagIsFollowed) {
  MakeReachable();
  world.ReceiveNdp(cast.peer, cast.own, Advertisement(cast.peer, true, true, true, kPeerMac));
  EXPECT_TRUE(world.Neighbor(cast.peer)->router);
  world.ReceiveNdp(cast.peer, cast.own, Advertisement(cast.peer, false, true, true, kPeerMac));
  EXPECT_FALSE(world.Neighbor(cast.peer)->router);
}

TEST_F(Rfc4861, S7_2_3_ASolicitationDoesNotChangeTheRouterFlag) {
  MakeReachable();
  for (const bool router : {true, false}) {
    world.ReceiveNdp(cast.peer, cast.own, Advertisement(cast.peer, router, true, true, kPeerMac));
    uint8_t bytes[kMaxNdpEmit];
    const size_t size = EmitNeighborSolicitation(cast.own, kPeerMac, std::nullopt, bytes);
    world.ReceiveNdp(cast.peer, SolicitedNodeGroup(cast.own), Bytes(bytes, bytes + size));
    EXPECT_EQ(world.Neighbor(cast.peer)->router, router);
  }
}

TEST_F(Rfc4861, S6_3_4_AnAdvertisementWithoutLinkAddressTellsThatAKnownNeighbourIsARouter) {
  const IpAddress router = Ip("fe80::2");
  const Bytes message = {134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0};
  world.ReceiveNdp(router, kAllNodes, message);
  EXPECT_FALSE(world.Neighbor(router).has_value());  // 7.2: makes no entry
  uint8_t bytes[kMaxNdpEmit];
  const size_t size = EmitNeighborSolicitation(Ip("fe80::1"), kPeerMac, std::nullopt, bytes);
  world.ReceiveNdp(router, SolicitedNodeGroup(Ip("fe80::1")), Bytes(bytes, bytes + size));
  ASSERT_TRUE(world.Neighbor(router).has_value());
  EXPECT_FALSE(world.Neighbor(router)->router);
  world.ReceiveNdp(router, kAllNodes, message);
  EXPECT_TRUE(world.Neighbor(router)->router);
  EXPECT_NE(world.Neighbor(router)->state, NeighborState::kReachable);
  EXPECT_EQ(world.Neighbor(router)->mac, kPeerMac);
}

TEST_F(Rfc4861, S7_2_5_AnswerWithoutLinkAddressConfirmsAKnownNeighbour) {
  MakeStale();
  world.ReceiveNdp(cast.peer, cast.own,
                   Advertisement(cast.peer, false, true, false, std::nullopt));
  EXPECT_EQ(world.Neighbor(cast.peer)->state, NeighborState::kReachable);
  EXPECT_EQ(world.Neighbor(cast.peer)->mac, kPeerMac);
}

TEST_F(Rfc4861, S6_2_6_RouterAdvertisementTeachesTheRoutersLinkAddress) {
  Bytes message = {134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1};
  message.insert(message.end(), kPeerMac.bytes.begin(), kPeerMac.bytes.end());
  world.ReceiveNdp(Ip("fe80::2"), kAllNodes, message);
  ASSERT_TRUE(world.Neighbor(Ip("fe80::2")).has_value());
  EXPECT_TRUE(world.Neighbor(Ip("fe80::2"))->router);
  // Not from a link-local address: invalid (6.1.2).
  world.ReceiveNdp(cast.peer, kAllNodes, message);
  EXPECT_FALSE(world.Neighbor(cast.peer).has_value());
}

// --- RFC 4862 5.4 ------------------------------------------------------------------------------

class Rfc4862 : public Ipv6 {
 protected:
  const IpAddress fresh = Ip("2001:db8::77");
  void AddFresh() {
    ASSERT_TRUE(world.stack.AddAddress(kEth0, {fresh, 64}, {}).ok());
    while (world.link.sent().size() > 1) world.link.sent().pop_front();
    probe = world.Next();
  }
  AddressInfo Info() {
    for (const AddressInfo& info : world.stack.Addresses()) {
      if (info.prefix.address == fresh) return info;
    }
    return {};
  }
  ParsedFrame probe;
};

TEST_F(Rfc4862, S5_4_2_ProbesFromTheUnspecifiedAddress) {
  AddFresh();
  ASSERT_TRUE(probe.ok);
  EXPECT_EQ(probe.source, kUnspecified);
  EXPECT_EQ(probe.destination, SolicitedNodeGroup(fresh));
  const auto message = ParseNeighborSolicitation(probe.payload);
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->target, fresh);
  EXPECT_FALSE(message->options.source_link_address.has_value());
}

TEST_F(Rfc4862, S5_4_TentativeAddressIsNotUsed) {
  AddFresh();
  EXPECT_TRUE(Info().tentative);
  EXPECT_FALSE(world.stack.IsLocalAddress(fresh));
  world.ReceiveEchoRequest(cast.peer, fresh, {});
  EXPECT_EQ(world.Count("Drop.TentativeDestination"), 1u);
  world.ReceiveNdp(cast.peer, SolicitedNodeGroup(fresh), Solicitation(fresh, kPeerMac));
  EXPECT_TRUE(world.Silent());
  world.Advance(milliseconds(1001));
  EXPECT_FALSE(Info().tentative);
  EXPECT_TRUE(world.stack.IsLocalAddress(fresh));
  world.link.Clear();
  world.ReceiveNdp(cast.peer, SolicitedNodeGroup(fresh), Solicitation(fresh, kPeerMac));
  EXPECT_EQ(world.Next().icmp_type(), icmpv6_type::kNeighborAdvertisement);
}

TEST_F(Rfc4862, S5_4_3_AnothersProbeMakesItADuplicate) {
  AddFresh();
  world.ReceiveNdp(kUnspecified, SolicitedNodeGroup(fresh), Solicitation(fresh, std::nullopt));
  EXPECT_TRUE(Info().duplicate);
  world.Advance(seconds(3));
  EXPECT_FALSE(world.stack.IsLocalAddress(fresh));
}

TEST_F(Rfc4862, S5_4_4_AnAdvertisementMakesItADuplicate) {
  AddFresh();
  world.ReceiveNdp(fresh, kAllNodes, Advertisement(fresh, false, false, true, kPeerMac));
  EXPECT_TRUE(Info().duplicate);
}

TEST_F(Rfc4862, Rfc7527_OwnProbeLoopedBackIsNoDuplicate) {
  AddFresh();
  world.ReceiveNdp(kUnspecified, SolicitedNodeGroup(fresh), probe.payload);
  EXPECT_FALSE(Info().duplicate);
  world.Advance(milliseconds(1001));
  EXPECT_TRUE(world.stack.IsLocalAddress(fresh));
}

TEST_F(Rfc4862, S5_4_5_ADuplicateOfTheLinkAddressMayDisableIpv6) {
  const IpAddress own = Ip("fe80::ff:fe00:1");  // of kOwnMac
  const auto duplicate = [&] {
    ASSERT_TRUE(world.stack.AddAddress(kEth0, {own, 64}, {}).ok());
    world.ReceiveNdp(kUnspecified, SolicitedNodeGroup(own), Solicitation(own, std::nullopt));
  };
  const auto disabled = [&] {
    std::string value;
    EXPECT_TRUE(world.stack.GetSysctl("ipv6.conf.eth0.disable_ipv6", &value).ok());
    return value == "1";
  };
  duplicate();
  EXPECT_FALSE(disabled()) << "accept_dad is 1: the address only is not used";
  ASSERT_TRUE(world.stack.RemoveAddress(kEth0, {own, 64}).ok());
  ASSERT_TRUE(world.stack.SetSysctl("ipv6.conf.eth0.accept_dad", "2").ok());
  duplicate();
  EXPECT_TRUE(disabled());
  world.link.Clear();
  world.ReceiveEchoRequest(Ip("2001:db8::2"), Ip("2001:db8::1"), {});
  EXPECT_TRUE(world.Silent());
}

TEST_F(Rfc4862, S5_4_5_AnotherDuplicateDisablesNothing) {
  ASSERT_TRUE(world.stack.SetSysctl("ipv6.conf.all.accept_dad", "2").ok());
  const IpAddress own = Ip("2001:db8::77");
  ASSERT_TRUE(world.stack.AddAddress(kEth0, {own, 64}, {}).ok());
  world.ReceiveNdp(kUnspecified, SolicitedNodeGroup(own), Solicitation(own, std::nullopt));
  std::string value;
  ASSERT_TRUE(world.stack.GetSysctl("ipv6.conf.eth0.disable_ipv6", &value).ok());
  EXPECT_EQ(value, "0");
}

TEST_F(Rfc4862, AcceptDadZeroMeansAtOnce) {
  ASSERT_TRUE(world.stack.SetSysctl("ipv6.conf.eth0.accept_dad", "0").ok());
  ASSERT_TRUE(world.stack.AddAddress(kEth0, *Prefix::Parse("2001:db8::77/64"), {}).ok());
  EXPECT_TRUE(world.stack.IsLocalAddress(Ip("2001:db8::77")));
  EXPECT_TRUE(world.stack.SelectSource(Ip("2001:db8::2"), kEth0).ok());
}

TEST_F(Rfc4862, S5_1_DadTransmitsZeroMeansAtOnce) {
  ASSERT_TRUE(world.stack.SetSysctl("ipv6.conf.all.dad_transmits", "0").ok());
  ASSERT_TRUE(world.stack.AddAddress(kEth0, {fresh, 64}, {}).ok());
  EXPECT_TRUE(world.stack.IsLocalAddress(fresh));
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
