// The anycast address of a subnet's routers (RFC 4291 2.6.1): who answers for it, and how.

#include <set>

#include "netstack/stack/router_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint8_t kRouterFlag = 0x80, kSolicitedFlag = 0x40, kOverrideFlag = 0x20;
constexpr Duration kMaxDelay = milliseconds(1002);  // MAX_ANYCAST_DELAY_TIME, and ticks

class Anycast : public testing::Test {
 protected:
  void Solicit(const IpAddress& target, const IpAddress& source, bool unicast = false) {
    uint8_t bytes[kMaxNdpEmit];
    std::optional<MacAddress> mac;
    if (!source.IsUnspecified()) mac = kPeerMac;
    const size_t size = EmitNeighborSolicitation(target, mac, std::nullopt, bytes);
    world.ReceiveNdp(source, unicast ? target : SolicitedNodeGroup(target),
                     Bytes(bytes, bytes + size));
  }
  // The next advertisement among what was sent; not `ok` when there is none.
  ParsedFrame NextAdvertisement() {
    while (!world.Silent()) {
      const ParsedFrame frame = world.Next();
      if (frame.icmp_type() == icmpv6_type::kNeighborAdvertisement) return frame;
    }
    return {};
  }
  bool AnswersFor(const IpAddress& target) {
    Solicit(target, cast.peer);
    world.Advance(kMaxDelay);
    return NextAdvertisement().ok;
  }
  bool AnswersEcho(const IpAddress& target) {
    world.link.Clear();
    world.ReceiveEchoRequest(cast.peer, target, Pattern(8));
    return !world.Silent() && world.Next().icmp_type() == icmpv6_type::kEchoReply;
  }
  void Add(const char* prefix, bool no_dad = true) {
    AddressOptions options;
    options.no_dad = no_dad;
    ASSERT_TRUE(world.stack.AddAddress(kEth0, *Prefix::Parse(prefix), options).ok());
  }

  RouterWorld world;
  const Cast cast = CastOf(Family::kIpv6);
  const IpAddress anycast = Ip("2001:db8::");
};

TEST_F(Anycast, Rfc4291_S2_6_1_ARouterAnswersForItsSubnets) {
  EXPECT_TRUE(AnswersFor(anycast));
  EXPECT_TRUE(AnswersFor(Ip("fe80::")));
  EXPECT_FALSE(AnswersFor(Ip("2001:db8:1::")));  // of the other link
  EXPECT_FALSE(AnswersFor(Ip("2001:db8:2::")));
}

TEST_F(Anycast, Rfc4861_S7_2_4_TheAdvertisementDoesNotOverride) {
  Solicit(anycast, cast.peer);
  world.Advance(kMaxDelay);
  const ParsedFrame answer = NextAdvertisement();
  ASSERT_TRUE(answer.ok);
  EXPECT_EQ(answer.destination, cast.peer);
  EXPECT_EQ(answer.source, cast.own);
  EXPECT_EQ(answer.icmp_rest() >> 24, kRouterFlag | kSolicitedFlag);
  const Bytes body = answer.icmp_body();
  ASSERT_GE(body.size(), 24u);
  EXPECT_EQ(IpAddress::V6(body.data()), anycast);
  EXPECT_EQ(Bytes(body.begin() + 18, body.begin() + 24),
            Bytes(kOwnMac.bytes.begin(), kOwnMac.bytes.end()));
}

TEST_F(Anycast, Rfc4861_S7_2_7_TheAnswerWaitsARandomWhile) {
  std::set<int64_t> delays;
  for (int i = 0; i < 20; ++i) {
    Solicit(anycast, cast.peer);
    int64_t waited = 0;
    for (; waited <= 1002 && !NextAdvertisement().ok; ++waited) world.Advance(milliseconds(1));
    EXPECT_LE(waited, 1002);
    delays.insert(waited);
  }
  EXPECT_GT(delays.size(), 10u);
}

TEST_F(Anycast, AnAnswerToAUnicastQuestionDoesNotWait) {
  Solicit(anycast, cast.peer, /*unicast=*/true);
  EXPECT_TRUE(NextAdvertisement().ok);
}

TEST_F(Anycast, WhatWaitsIsBounded) {
  for (int i = 0; i < 100; ++i) Solicit(anycast, cast.peer);
  EXPECT_EQ(world.Count("Drop.NdpAnycastQueueFull"), 36u);
  world.Advance(kMaxDelay);
  int answers = 0;
  while (NextAdvertisement().ok) ++answers;
  EXPECT_EQ(answers, 64);
}

TEST_F(Anycast, WhoProbesForItLearnsThatItIsTaken) {
  Solicit(anycast, IpAddress::Any(Family::kIpv6));
  world.Advance(kMaxDelay);
  const ParsedFrame answer = NextAdvertisement();
  ASSERT_TRUE(answer.ok);
  EXPECT_EQ(answer.destination, Ip("ff02::1"));
  EXPECT_EQ(answer.icmp_rest() >> 24, kRouterFlag);
}

TEST_F(Anycast, AnAnswerThatIsNoLongerTrueIsNotSent) {
  Solicit(anycast, cast.peer);
  ASSERT_TRUE(world.stack.SetSysctl("ipv6.conf.eth0.forwarding", "0").ok());
  world.Advance(kMaxDelay);
  EXPECT_FALSE(NextAdvertisement().ok);
}

TEST_F(Anycast, Rfc4861_S7_2_7_AnotherRoutersAdvertisementIsNoDuplicate) {
  uint8_t bytes[kMaxNdpEmit];
  const size_t size = EmitNeighborAdvertisement(anycast, true, false, false, kOtherMac, bytes);
  world.ReceiveNdp(cast.other, Ip("ff02::1"), Bytes(bytes, bytes + size));
  EXPECT_EQ(world.Count("Ndp.DuplicatesSeen"), 0u);
  EXPECT_TRUE(AnswersFor(anycast));
}

TEST_F(Anycast, Rfc4291_S2_6_TheReplyComesFromAUnicastAddress) {
  world.ReceiveEchoRequest(cast.peer, anycast, Pattern(8));
  const ParsedFrame reply = world.Next();
  ASSERT_TRUE(reply.ok);
  EXPECT_EQ(reply.icmp_type(), icmpv6_type::kEchoReply);
  EXPECT_EQ(reply.source, cast.own);
}

TEST_F(Anycast, Rfc4443_S2_2_AnErrorComesFromAUnicastAddress) {
  world.ReceiveUdp(cast.peer, anycast, 9, Pattern(8));
  const ParsedFrame error = world.Next();
  ASSERT_TRUE(error.ok);
  EXPECT_EQ(error.icmp_type(), icmpv6_type::kDestinationUnreachable);
  EXPECT_EQ(error.source, cast.own);
}

TEST_F(Anycast, AServerOnAllAddressesServesIt) {
  const auto socket = world.UdpSocket(Family::kIpv6);
  ASSERT_EQ(socket->Bind({IpAddress::Any(Family::kIpv6), 53}), Error::kOk);
  world.ReceiveUdp(cast.peer, anycast, 53, Pattern(8));
  const Result<Datagram> datagram = socket->Receive();
  ASSERT_TRUE(datagram.ok());
  EXPECT_EQ(StackWorld::SendTo(*socket, datagram->source, Pattern(4)), Error::kOk);
  EXPECT_EQ(world.Next().source, cast.own);
}

TEST_F(Anycast, NoSocketHasItsName) {
  const auto socket = world.UdpSocket(Family::kIpv6);
  EXPECT_EQ(socket->Bind({anycast, 53}), Error::kAddressNotAvailable);
  EXPECT_FALSE(world.stack.IsLocalAddress(anycast));
}

TEST_F(Anycast, TcpIsSilent) {
  Bytes syn(20);
  StoreBe16(syn.data(), 4000);
  StoreBe16(syn.data() + 2, 80);
  syn[12] = 0x50;
  syn[13] = 2;
  for (const IpAddress& to : {anycast, cast.own}) {
    FixChecksum(cast.peer, to, ip_protocol::kTcp, syn);
    world.ReceiveIp(IpPacket(cast.peer, to, ip_protocol::kTcp, syn));
    EXPECT_EQ(world.Silent(), to == anycast);  // the reset of a closed port
  }
}

TEST_F(Anycast, WhatIsSentToItHereStaysHere) {
  const auto socket = world.UdpSocket(Family::kIpv6);
  ASSERT_EQ(socket->Bind({IpAddress::Any(Family::kIpv6), 53}), Error::kOk);
  ASSERT_EQ(StackWorld::SendTo(*socket, {anycast, 53}, Pattern(4)), Error::kOk);
  world.stack.Flush();
  const Result<Datagram> datagram = socket->Receive();
  ASSERT_TRUE(datagram.ok());
  EXPECT_EQ(datagram->source.address, cast.own);
  EXPECT_TRUE(world.Silent());
}

TEST_F(Anycast, GlobalOnesAreServedOnEveryInterface) {
  world.ReceiveFar(IpPacket(Ip("2001:db8:1::2"), anycast, ip_protocol::kIcmpV6,
                            IcmpMessage(Ip("2001:db8:1::2"), anycast, icmpv6_type::kEchoRequest, 0,
                                        1, Pattern(8))));
  EXPECT_EQ(world.NextFar().icmp_type(), icmpv6_type::kEchoReply);
}

TEST_F(Anycast, AHostHasNone) {
  world.Set("ipv6.conf.eth0.forwarding", "0");
  EXPECT_FALSE(AnswersFor(anycast));
  EXPECT_FALSE(AnswersEcho(anycast));
  world.Set("ipv6.conf.eth0.forwarding", "1");
  EXPECT_TRUE(AnswersFor(anycast));
  EXPECT_TRUE(AnswersEcho(anycast));
}

TEST_F(Anycast, ComesAndGoesWithTheAddressesOfItsPrefix) {
  Add("2001:db8:7::5/64");
  Add("2001:db8:7::6/64");
  EXPECT_TRUE(AnswersFor(Ip("2001:db8:7::")));
  ASSERT_TRUE(world.stack.RemoveAddress(kEth0, *Prefix::Parse("2001:db8:7::5/64")).ok());
  EXPECT_TRUE(AnswersFor(Ip("2001:db8:7::")));
  ASSERT_TRUE(world.stack.RemoveAddress(kEth0, *Prefix::Parse("2001:db8:7::6/64")).ok());
  EXPECT_FALSE(AnswersFor(Ip("2001:db8:7::")));
  EXPECT_FALSE(AnswersEcho(Ip("2001:db8:7::")));
}

TEST_F(Anycast, Rfc4862_S5_4_IsNotProbedForAndWaitsForItsAddress) {
  Add("2001:db8:7::5/64", /*no_dad=*/false);
  Solicit(Ip("2001:db8:7::"), cast.peer);
  for (int i = 0; i < 30; ++i) {
    world.Advance(milliseconds(100));
    while (!world.Silent()) {
      const ParsedFrame frame = world.Next();
      EXPECT_NE(frame.icmp_type(), icmpv6_type::kNeighborAdvertisement);
      if (frame.icmp_type() != icmpv6_type::kNeighborSolicitation) continue;
      EXPECT_EQ(IpAddress::V6(frame.icmp_body().data()), Ip("2001:db8:7::5"));
    }
  }
  EXPECT_TRUE(AnswersEcho(Ip("2001:db8:7::")));
}

TEST_F(Anycast, Rfc6164_S5_1_NotOfPrefixesWithoutRoom) {
  Add("2001:db8:7::5/127");
  Add("2001:db8:8::5/128");
  Add("2001:db8:9::5/126");
  EXPECT_FALSE(AnswersFor(Ip("2001:db8:7::4")));
  EXPECT_FALSE(AnswersEcho(Ip("2001:db8:7::4")));
  EXPECT_TRUE(AnswersFor(Ip("2001:db8:9::4")));
}

TEST_F(Anycast, AnAssignedAddressIsOnlyThat) {
  Add("2001:db8:7::/64");
  Solicit(Ip("2001:db8:7::"), cast.peer);
  const ParsedFrame answer = NextAdvertisement();  // at once
  ASSERT_TRUE(answer.ok);
  EXPECT_EQ(answer.icmp_rest() >> 24, kRouterFlag | kSolicitedFlag | kOverrideFlag);
  EXPECT_TRUE(world.stack.IsLocalAddress(Ip("2001:db8:7::")));
}

}  // namespace
}  // namespace moat::netstack
