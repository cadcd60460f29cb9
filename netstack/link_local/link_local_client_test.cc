// IPv4 link-local addresses on a fake clock, section by section of RFC 3927.

#include "netstack/link_local/link_local_client.h"

#include <set>

#include "netstack/stack/stack_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const IpAddress kNobody = Ip("0.0.0.0");
const IpAddress kNeighbor = Ip("169.254.77.7");
constexpr Duration kClaimed = seconds(12);  // probes, announcements, and time to spare

class LinkLocal : public testing::Test {
 protected:
  LinkLocal() {
    EXPECT_TRUE(world.stack.RemoveAddress(kEth0, *Prefix::Parse("192.0.2.1/24")).ok());
    RouteInfo route;
    route.destination = *Prefix::Parse("0.0.0.0/0");
    EXPECT_TRUE(world.stack.RemoveRoute(route).ok());
  }
  void Begin() {
    client = std::make_unique<LinkLocalClient>(world.stack, options);
    ASSERT_TRUE(client->Start().ok());
  }
  void Bound() {
    Begin();
    Advance(kClaimed);
    ASSERT_EQ(client->state(), LinkLocalClient::State::kBound);
    own = *client->address();
    world.link.Clear();
  }
  void Advance(Duration by) { world.Advance(*client, by); }
  // The ARP messages sent so far, and where the last of them went.
  std::vector<ArpMessage> Sent() {
    std::vector<ArpMessage> out;
    while (!world.Silent()) {
      const ParsedFrame frame = world.Next();
      ArpMessage message;
      if (frame.ethertype != ethertype::kArp) continue;
      EXPECT_EQ(ParseArp(frame.payload, &message), ArpParse::kOk);
      out.push_back(message);
      sent_to = frame.to;
    }
    return out;
  }
  // Another node says that it has the address.
  void Claim(const IpAddress& address) {
    world.ReceiveArp(ArpOperation::kReply, address, kOtherMac, address, MacAddress::Broadcast());
    client->Poll();
  }
  // The address that is probed for now; waits for the next probe.
  IpAddress Probed(Duration within = seconds(3)) {
    const Time end = world.clock.Now() + within;
    while (world.clock.Now() < end) {
      Advance(milliseconds(10));
      const std::vector<ArpMessage> sent = Sent();
      if (!sent.empty() && sent.front().sender == kNobody) return sent.front().target;
    }
    return {};
  }
  Error Send(const IpAddress& to) {
    const auto socket = world.UdpSocket(Family::kIpv4);
    const Error error = StackWorld::SendTo(*socket, {to, 9}, Pattern(4));
    world.stack.Flush();
    return error;
  }
  IpAddress Candidate(uint32_t attempt) const { return LinkLocalCandidate(kOwnMac, attempt); }
  // A routable address and a router, by hand.
  void AddRoutable() {
    ASSERT_TRUE(world.stack.AddAddress(kEth0, *Prefix::Parse("192.0.2.1/24"), {}).ok());
    RouteInfo route;
    route.destination = *Prefix::Parse("0.0.0.0/0");
    route.gateway = Ip("192.0.2.254");
    ASSERT_TRUE(world.stack.AddRoute(route).ok());
    world.Know(Ip("192.0.2.254"), kPeerMac);
  }

  StackWorld world;
  LinkLocalOptions options{.interface = kEth0};
  std::unique_ptr<LinkLocalClient> client;
  IpAddress own;
  MacAddress sent_to;
};

// --- Choosing ----------------------------------------------------------------------------------

TEST_F(LinkLocal, Rfc3927_S2_1_CandidatesLieBetweenTheReservedAddresses) {
  std::vector<int> eighths(8);
  for (uint32_t node = 0; node < 4000; ++node) {
    MacAddress mac = kOwnMac;
    StoreBe32(mac.bytes.data() + 2, node);
    const IpAddress address = LinkLocalCandidate(mac, 0);
    EXPECT_TRUE(address.IsLinkLocal());
    EXPECT_GE(address.data()[2], 1);
    EXPECT_LE(address.data()[2], 254);
    ++eighths[(address.data()[2] - 1u) * 8 / 254];
  }
  for (const int count : eighths) EXPECT_NEAR(count, 500, 100);  // evenly
}

TEST_F(LinkLocal, Rfc3927_S2_1_TheSequenceIsTheNodesOwn) {
  std::set<IpAddress> mine;
  for (uint32_t attempt = 0; attempt < 100; ++attempt) {
    EXPECT_EQ(LinkLocalCandidate(kOwnMac, attempt), LinkLocalCandidate(kOwnMac, attempt));
    EXPECT_NE(LinkLocalCandidate(kOwnMac, attempt), LinkLocalCandidate(kPeerMac, attempt));
    mine.insert(LinkLocalCandidate(kOwnMac, attempt));
  }
  EXPECT_GE(mine.size(), 99u);
}

TEST_F(LinkLocal, Rfc3927_S2_1_ThePreviousAddressIsTriedFirst) {
  options.previous = Ip("169.254.9.9");
  Begin();
  EXPECT_EQ(Probed(), Ip("169.254.9.9"));
  Claim(Ip("169.254.9.9"));
  EXPECT_EQ(Probed(), Candidate(0));
}

TEST_F(LinkLocal, Rfc3927_S2_1_APreviousAddressOutsideTheRangeIsNot) {
  options.previous = Ip("169.254.255.1");
  Begin();
  EXPECT_EQ(Probed(), Candidate(0));
}

TEST_F(LinkLocal, WhatWasStoppedStartsWithTheSameAddress) {
  Bound();
  client->Stop();
  EXPECT_FALSE(world.stack.IsLocalAddress(own));
  ASSERT_TRUE(client->Start().ok());
  EXPECT_EQ(Probed(), own);
}

// --- Claiming ----------------------------------------------------------------------------------

TEST_F(LinkLocal, Rfc3927_S2_2_1_ThreeProbesAndTwoAnnouncements) {
  Begin();
  EXPECT_EQ(client->state(), LinkLocalClient::State::kClaiming);
  EXPECT_EQ(client->address(), std::nullopt);
  Advance(kClaimed);
  const std::vector<ArpMessage> sent = Sent();
  ASSERT_EQ(sent.size(), 5u);
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(sent[i].operation, ArpOperation::kRequest);
    EXPECT_EQ(sent[i].sender, i < 3 ? kNobody : Candidate(0));
    EXPECT_EQ(sent[i].target, Candidate(0));
  }
  EXPECT_EQ(client->state(), LinkLocalClient::State::kBound);
  EXPECT_EQ(client->address(), Candidate(0));
  EXPECT_TRUE(world.stack.IsLocalAddress(Candidate(0)));
}

TEST_F(LinkLocal, Rfc3927_S2_2_1_AConflictMeansAnotherAddress) {
  Begin();
  EXPECT_EQ(Probed(), Candidate(0));
  Claim(Candidate(0));
  EXPECT_EQ(Probed(), Candidate(1));
  Advance(kClaimed);
  EXPECT_EQ(client->address(), Candidate(1));
  EXPECT_FALSE(world.stack.IsLocalAddress(Candidate(0)));
}

TEST_F(LinkLocal, Rfc3927_S2_2_1_AnotherNodesProbeIsAConflict) {
  Begin();
  EXPECT_EQ(Probed(), Candidate(0));
  world.ReceiveArp(ArpOperation::kRequest, kNobody, kOtherMac, Candidate(0),
                   MacAddress::Broadcast());
  client->Poll();
  EXPECT_EQ(Probed(), Candidate(1));
}

TEST_F(LinkLocal, Rfc3927_S2_2_1_AfterTenConflictsOneAddressAMinute) {
  Begin();
  for (uint32_t attempt = 0; attempt < 10; ++attempt) {
    ASSERT_EQ(Probed(), Candidate(attempt));
    Claim(Candidate(attempt));
  }
  for (uint32_t attempt = 10; attempt < 13; ++attempt) {
    EXPECT_EQ(Probed(seconds(59)), IpAddress());
    ASSERT_EQ(Probed(), Candidate(attempt));
    Claim(Candidate(attempt));
  }
  Advance(seconds(60) + kClaimed);
  ASSERT_EQ(client->address(), Candidate(13));
  // That is over with the first address that was got.
  world.link.Clear();
  Claim(Candidate(13));
  Claim(Candidate(13));
  EXPECT_EQ(Probed(), Candidate(14));
}

TEST_F(LinkLocal, Rfc3927_S2_2_ALinkThatComesUpIsProbedAnew) {
  Bound();
  ASSERT_TRUE(world.stack.SetInterfaceUp(kEth0, false).ok());
  ASSERT_TRUE(world.stack.SetInterfaceUp(kEth0, true).ok());
  client->Poll();
  EXPECT_EQ(client->state(), LinkLocalClient::State::kClaiming);
  EXPECT_EQ(Probed(), own);
  Claim(own);
  EXPECT_EQ(Probed(), Candidate(1));
}

TEST_F(LinkLocal, Rfc3927_S2_2_ACarrierThatComesBackIsProbedAnew) {
  Bound();
  ASSERT_TRUE(world.stack.SetInterfaceRunning(kEth0, false).ok());
  ASSERT_TRUE(world.stack.SetInterfaceRunning(kEth0, true).ok());
  client->Poll();
  EXPECT_EQ(client->address(), std::nullopt);
  EXPECT_EQ(Probed(), own);
  Advance(kClaimed);
  EXPECT_EQ(client->address(), own);
}

TEST_F(LinkLocal, AnAddressThatSomebodyElseGaveTheInterfaceIsPassedOver) {
  ASSERT_TRUE(world.stack.AddAddress(kEth0, {Candidate(0), 16}, {}).ok());
  Begin();
  EXPECT_EQ(Probed(), Candidate(1));
}

TEST_F(LinkLocal, AnAddressThatSomebodyTookAwayIsClaimedAgain) {
  Bound();
  ASSERT_TRUE(world.stack.RemoveAddress(kEth0, {own, 16}).ok());
  client->Poll();
  EXPECT_EQ(client->state(), LinkLocalClient::State::kClaiming);
  Advance(kClaimed);
  EXPECT_EQ(client->address(), own);
}

TEST_F(LinkLocal, AnInterfaceThatGoesEndsIt) {
  Bound();
  ASSERT_TRUE(world.stack.RemoveInterface(kEth0).ok());
  client->Poll();
  EXPECT_EQ(client->state(), LinkLocalClient::State::kStopped);
  EXPECT_EQ(client->Start().code(), absl::StatusCode::kNotFound);
}

TEST_F(LinkLocal, DestructionTakesTheAddressAndTheRouteAway) {
  Bound();
  client.reset();
  EXPECT_FALSE(world.stack.IsLocalAddress(own));
  for (const RouteInfo& route : world.stack.Routes()) {
    EXPECT_TRUE(route.destination.address.is_v6());
  }
}

// --- Defending ---------------------------------------------------------------------------------

TEST_F(LinkLocal, Rfc3927_S2_5_BeforeItIsGivenUpItsConnectionsAreReset) {
  Bound();
  world.Know(kNeighbor);
  auto socket = world.stack.NewTcpSocket(Family::kIpv4);
  ASSERT_EQ(socket->Connect({kNeighbor, 80}), Error::kInProgress);
  const ParsedFrame syn = world.Next();
  ASSERT_TRUE(syn.ok);
  ASSERT_EQ(syn.source, own);
  Bytes answer(20);  // <SYN,ACK>
  StoreBe16(answer.data(), 80);
  StoreBe16(answer.data() + 2, LoadBe16(syn.payload.data()));
  StoreBe32(answer.data() + 4, 1000);
  StoreBe32(answer.data() + 8, LoadBe32(syn.payload.data() + 4) + 1);
  answer[12] = 0x50;
  answer[13] = 0x12;
  StoreBe16(answer.data() + 14, 65535);
  FixChecksum(kNeighbor, own, ip_protocol::kTcp, answer);
  world.ReceiveIp(IpPacket(kNeighbor, own, ip_protocol::kTcp, answer));
  ASSERT_EQ(socket->state(), TcpState::kEstablished);
  Claim(own);
  EXPECT_EQ(socket->state(), TcpState::kEstablished);  // defended
  world.link.Clear();
  Claim(own);
  EXPECT_EQ(socket->state(), TcpState::kClosed);
  EXPECT_EQ(socket->TakeError(), Error::kConnectionAborted);
  const ParsedFrame reset = world.Next();
  ASSERT_TRUE(reset.ok);
  EXPECT_EQ(reset.source, own);
  EXPECT_EQ(reset.protocol, ip_protocol::kTcp);
  EXPECT_EQ(reset.payload[13] & 4, 4);
}

TEST_F(LinkLocal, Rfc3927_S2_5_DefendedOnceThenGivenUp) {
  Bound();
  Claim(own);
  std::vector<ArpMessage> sent = Sent();
  ASSERT_EQ(sent.size(), 1u);  // one announcement
  EXPECT_EQ(sent[0].sender, own);
  EXPECT_EQ(client->address(), own);
  Advance(seconds(9));
  Claim(own);
  EXPECT_FALSE(world.stack.IsLocalAddress(own));
  EXPECT_EQ(client->address(), std::nullopt);
  EXPECT_EQ(Probed(), Candidate(1));
}

TEST_F(LinkLocal, Rfc3927_S2_5_AnOldConflictDoesNotCount) {
  Bound();
  for (int i = 0; i < 4; ++i) {
    Claim(own);
    EXPECT_EQ(Sent().size(), 1u);
    Advance(seconds(11));
  }
  EXPECT_EQ(client->address(), own);
}

TEST_F(LinkLocal, Rfc3927_S2_5_RepliesAreBroadcast) {
  Bound();
  world.ReceiveArp(ArpOperation::kRequest, kNeighbor, kPeerMac, own, MacAddress::Broadcast());
  const std::vector<ArpMessage> sent = Sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].operation, ArpOperation::kReply);
  EXPECT_EQ(sent[0].sender, own);
  EXPECT_EQ(sent[0].target, kNeighbor);
  EXPECT_EQ(sent[0].target_mac, kPeerMac);
  EXPECT_EQ(sent_to, MacAddress::Broadcast());
}

TEST_F(LinkLocal, Rfc3927_S2_6_2_OthersAddressesAreNotAnsweredFor) {
  Bound();
  AddRoutable();
  ASSERT_TRUE(world.stack.SetSysctl("ipv4.ip_forward", "1").ok());
  world.link.Clear();
  world.ReceiveArp(ArpOperation::kRequest, kNeighbor, kPeerMac, Ip("169.254.200.1"),
                   MacAddress::Broadcast());
  EXPECT_TRUE(Sent().empty());
}

TEST_F(LinkLocal, Rfc3927_S2_5_RequestsAreBroadcastAlsoToANeighborThatIsKnown) {
  Bound();
  ASSERT_EQ(Send(kNeighbor), Error::kOk);
  EXPECT_EQ(Sent().size(), 1u);
  world.ReceiveArp(ArpOperation::kReply, kNeighbor, kPeerMac, own, kOwnMac);
  world.link.Clear();
  Advance(seconds(60));  // stale by now; use asks whether it is still there, by unicast elsewhere
  ASSERT_EQ(Send(kNeighbor), Error::kOk);
  Advance(seconds(8));
  const std::vector<ArpMessage> sent = Sent();
  ASSERT_FALSE(sent.empty());
  EXPECT_EQ(sent[0].sender, own);
  EXPECT_EQ(sent_to, MacAddress::Broadcast());
}

// --- Using -------------------------------------------------------------------------------------

TEST_F(LinkLocal, Rfc3927_S2_6_2_LinkLocalDestinationsAreAskedForOnTheLink) {
  AddRoutable();
  Bound();
  ASSERT_EQ(Send(kNeighbor), Error::kOk);
  const std::vector<ArpMessage> sent = Sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].target, kNeighbor);
  EXPECT_EQ(sent[0].sender, own);
}

TEST_F(LinkLocal, Rfc3927_S2_6_2_WithoutARoutableAddressEverybodyIs) {
  Bound();
  ASSERT_EQ(Send(Ip("198.51.100.9")), Error::kOk);
  const std::vector<ArpMessage> sent = Sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].target, Ip("198.51.100.9"));
  EXPECT_EQ(sent[0].sender, own);
}

TEST_F(LinkLocal, Rfc3927_S2_6_2_ARoutableAddressIsPreferred) {
  Bound();
  AddRoutable();
  ASSERT_EQ(Send(Ip("198.51.100.9")), Error::kOk);
  const ParsedFrame frame = world.Next();
  EXPECT_EQ(frame.source, Ip("192.0.2.1"));
  EXPECT_EQ(frame.to, kPeerMac);  // the router
}

TEST_F(LinkLocal, Rfc3927_S2_6_2_WhatComesFromTheAddressGoesToNoRouter) {
  AddRoutable();
  Bound();
  const auto socket = world.UdpSocket(Family::kIpv4);
  ASSERT_EQ(socket->Bind({own, 4000}), Error::kOk);
  ASSERT_EQ(StackWorld::SendTo(*socket, {Ip("198.51.100.9"), 9}, Pattern(4)), Error::kOk);
  world.stack.Flush();
  const std::vector<ArpMessage> sent = Sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].target, Ip("198.51.100.9"));
}

// As on Linux: who was given one has a router that knows what to do with it.
TEST_F(LinkLocal, AnAddressThatSomebodyGaveUsMayGoToARouter) {
  ASSERT_TRUE(world.stack.AddAddress(kEth0, *Prefix::Parse("169.254.5.5/30"), {}).ok());
  RouteInfo route;
  route.destination = *Prefix::Parse("0.0.0.0/0");
  route.gateway = Ip("169.254.5.6");
  ASSERT_TRUE(world.stack.AddRoute(route).ok());
  world.Know(Ip("169.254.5.6"), kPeerMac);
  ASSERT_EQ(Send(Ip("198.51.100.9")), Error::kOk);
  const ParsedFrame frame = world.Next();
  EXPECT_EQ(frame.source, Ip("169.254.5.5"));
  EXPECT_EQ(frame.to, kPeerMac);
}

TEST_F(LinkLocal, Rfc3927_S2_6_2_TheWholePrefixIsOneLink) {
  Bound();
  ASSERT_EQ(Send(Ip("169.254.255.254")), Error::kOk);
  EXPECT_EQ(Sent().size(), 1u);
  const auto socket = world.UdpSocket(Family::kIpv4);
  SocketOptions broadcasting = socket->options();
  broadcasting.broadcast = true;
  socket->SetOptions(broadcasting);
  ASSERT_EQ(StackWorld::SendTo(*socket, {Ip("169.254.255.255"), 9}, Pattern(4)), Error::kOk);
  EXPECT_EQ(world.Next().to, MacAddress::Broadcast());
}

TEST_F(LinkLocal, Rfc3927_S2_7_AnyTimeToLiveIsAccepted) {
  Bound();
  for (const uint8_t ttl : {1, 64, 255}) {
    world.ReceiveIp(IpPacket(kNeighbor, own, ip_protocol::kIcmp,
                             IcmpMessage(kNeighbor, own, icmpv4_type::kEchoRequest, 0, 1, {}),
                             ttl));
  }
  EXPECT_EQ(world.Count("Icmp.InEchos"), 3u);
}

}  // namespace
}  // namespace moat::netstack
