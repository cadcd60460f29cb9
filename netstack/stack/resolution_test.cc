// Address resolution seen from outside: ARP and NDP of a whole stack.

#include "netstack/stack/stack_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// What both families promise.
class Resolution : public testing::TestWithParam<Family> {
 protected:
  // The peer asks for our address, from `mac`.
  void PeerAsks(const IpAddress& peer, const MacAddress& mac) {
    if (GetParam() == Family::kIpv4) {
      world.ReceiveArp(ArpOperation::kRequest, peer, mac, cast.own, MacAddress::Broadcast());
    } else {
      uint8_t bytes[kMaxNdpEmit];
      const size_t size = EmitNeighborSolicitation(cast.own, mac, std::nullopt, bytes);
      world.ReceiveNdp(peer, SolicitedNodeGroup(cast.own), Bytes(bytes, bytes + size));
    }
  }
  void PeerAnswers(const IpAddress& peer, const MacAddress& mac) {
    if (GetParam() == Family::kIpv4) {
      world.ReceiveArp(ArpOperation::kReply, peer, mac, cast.own, kOwnMac);
    } else {
      uint8_t bytes[kMaxNdpEmit];
      const size_t size = EmitNeighborAdvertisement(peer, false, true, true, mac, bytes);
      world.ReceiveNdp(peer, cast.own, Bytes(bytes, bytes + size));
    }
  }
  // The next frame asks for `target`; where it is sent to.
  void ExpectQuestion(const IpAddress& target, const std::optional<MacAddress>& unicast_to) {
    const ParsedFrame frame = world.Next();
    ASSERT_TRUE(frame.ok);
    if (GetParam() == Family::kIpv4) {
      ArpMessage message;
      ASSERT_EQ(frame.ethertype, ethertype::kArp);
      ASSERT_EQ(ParseArp(frame.payload, &message), ArpParse::kOk);
      EXPECT_EQ(message.operation, ArpOperation::kRequest);
      EXPECT_EQ(message.target, target);
      EXPECT_EQ(message.sender, cast.own);
      EXPECT_EQ(message.sender_mac, kOwnMac);
      EXPECT_EQ(frame.to, unicast_to.value_or(MacAddress::Broadcast()));
    } else {
      ASSERT_EQ(frame.icmp_type(), icmpv6_type::kNeighborSolicitation);
      const auto message = ParseNeighborSolicitation(frame.payload);
      ASSERT_TRUE(message.has_value());
      EXPECT_EQ(message->target, target);
      EXPECT_EQ(message->options.source_link_address, kOwnMac);
      EXPECT_EQ(frame.hop_limit, 255);
      EXPECT_EQ(frame.source, cast.own);
      EXPECT_EQ(frame.destination,
                unicast_to.has_value() ? target : SolicitedNodeGroup(target));
      EXPECT_EQ(frame.to, unicast_to.value_or(MulticastMac(SolicitedNodeGroup(target))));
    }
  }
  // A neighbour advertisement is itself a packet to the stale neighbour; an ARP reply is not.
  static NeighborState AfterAnswering() {
    return GetParam() == Family::kIpv4 ? NeighborState::kStale : NeighborState::kDelay;
  }
  NeighborState State(const IpAddress& address) {
    const auto neighbor = world.Neighbor(address);
    return neighbor.has_value() ? neighbor->state : NeighborState::kNoArp;
  }
  Error Send(const IpAddress& to, const Bytes& payload = {1, 2, 3}) {
    if (socket == nullptr) socket = world.UdpSocket(GetParam());
    return StackWorld::SendTo(*socket, {to, 9}, payload);
  }
  // To an entry that is reachable, by the peer's answer; the queued packet is gone.
  void Resolve() {
    (void)Send(cast.peer);
    (void)world.Next();
    PeerAnswers(cast.peer, kPeerMac);
    (void)world.Next();
  }

  StackWorld world;
  Cast cast = CastOf(GetParam());
  std::unique_ptr<DatagramSocket> socket;
};
INSTANTIATE_TEST_SUITE_P(Families, Resolution,
                         testing::Values(Family::kIpv4, Family::kIpv6), [](const auto& info) {
                           return info.param == Family::kIpv4 ? "Arp" : "Ndp";
                         });

TEST_P(Resolution, QueuesThePacketAsksAndSends) {
  EXPECT_EQ(Send(cast.peer), Error::kOk);
  ExpectQuestion(cast.peer, std::nullopt);
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(State(cast.peer), NeighborState::kIncomplete);
  PeerAnswers(cast.peer, kPeerMac);
  const ParsedFrame sent = world.Next();
  ASSERT_TRUE(sent.ok);
  EXPECT_EQ(sent.to, kPeerMac);
  EXPECT_EQ(sent.from, kOwnMac);
  EXPECT_EQ(sent.destination, cast.peer);
  EXPECT_EQ(State(cast.peer), NeighborState::kReachable);
  EXPECT_EQ(Send(cast.peer), Error::kOk);
  EXPECT_EQ(world.Next().to, kPeerMac);
  EXPECT_TRUE(world.Silent());
}

TEST_P(Resolution, KeepsTheOrderOfQueuedPackets) {
  for (uint8_t i = 0; i < 5; ++i) EXPECT_EQ(Send(cast.peer, {i}), Error::kOk);
  ExpectQuestion(cast.peer, std::nullopt);
  PeerAnswers(cast.peer, kPeerMac);
  for (uint8_t i = 0; i < 5; ++i) EXPECT_EQ(world.Next().payload.back(), i);
}

TEST_P(Resolution, QueueIsBoundedAndKeepsTheNewest) {
  const std::string prefix = GetParam() == Family::kIpv4 ? "ipv4" : "ipv6";
  ASSERT_TRUE(world.stack.SetSysctl(prefix + ".neigh.default.unres_qlen_bytes", "3000").ok());
  for (uint8_t i = 0; i < 10; ++i) {
    EXPECT_EQ(Send(cast.peer, Bytes(1000, i)), Error::kOk);
  }
  ExpectQuestion(cast.peer, std::nullopt);
  PeerAnswers(cast.peer, kPeerMac);
  EXPECT_EQ(world.Next().payload.back(), 8);
  EXPECT_EQ(world.Next().payload.back(), 9);
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count(GetParam() == Family::kIpv4 ? "Neigh4.UnresDiscards"
                                                    : "Neigh6.UnresDiscards"),
            8u);
}

TEST_P(Resolution, AsksThreeTimesThenTellsTheSender) {
  socket = world.UdpSocket(GetParam());
  ASSERT_EQ(socket->Connect({cast.peer, 9}), Error::kOk);
  socket->SetQueueErrors(true);
  EXPECT_EQ(Send(cast.peer), Error::kOk);
  ExpectQuestion(cast.peer, std::nullopt);
  world.Advance(milliseconds(1001));
  ExpectQuestion(cast.peer, std::nullopt);
  world.Advance(milliseconds(1001));
  ExpectQuestion(cast.peer, std::nullopt);
  EXPECT_TRUE(world.Silent());
  world.Advance(milliseconds(1001));
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(State(cast.peer), NeighborState::kFailed);
  const std::optional<QueuedError> error = socket->TakeQueuedError();
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->error, Error::kHostUnreachable);
  if (GetParam() == Family::kIpv4) {
    EXPECT_EQ(error->icmp_type, icmpv4_type::kDestinationUnreachable);
    EXPECT_EQ(error->icmp_code, icmpv4_code::kHost);
  } else {
    EXPECT_EQ(error->icmp_type, icmpv6_type::kDestinationUnreachable);
    EXPECT_EQ(error->icmp_code, icmpv6_code::kAddress);
  }
  // The next packet begins anew.
  (void)socket->TakeError();
  EXPECT_EQ(Send(cast.peer), Error::kOk);
  ExpectQuestion(cast.peer, std::nullopt);
}

TEST_P(Resolution, StaleEntryIsUsedThenProbedByUnicast) {
  PeerAsks(cast.peer, kPeerMac);
  EXPECT_TRUE(world.Next().ok);  // our answer
  EXPECT_EQ(State(cast.peer), AfterAnswering());
  EXPECT_EQ(Send(cast.peer), Error::kOk);
  EXPECT_EQ(world.Next().to, kPeerMac);
  EXPECT_EQ(State(cast.peer), NeighborState::kDelay);
  world.Advance(milliseconds(5001));
  EXPECT_EQ(State(cast.peer), NeighborState::kProbe);
  ExpectQuestion(cast.peer, kPeerMac);
  PeerAnswers(cast.peer, kPeerMac);
  EXPECT_EQ(State(cast.peer), NeighborState::kReachable);
}

TEST_P(Resolution, ProbesThreeTimesThenFails) {
  PeerAsks(cast.peer, kPeerMac);
  (void)world.Next();
  (void)Send(cast.peer);
  (void)world.Next();
  world.Advance(milliseconds(5001));
  for (int i = 0; i < 3; ++i) {
    ExpectQuestion(cast.peer, kPeerMac);
    EXPECT_TRUE(world.Silent());
    world.Advance(milliseconds(1001));
  }
  EXPECT_EQ(State(cast.peer), NeighborState::kFailed);
  EXPECT_TRUE(world.Silent());
}

TEST_P(Resolution, ReachableBecomesStaleInSilence) {
  Resolve();
  world.Advance(seconds(14));  // half the base time is the least
  EXPECT_EQ(State(cast.peer), NeighborState::kReachable);
  world.Advance(seconds(46));  // one and a half the most
  EXPECT_EQ(State(cast.peer), NeighborState::kStale);
  EXPECT_TRUE(world.Silent());
}

TEST_P(Resolution, Rfc1122_S2_3_2_1_TheTimeIsConfigurable) {
  const std::string base = GetParam() == Family::kIpv4 ? "ipv4" : "ipv6";
  ASSERT_TRUE(world.stack.SetSysctl(base + ".neigh.default.base_reachable_time_ms", "600000").ok());
  Resolve();
  world.Advance(seconds(290));  // half of ten minutes is the least
  EXPECT_EQ(State(cast.peer), NeighborState::kReachable);
  world.Advance(seconds(620));  // one and a half the most
  EXPECT_EQ(State(cast.peer), NeighborState::kStale);
}

TEST_P(Resolution, AnswersAndLearnsFromWhoAsks) {
  PeerAsks(cast.peer, kPeerMac);
  const ParsedFrame answer = world.Next();
  ASSERT_TRUE(answer.ok);
  EXPECT_EQ(answer.to, kPeerMac);
  EXPECT_EQ(world.Neighbor(cast.peer)->mac, kPeerMac);
  // Another link address makes the entry stale again, with the new one.
  PeerAnswers(cast.peer, kPeerMac);
  PeerAsks(cast.peer, kOtherMac);
  EXPECT_EQ(world.Neighbor(cast.peer)->mac, kOtherMac);
  EXPECT_EQ(State(cast.peer), AfterAnswering());
}

TEST_P(Resolution, UnsolicitedAnswerMakesNoEntry) {
  PeerAnswers(cast.peer, kPeerMac);
  EXPECT_FALSE(world.Neighbor(cast.peer).has_value());
}

TEST_P(Resolution, PermanentEntryIsNeverAskedForNorChanged) {
  world.Know(cast.peer, kOtherMac);
  PeerAsks(cast.peer, kPeerMac);
  (void)world.Next();
  EXPECT_EQ(world.Neighbor(cast.peer)->mac, kOtherMac);
  EXPECT_EQ(Send(cast.peer), Error::kOk);
  EXPECT_EQ(world.Next().to, kOtherMac);
  world.Advance(seconds(100));
  EXPECT_TRUE(world.Silent());
  world.stack.FlushNeighbors(0);
  EXPECT_TRUE(world.Neighbor(cast.peer).has_value());
  EXPECT_TRUE(world.stack.RemoveNeighbor(kEth0, cast.peer).ok());
  EXPECT_FALSE(world.Neighbor(cast.peer).has_value());
}

TEST_P(Resolution, GatewayIsResolvedForARemoteDestination) {
  EXPECT_EQ(Send(cast.remote), Error::kOk);
  ExpectQuestion(cast.gateway, std::nullopt);
  PeerAnswers(cast.gateway, kOtherMac);
  const ParsedFrame sent = world.Next();
  EXPECT_EQ(sent.to, kOtherMac);
  EXPECT_EQ(sent.destination, cast.remote);
}

TEST_P(Resolution, FlushForgetsWhatWasLearned) {
  PeerAsks(cast.peer, kPeerMac);
  (void)world.Next();
  world.stack.FlushNeighbors(kEth0);
  EXPECT_FALSE(world.Neighbor(cast.peer).has_value());
  EXPECT_EQ(Send(cast.peer), Error::kOk);
  ExpectQuestion(cast.peer, std::nullopt);
}

TEST_P(Resolution, InterfaceDownFlushesNeighbours) {
  PeerAsks(cast.peer, kPeerMac);
  (void)world.Next();
  ASSERT_TRUE(world.stack.SetInterfaceUp(kEth0, false).ok());
  EXPECT_FALSE(world.Neighbor(cast.peer).has_value());
  EXPECT_NE(Send(cast.peer), Error::kOk);
  ASSERT_TRUE(world.stack.SetInterfaceUp(kEth0, true).ok());
  world.link.Clear();  // reports of its groups
  EXPECT_EQ(Send(cast.peer), Error::kOk);
  ExpectQuestion(cast.peer, std::nullopt);
}

TEST_P(Resolution, TableIsBounded) {
  const std::string prefix = GetParam() == Family::kIpv4 ? "ipv4" : "ipv6";
  ASSERT_TRUE(world.stack.SetSysctl(prefix + ".neigh.default.gc_thresh3", "16").ok());
  for (int i = 0; i < 100; ++i) {
    Bytes address(cast.peer.data(), cast.peer.data() + cast.peer.size());
    address.back() = static_cast<uint8_t>(100 + i);
    PeerAsks(GetParam() == Family::kIpv4 ? IpAddress::V4(address.data())
                                         : IpAddress::V6(address.data()),
             kPeerMac);
  }
  EXPECT_EQ(world.stack.Neighbors().size(), 16u);
}

// --- ARP only ----------------------------------------------------------------------------------

TEST(Rfc826, RequestWithUnknownHardwareTypeGetsNoReply) {
  StackWorld world;
  Bytes frame = ArpFrame(MacAddress::Broadcast(),
                         {ArpOperation::kRequest, kPeerMac, Ip("192.0.2.2"), {}, Ip("192.0.2.1")});
  frame[kEthernetHeaderSize + 1] = 6;
  world.ReceiveFrame(frame);
  EXPECT_TRUE(world.Silent());
  EXPECT_FALSE(world.Neighbor(Ip("192.0.2.2")).has_value());
  EXPECT_EQ(world.Count("Drop.ArpHardwareType"), 1u);
}

TEST(Rfc826, RequestForSomebodyElseIsIgnoredButUpdates) {
  StackWorld world;
  world.ReceiveArp(ArpOperation::kRequest, Ip("192.0.2.2"), kPeerMac, Ip("192.0.2.7"),
                   MacAddress::Broadcast());
  EXPECT_TRUE(world.Silent());
  EXPECT_FALSE(world.Neighbor(Ip("192.0.2.2")).has_value());
  world.ReceiveArp(ArpOperation::kRequest, Ip("192.0.2.2"), kPeerMac, Ip("192.0.2.1"),
                   MacAddress::Broadcast());
  (void)world.Next();
  world.ReceiveArp(ArpOperation::kRequest, Ip("192.0.2.2"), kOtherMac, Ip("192.0.2.7"),
                   MacAddress::Broadcast());
  EXPECT_EQ(world.Neighbor(Ip("192.0.2.2"))->mac, kOtherMac);
}

TEST(Rfc826, ReplyHasTheFieldsSwapped) {
  StackWorld world;
  world.ReceiveArp(ArpOperation::kRequest, Ip("192.0.2.2"), kPeerMac, Ip("192.0.2.1"),
                   MacAddress::Broadcast());
  const ParsedFrame frame = world.Next();
  ArpMessage message;
  ASSERT_EQ(ParseArp(frame.payload, &message), ArpParse::kOk);
  EXPECT_EQ(message.operation, ArpOperation::kReply);
  EXPECT_EQ(message.sender, Ip("192.0.2.1"));
  EXPECT_EQ(message.sender_mac, kOwnMac);
  EXPECT_EQ(message.target, Ip("192.0.2.2"));
  EXPECT_EQ(message.target_mac, kPeerMac);
  EXPECT_EQ(frame.payload.size(), 46u);  // padded to Ethernet's least
}

TEST(Rfc5227, S2_1_1_ProbeIsAnsweredAndTeachesNothing) {
  StackWorld world;
  world.ReceiveArp(ArpOperation::kRequest, Ip("0.0.0.0"), kPeerMac, Ip("192.0.2.1"),
                   MacAddress::Broadcast());
  EXPECT_EQ(world.Next().ethertype, ethertype::kArp);
  EXPECT_TRUE(world.stack.Neighbors().empty());
}

TEST(Rfc5227, S2_4_ClaimOfOurAddressIsNotBelieved) {
  StackWorld world;
  world.ReceiveArp(ArpOperation::kRequest, Ip("192.0.2.1"), kPeerMac, Ip("192.0.2.1"),
                   MacAddress::Broadcast());
  EXPECT_TRUE(world.Silent());
  EXPECT_TRUE(world.stack.Neighbors().empty());
  EXPECT_EQ(world.Count("Arp.Conflicts"), 1u);
}

TEST(Rfc5227, S2_3_GratuitousArpUpdatesWhatIsKnown) {
  StackWorld world;
  world.ReceiveArp(ArpOperation::kRequest, Ip("192.0.2.2"), kPeerMac, Ip("192.0.2.1"),
                   MacAddress::Broadcast());
  (void)world.Next();
  world.ReceiveArp(ArpOperation::kReply, Ip("192.0.2.2"), kOtherMac, Ip("192.0.2.2"),
                   MacAddress::Broadcast());
  EXPECT_EQ(world.Neighbor(Ip("192.0.2.2"))->mac, kOtherMac);
  EXPECT_EQ(world.Neighbor(Ip("192.0.2.2"))->state, NeighborState::kStale);
}

TEST(Rfc1812, S3_3_2_GroupLinkAddressIsNotBelieved) {
  StackWorld world;
  world.ReceiveArp(ArpOperation::kRequest, Ip("192.0.2.2"), MacAddress::Broadcast(),
                   Ip("192.0.2.1"), MacAddress::Broadcast());
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.ArpBadSender"), 1u);
}

TEST(Rfc5227, S2_3_AnnouncesWhenToldTo) {
  StackWorld world;
  ASSERT_TRUE(world.stack.SetSysctl("ipv4.conf.all.arp_notify", "1").ok());
  ASSERT_TRUE(world.stack.AddAddress(kEth0, *Prefix::Parse("192.0.2.77/24"), {}).ok());
  const ParsedFrame frame = world.Next();
  ArpMessage message;
  ASSERT_EQ(ParseArp(frame.payload, &message), ArpParse::kOk);
  EXPECT_EQ(message.sender, Ip("192.0.2.77"));
  EXPECT_EQ(message.target, Ip("192.0.2.77"));
}

}  // namespace
}  // namespace moat::netstack
