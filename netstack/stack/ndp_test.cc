// NDP's rules (RFC 4861), and duplicate address detection (RFC 4862 5.4).
#include <optional>

#include "netstack/stack/ipv6_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

using Rfc4861 = Ipv6;

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

}  // namespace
}  // namespace moat::netstack
