// Router discovery: RFC 4861 6.3, and the options of RFC 4191 and 8106.

#include <set>

#include "netstack/stack/router_discovery_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

// --- Solicitations -----------------------------------------------------------------------------

TEST_F(Discovery, Rfc4861_S6_3_7_AfterAnEarlyAdvertisementItSolicitsOnceAllTheSame) {
  Receive(router, Ra(1800));
  int solicitations = 0;
  for (int i = 0; i < 600; ++i) {
    world.Advance(milliseconds(100));
    while (!world.Silent())
      solicitations += world.Next().icmp_type() == icmpv6_type::kRouterSolicitation;
  }
  EXPECT_EQ(solicitations, 1);
}

TEST_F(Discovery, Rfc4861_S6_3_4_ReachableTimeIsTakenAndRandomized) {
  Receive(router, Ra(1800, {}, 0, 0, /*reachable=*/100000));
  Receive(router, Ra(1800, {}, 0, 0, /*reachable=*/0));  // says nothing
  const IpAddress peer = Ip("2001:db8::2");
  std::set<int64_t> times;
  for (int round = 0; round < 4; ++round) {
    uint8_t bytes[kMaxNdpEmit];
    size_t size = EmitNeighborSolicitation(Ip("2001:db8::1"), kPeerMac, std::nullopt, bytes);
    world.ReceiveNdp(peer, SolicitedNodeGroup(Ip("2001:db8::1")), Bytes(bytes, bytes + size));
    size = EmitNeighborAdvertisement(peer, false, /*solicited=*/true, true, kPeerMac, bytes);
    world.ReceiveNdp(peer, Ip("2001:db8::1"), Bytes(bytes, bytes + size));
    ASSERT_EQ(world.Neighbor(peer)->state, NeighborState::kReachable);
    const Time begin = world.clock.Now();
    while (world.Neighbor(peer)->state == NeighborState::kReachable &&
           world.clock.Now() < begin + seconds(200)) {
      world.Advance(milliseconds(100));
    }
    const Duration time = world.clock.Now() - begin;
    EXPECT_GE(time, seconds(50));
    EXPECT_LE(time, seconds(151));
    times.insert(time / milliseconds(100));
  }
  EXPECT_GE(times.size(), 3u);
}

TEST_F(Discovery, Rfc4861_S6_3_7_SolicitsWithinTheDelayThenBacksOff) {
  std::vector<Time> times;
  while (times.size() < 6) {
    world.Advance(milliseconds(10));
    while (!world.Silent()) {
      const ParsedFrame frame = world.Next();
      ASSERT_EQ(frame.icmp_type(), icmpv6_type::kRouterSolicitation);
      EXPECT_EQ(frame.destination, Ip("ff02::2"));
      EXPECT_EQ(frame.source, Ip("fe80::1"));
      EXPECT_EQ(frame.hop_limit, 255);
      EXPECT_EQ(frame.payload.size(), 16u);  // with the link address
      times.push_back(world.clock.Now());
    }
  }
  const auto gap = [&](size_t i) { return (times[i + 1] - times[i]) / milliseconds(1); };
  EXPECT_NEAR(gap(0), 4000, 450);
  for (size_t i = 1; i < 5; ++i) EXPECT_NEAR(gap(i), 2 * gap(i - 1), gap(i - 1) / 5 + 30);
}

TEST_F(Discovery, Rfc7559_AnAdvertisementEndsSolicitation) {
  world.Advance(seconds(2));
  EXPECT_EQ(world.Next().icmp_type(), icmpv6_type::kRouterSolicitation);
  Receive(router, Ra(1800));
  world.Advance(hours(1));
  while (!world.Silent()) {
    EXPECT_NE(world.Next().icmp_type(), icmpv6_type::kRouterSolicitation);
  }
}

TEST_F(Discovery, SolicitationsCanBeBoundedOrOff) {
  Set("accept_ra", "0");
  Set("router_solicitations", "3");
  Set("accept_ra", "1");
  world.Advance(hours(2));
  int count = 0;
  while (!world.Silent()) {
    if (world.Next().icmp_type() == icmpv6_type::kRouterSolicitation) ++count;
  }
  EXPECT_EQ(count, 3);
}

TEST(AcceptRa, IsOffByDefault) {
  StackWorld world;
  const size_t addresses = world.stack.Addresses().size();
  world.ReceiveNdp(Ip("fe80::a"), Ip("ff02::1"),
                   Ra(1800, Option({.prefix = "2001:db8:5::"})));
  world.Advance(seconds(20));
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.stack.Addresses().size(), addresses);
}

// --- Validation (RFC 4861 6.1.2) ---------------------------------------------------------------

TEST_F(Discovery, Rfc4861_S6_1_2_BadAdvertisementsAreDropped) {
  world.ReceiveNdp(router, Ip("ff02::1"), Ra(1800, prefix), /*hop_limit=*/254);
  Receive(Ip("2001:db8::a"), Ra(1800, prefix));
  Bytes code = Ra(1800, prefix);
  code[1] = 1;
  Receive(router, code);
  Bytes zero = Ra(1800, prefix);
  zero[17] = 0;
  Receive(router, zero);
  Bytes shorter = Ra(1800);
  shorter.resize(15);
  Receive(router, shorter);
  EXPECT_FALSE(RouteTo("::/0").has_value());
  EXPECT_FALSE(Address(own).has_value());
  EXPECT_EQ(world.Count("Drop.NdpInvalid"), 5u);
}

// --- Default routers ---------------------------------------------------------------------------

TEST_F(Discovery, Rfc4861_S6_3_4_ARouterWithALifetimeIsADefaultRouter) {
  Receive(router, Ra(1800, SourceOption(kPeerMac)));
  const auto route = RouteTo("::/0");
  ASSERT_TRUE(route.has_value());
  EXPECT_EQ(route->gateway, router);
  EXPECT_EQ(route->metric, 1024u);
  EXPECT_EQ(FirstHop(), kPeerMac);
  EXPECT_TRUE(world.Neighbor(router)->router);
}

TEST_F(Discovery, Rfc4861_S6_3_5_ItsLifetimeEnds) {
  Receive(router, Ra(100));
  world.Advance(seconds(99));
  EXPECT_TRUE(RouteTo("::/0").has_value());
  world.Advance(seconds(2));
  EXPECT_FALSE(RouteTo("::/0").has_value());
}

TEST_F(Discovery, Rfc4861_S6_3_4_LifetimeZeroTakesItBack) {
  Receive(router, Ra(1800));
  Receive(router, Ra(0));
  EXPECT_FALSE(RouteTo("::/0").has_value());
}

TEST_F(Discovery, Rfc4861_S7_2_5_ARouterThatSaysItIsNoneIsNone) {
  Receive(router, Ra(1800, SourceOption(kPeerMac)));
  Bytes advertisement(kMaxNdpEmit);
  advertisement.resize(EmitNeighborAdvertisement(router, /*router=*/false, /*solicited=*/false,
                                                 /*override_=*/true, kPeerMac,
                                                 advertisement.data()));
  world.ReceiveNdp(router, Ip("ff02::1"), advertisement);
  EXPECT_FALSE(RouteTo("::/0").has_value());
}

TEST_F(Discovery, Rfc4861_S6_3_6_ARouterThatDoesNotAnswerIsPassedOver) {
  Receive(router, Ra(1800, SourceOption(kPeerMac)));
  Receive(second, Ra(1800, SourceOption(kOtherMac)));
  EXPECT_EQ(FirstHop(), kPeerMac);
  world.Advance(seconds(10));  // delay, three probes, failure
  EXPECT_EQ(FirstHop(), kOtherMac);
  // It is heard again, and of equal standing; the one in use stays.
  Receive(router, Ra(1800, SourceOption(kPeerMac)));
  EXPECT_EQ(FirstHop(), kOtherMac);
}

TEST_F(Discovery, Rfc4861_S6_3_6_RoutersThatDoNotAnswerAreTriedInTurn) {
  Receive(router, Ra(1800, SourceOption(kPeerMac)));
  Receive(second, Ra(1800, SourceOption(kOtherMac)));
  EXPECT_EQ(FirstHop(), kPeerMac);
  world.Advance(seconds(10));  // delay, three probes, failure
  EXPECT_EQ(FirstHop(), kOtherMac);
  world.Advance(seconds(10));
  for (const IpAddress& asked : {router, second, router, second}) {
    EXPECT_EQ(FirstHop(), MulticastMac(SolicitedNodeGroup(asked))) << asked.ToString();
    world.Advance(seconds(5));  // nobody answers
  }
}

TEST_F(Discovery, Rfc4191_S3_2_PreferenceDecidesAmongReachable) {
  Receive(router, Ra(1800, SourceOption(kPeerMac), /*preference=*/3));
  Receive(second, Ra(1800, SourceOption(kOtherMac), /*preference=*/0));
  EXPECT_EQ(FirstHop(), kOtherMac);
  Receive(router, Ra(1800, SourceOption(kPeerMac), /*preference=*/1));
  EXPECT_EQ(FirstHop(), kPeerMac);
}

TEST_F(Discovery, Rfc4191_S3_2_AReachableOneBeatsAPreferredOne) {
  Receive(router, Ra(1800, SourceOption(kPeerMac), /*preference=*/1));
  Receive(second, Ra(1800, SourceOption(kOtherMac), /*preference=*/3));
  EXPECT_EQ(FirstHop(), kPeerMac);
  world.Advance(seconds(10));
  EXPECT_EQ(FirstHop(), kOtherMac);
}

TEST_F(Discovery, AcceptRaDefrtrOff) {
  Set("accept_ra_defrtr", "0");
  Receive(router, Ra(1800, prefix));
  EXPECT_FALSE(RouteTo("::/0").has_value());
  EXPECT_TRUE(Address(own).has_value());
}

TEST_F(Discovery, ARouterForgetsWhatItLearned) {
  Receive(router, Ra(1800, prefix));
  EXPECT_TRUE(RouteTo("::/0").has_value());
  Set("forwarding", "1");
  EXPECT_FALSE(RouteTo("::/0").has_value());
  EXPECT_FALSE(Address(own).has_value());
  Set("accept_ra", "2");
  Receive(router, Ra(1800, prefix));
  EXPECT_TRUE(RouteTo("::/0").has_value());
}

// --- Routes (RFC 4191) -------------------------------------------------------------------------

TEST_F(Discovery, Rfc4191_S2_3_RoutesAreTakenUpToTheAllowedLength) {
  const Bytes routes = RouteOption("2001:db8:40::", 48, 1, 600);
  Receive(router, Ra(0, routes));
  EXPECT_FALSE(RouteTo("2001:db8:40::/48").has_value());  // Linux's default: none
  Set("accept_ra_rt_info_max_plen", "64");
  Receive(router, Ra(0, routes));
  ASSERT_TRUE(RouteTo("2001:db8:40::/48").has_value());
  EXPECT_EQ(RouteTo("2001:db8:40::/48")->gateway, router);
  world.Advance(seconds(601));
  EXPECT_FALSE(RouteTo("2001:db8:40::/48").has_value());
}

TEST_F(Discovery, Rfc4191_S2_3_BitsBehindTheLengthAreIgnored) {
  Set("accept_ra_rt_info_max_plen", "64");
  Receive(router, Ra(1800, RouteOption("2001:db8:77:ffff:ffff::1", 48, 0, 600)));
  EXPECT_TRUE(RouteTo("2001:db8:77::/48").has_value());
}

TEST_F(Discovery, Rfc4191_S2_3_AReservedPreferenceIsIgnored) {
  Set("accept_ra_rt_info_max_plen", "64");
  Receive(router, Ra(0, RouteOption("2001:db8:40::", 48, 2, 600)));
  EXPECT_FALSE(RouteTo("2001:db8:40::/48").has_value());
}

// --- Link parameters ---------------------------------------------------------------------------

TEST_F(Discovery, Rfc4861_S6_3_4_HopLimitIsTaken) {
  Receive(router, Ra(1800, SourceOption(kPeerMac), 0, /*hop_limit=*/33));
  world.Know(Ip("2001:db8::2"));
  world.link.Clear();
  world.ReceiveEchoRequest(Ip("2001:db8::2"), Ip("2001:db8::1"), {});
  EXPECT_EQ(world.Next().hop_limit, 33);
  Receive(router, Ra(1800, {}, 0, /*hop_limit=*/0));  // unspecified: stays
  world.ReceiveEchoRequest(Ip("2001:db8::2"), Ip("2001:db8::1"), {});
  EXPECT_EQ(world.Next().hop_limit, 33);
}

TEST_F(Discovery, Rfc4861_S6_3_4_MtuIsTakenWithinBounds) {
  world.Know(Ip("2001:db8::2"));
  auto socket = world.UdpSocket(Family::kIpv6);
  SocketOptions options = socket->options();
  options.mtu_discover = SocketOptions::MtuDiscover::kDo;
  socket->SetOptions(options);
  const auto fits = [&](size_t size) {
    return StackWorld::SendTo(*socket, {Ip("2001:db8::2"), 9}, Pattern(size - 48)) == Error::kOk;
  };
  for (uint32_t bad : {1279u, 1501u}) {
    Receive(router, Ra(1800, MtuOption(bad)));
    EXPECT_TRUE(fits(1500));
  }
  Receive(router, Ra(1800, MtuOption(1400)));
  EXPECT_TRUE(fits(1400));
  EXPECT_FALSE(fits(1401));
}

TEST_F(Discovery, Rfc4861_S6_3_4_RetransmitTimerIsTaken) {
  world.Advance(seconds(2));  // the first solicitation
  Receive(router, Ra(1800, {}, 0, 0, 0, /*retransmit=*/200));
  world.link.Clear();
  auto socket = world.UdpSocket(Family::kIpv6);
  (void)StackWorld::SendTo(*socket, {Ip("2001:db8::99"), 9}, Pattern(1));
  world.Advance(milliseconds(450));
  EXPECT_EQ(world.link.sent().size(), 3u);
}

TEST_F(Discovery, Rfc8106_NameServersAreData) {
  Bytes option(24);
  option[0] = 25;
  option[1] = 3;
  StoreBe32(option.data() + 4, 120);
  std::memcpy(option.data() + 8, Ip("2001:db8::53").data(), 16);
  Receive(router, Ra(1800, option));
  ASSERT_EQ(world.stack.NameServers().size(), 1u);
  EXPECT_EQ(world.stack.NameServers()[0].address, Ip("2001:db8::53"));
  world.Advance(seconds(121));
  EXPECT_TRUE(world.stack.NameServers().empty());
}

// Several in one option, several options, their lifetimes as the last one said; 0 ends one.
TEST_F(Discovery, Rfc8106_S5_1_EachAdvertisementSaysAnewHowLongTheyServe) {
  const auto servers = [](uint32_t lifetime, const std::vector<const char*>& addresses) {
    Bytes option(8 + 16 * addresses.size());
    option[0] = 25;
    option[1] = static_cast<uint8_t>(option.size() / 8);
    StoreBe32(option.data() + 4, lifetime);
    for (size_t i = 0; i < addresses.size(); ++i) {
      std::memcpy(option.data() + 8 + 16 * i, Ip(addresses[i]).data(), 16);
    }
    return option;
  };
  const auto known = [this] {
    std::set<IpAddress> found;
    for (const NameServerInfo& server : world.stack.NameServers()) found.insert(server.address);
    return found;
  };
  // 5.3.1: three from each of two routers at least are kept.
  Receive(router, Ra(1800, servers(120, {"2001:db8::1:1", "2001:db8::1:2", "2001:db8::1:3"})));
  Receive(second, Ra(1800, servers(120, {"2001:db8::2:1"}) +
                               servers(0xffffffff, {"2001:db8::2:2", "fe80::2:3"})));
  EXPECT_EQ(known().size(), 6u);
  for (const NameServerInfo& server : world.stack.NameServers()) {
    EXPECT_EQ(server.interface, kEth0);  // what a link-local one is good for
  }
  world.Advance(seconds(100));
  Receive(router, Ra(1800, servers(120, {"2001:db8::1:2"})));
  Receive(router, Ra(1800, servers(0, {"2001:db8::1:3"})));
  EXPECT_EQ(known().count(Ip("2001:db8::1:3")), 0u);
  EXPECT_EQ(known().size(), 5u);
  world.Advance(seconds(21));
  EXPECT_EQ(known(), (std::set<IpAddress>{Ip("2001:db8::1:2"), Ip("2001:db8::2:2"),
                                          Ip("fe80::2:3")}));
  world.Advance(seconds(100));
  EXPECT_EQ(known(), (std::set<IpAddress>{Ip("2001:db8::2:2"), Ip("fe80::2:3")}));
}

TEST_F(Discovery, Rfc8106_S5_1_OptionsOfAWrongLengthAreIgnored) {
  for (const uint8_t units : {1, 2, 4}) {
    Bytes option(units * size_t{8});
    option[0] = 25;
    option[1] = units;
    StoreBe32(option.data() + 4, 120);
    Receive(router, Ra(1800, option));
    EXPECT_TRUE(world.stack.NameServers().empty()) << int{units};
  }
}

}  // namespace
}  // namespace moat::netstack
