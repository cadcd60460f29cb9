// Router and prefix discovery, autoconfiguration: RFC 4861 6.3, 4862 5.5, 4191, 8106, 7217, 8981.

#include <set>

#include "netstack/stack/stack_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint32_t kForever = 0xffffffff;

struct PrefixOption {
  const char* prefix;
  uint8_t length = 64;
  bool on_link = true;
  bool autonomous = true;
  uint32_t valid = 2592000;
  uint32_t preferred = 604800;
};

Bytes Ra(uint16_t lifetime, const Bytes& options = {}, uint8_t preference = 0,
         uint8_t hop_limit = 0, uint32_t reachable = 0, uint32_t retransmit = 0) {
  Bytes message(16);
  message[0] = icmpv6_type::kRouterAdvertisement;
  message[4] = hop_limit;
  message[5] = static_cast<uint8_t>(preference << 3);
  StoreBe16(message.data() + 6, lifetime);
  StoreBe32(message.data() + 8, reachable);
  StoreBe32(message.data() + 12, retransmit);
  return message + options;
}
Bytes Option(const PrefixOption& prefix) {
  Bytes option(32);
  option[0] = 3;
  option[1] = 4;
  option[2] = prefix.length;
  option[3] = static_cast<uint8_t>((prefix.on_link ? 0x80 : 0) | (prefix.autonomous ? 0x40 : 0));
  StoreBe32(option.data() + 4, prefix.valid);
  StoreBe32(option.data() + 8, prefix.preferred);
  std::memcpy(option.data() + 16, Ip(prefix.prefix).data(), 16);
  return option;
}
Bytes MtuOption(uint32_t mtu) {
  Bytes option = {5, 1, 0, 0, 0, 0, 0, 0};
  StoreBe32(option.data() + 4, mtu);
  return option;
}
Bytes SourceOption(const MacAddress& mac) {
  return Bytes{1, 1} + Bytes(mac.bytes.begin(), mac.bytes.end());
}
Bytes RouteOption(const char* prefix, uint8_t length, uint8_t preference, uint32_t lifetime) {
  Bytes option(24);
  option[0] = 24;
  option[1] = 3;
  option[2] = length;
  option[3] = static_cast<uint8_t>(preference << 3);
  StoreBe32(option.data() + 4, lifetime);
  std::memcpy(option.data() + 8, Ip(prefix).data(), 16);
  return option;
}

class Discovery : public testing::Test {
 protected:
  Discovery() {
    EXPECT_TRUE(world.stack.RemoveRoute(Default()).ok());
    Set("accept_ra", "1");
  }
  static RouteInfo Default() {
    RouteInfo route;
    route.destination = *Prefix::Parse("::/0");
    return route;
  }
  void Set(const std::string& name, const std::string& value) {
    const absl::Status status = world.stack.SetSysctl("ipv6.conf.eth0." + name, value);
    EXPECT_TRUE(status.ok()) << status.ToString();
  }
  void Receive(const IpAddress& router, const Bytes& message) {
    world.ReceiveNdp(router, Ip("ff02::1"), message);
  }
  std::optional<AddressInfo> Address(const IpAddress& address) const {
    for (const AddressInfo& info : world.stack.Addresses()) {
      if (info.prefix.address == address) return info;
    }
    return std::nullopt;
  }
  std::vector<AddressInfo> Temporary() const {
    std::vector<AddressInfo> found;
    for (const AddressInfo& info : world.stack.Addresses()) {
      if (info.options.temporary) found.push_back(info);
    }
    return found;
  }
  std::optional<RouteInfo> RouteTo(const char* prefix) const {
    for (const RouteInfo& route : world.stack.Routes()) {
      if (route.destination == *Prefix::Parse(prefix) && route.protocol == 9) return route;
    }
    return std::nullopt;
  }
  // The router that a packet to far away goes to.
  MacAddress FirstHop() {
    world.link.Clear();
    auto socket = world.UdpSocket(Family::kIpv6);
    if (StackWorld::SendTo(*socket, {Ip("2001:db8:77::1"), 9}, Pattern(1)) != Error::kOk) return {};
    return world.Next().to;
  }

  StackWorld world;
  const IpAddress router = Ip("fe80::a");
  const IpAddress second = Ip("fe80::b");
  // EUI-64 of 02:00:00:00:00:01.
  const IpAddress own = Ip("2001:db8:5::ff:fe00:1");
  const Bytes prefix = Option({.prefix = "2001:db8:5::"});
};

// --- Solicitations -----------------------------------------------------------------------------

TEST_F(Discovery, Rfc4861_S6_3_7_AfterAnEarlyAdvertisementItSolicitsOnceAllTheSame) {
  Receive(router, Ra(1800));
  int solicitations = 0;
  for (int i = 0; i < 600; ++i) {
    world.Advance(milliseconds(100));
    while (!world.Silent()) solicitations += world.Next().icmp_type() == icmpv6_type::kRouterSolicitation;
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

// --- Prefixes and addresses --------------------------------------------------------------------

TEST_F(Discovery, Rfc4862_S5_5_3_AnAddressIsFormedAndProbedFor) {
  world.link.Clear();
  Receive(router, Ra(1800, prefix));
  ASSERT_TRUE(Address(own).has_value());
  EXPECT_TRUE(Address(own)->tentative);
  world.Advance(seconds(2));
  EXPECT_FALSE(Address(own)->tentative);
  EXPECT_TRUE(world.stack.IsLocalAddress(own));
  EXPECT_TRUE(RouteTo("2001:db8:5::/64").has_value());
}

TEST_F(Discovery, Rfc4862_S5_5_3_PrefixesThatGiveNoAddress) {
  for (const PrefixOption& bad :
       {PrefixOption{.prefix = "2001:db8:5::", .autonomous = false},
        PrefixOption{.prefix = "fe80::"}, PrefixOption{.prefix = "2001:db8:5::", .length = 63},
        PrefixOption{.prefix = "2001:db8:5::", .valid = 100, .preferred = 101},
        PrefixOption{.prefix = "2001:db8:5::", .valid = 0, .preferred = 0}}) {
    const size_t before = world.stack.Addresses().size();
    Receive(router, Ra(1800, Option(bad)));
    EXPECT_EQ(world.stack.Addresses().size(), before);
  }
  EXPECT_FALSE(Address(own).has_value());
}

TEST_F(Discovery, Rfc4861_S6_3_4_WithoutTheFlagAPrefixIsNotOnLink) {
  Receive(router, Ra(1800, Option({.prefix = "2001:db8:5::", .on_link = false})));
  EXPECT_TRUE(Address(own).has_value());
  EXPECT_FALSE(RouteTo("2001:db8:5::/64").has_value());
}

TEST_F(Discovery, APrefixThatIsAlsoConfiguredStaysWhileEitherHolds) {
  const Prefix mine = *Prefix::Parse("2001:db8:5::5/64");
  const auto on_link = [&] {
    bool found = false;
    for (const RouteInfo& route : world.stack.Routes()) {
      if (route.destination == *Prefix::Parse("2001:db8:5::/64")) found = true;
    }
    return found;
  };
  for (const bool address_first : {true, false}) {
    if (address_first) {
      ASSERT_TRUE(world.stack.AddAddress(kEth0, mine, {}).ok());
    }
    Receive(router, Ra(0, prefix));
    if (!address_first) {
      ASSERT_TRUE(world.stack.AddAddress(kEth0, mine, {}).ok());
    }
    ASSERT_TRUE(world.stack.RemoveAddress(kEth0, mine).ok());
    EXPECT_TRUE(on_link());
    ASSERT_TRUE(world.stack.AddAddress(kEth0, mine, {}).ok());
    Receive(router, Ra(0, Option({.prefix = "2001:db8:5::", .valid = 0, .preferred = 0})));
    EXPECT_TRUE(on_link());
    ASSERT_TRUE(world.stack.RemoveAddress(kEth0, mine).ok());
    EXPECT_FALSE(on_link());
  }
}

TEST_F(Discovery, AutoconfOff) {
  Set("autoconf", "0");
  Receive(router, Ra(1800, prefix));
  EXPECT_FALSE(Address(own).has_value());
  EXPECT_TRUE(RouteTo("2001:db8:5::/64").has_value());
}

TEST_F(Discovery, Rfc4862_S5_5_4_AddressesAreDeprecatedThenGo) {
  Receive(router, Ra(1800, Option({.prefix = "2001:db8:5::", .valid = 300, .preferred = 100})));
  world.Advance(seconds(99));
  EXPECT_FALSE(Address(own)->options.deprecated);
  world.Advance(seconds(2));
  EXPECT_TRUE(Address(own)->options.deprecated);
  world.Advance(seconds(200));
  EXPECT_FALSE(Address(own).has_value());
}

TEST_F(Discovery, Rfc4862_S5_5_3_e_TwoHourRule) {
  const auto receive = [&](uint32_t valid) {
    Receive(router, Ra(1800, Option({.prefix = "2001:db8:5::", .valid = valid, .preferred = 0})));
  };
  receive(kForever);
  // A short lifetime does not end a long one at once: two hours remain.
  receive(10);
  world.Advance(hours(2) - seconds(5));
  EXPECT_TRUE(Address(own).has_value());
  // With less than two hours left it is ignored,
  receive(1);
  EXPECT_TRUE(Address(own).has_value());
  // but a longer one is taken.
  receive(3600);
  world.Advance(seconds(3599));
  EXPECT_TRUE(Address(own).has_value());
  world.Advance(seconds(2));
  EXPECT_FALSE(Address(own).has_value());
}

TEST_F(Discovery, Rfc4862_S5_4_5_AnEuiAddressThatIsADuplicateStaysUnused) {
  Receive(router, Ra(1800, prefix));
  Bytes advertisement(kMaxNdpEmit);
  advertisement.resize(
      EmitNeighborAdvertisement(own, false, false, true, kPeerMac, advertisement.data()));
  world.ReceiveNdp(own, Ip("ff02::1"), advertisement);
  EXPECT_TRUE(Address(own)->duplicate);
  EXPECT_FALSE(world.stack.IsLocalAddress(own));
}

// --- RFC 7217 ----------------------------------------------------------------------------------

TEST_F(Discovery, Rfc7217_S5_StableWithinAPrefixUnrelatedBetween) {
  ASSERT_TRUE(
      world.stack.SetSysctl("ipv6.conf.default.stable_secret", "1:2:3:4:5:6:7:8").ok());
  Set("addr_gen_mode", "2");
  const auto identifiers = [&] {
    std::vector<uint64_t> found;
    for (const AddressInfo& info : world.stack.Addresses()) {
      if (info.options.autoconfigured) found.push_back(LoadBe64(info.prefix.address.data() + 8));
    }
    return found;
  };
  Receive(router, Ra(1800, prefix + Option({.prefix = "2001:db8:6::"})));
  const std::vector<uint64_t> first = identifiers();
  ASSERT_EQ(first.size(), 2u);
  EXPECT_NE(first[0], first[1]);
  EXPECT_NE(first[0], LoadBe64(own.data() + 8));
  Set("accept_ra", "0");
  EXPECT_TRUE(identifiers().empty());
  Set("accept_ra", "1");
  Receive(router, Ra(1800, prefix + Option({.prefix = "2001:db8:6::"})));
  EXPECT_EQ(identifiers(), first);
}

TEST_F(Discovery, Rfc7217_S6_ADuplicateIsReplaced) {
  Set("addr_gen_mode", "2");
  Receive(router, Ra(1800, prefix));
  std::set<IpAddress> seen;
  for (int round = 0; round < 3; ++round) {
    const AddressInfo info = world.stack.Addresses().back();
    ASSERT_TRUE(info.tentative);
    EXPECT_TRUE(seen.insert(info.prefix.address).second);
    Bytes advertisement(kMaxNdpEmit);
    advertisement.resize(EmitNeighborAdvertisement(info.prefix.address, false, false, true,
                                                   kPeerMac, advertisement.data()));
    world.ReceiveNdp(info.prefix.address, Ip("ff02::1"), advertisement);
  }
  EXPECT_TRUE(seen.insert(world.stack.Addresses().back().prefix.address).second);
}

// --- RFC 8981 ----------------------------------------------------------------------------------

TEST_F(Discovery, Rfc8981_S3_4_TemporaryAddressesComeAndAreReplaced) {
  Set("use_tempaddr", "2");
  Receive(router, Ra(65535, Option({.prefix = "2001:db8:5::", .valid = kForever,
                                    .preferred = kForever})));
  ASSERT_EQ(Temporary().size(), 1u);
  world.Advance(seconds(2));
  const IpAddress first = Temporary()[0].prefix.address;
  EXPECT_EQ(*world.stack.SelectSource(Ip("2001:db8:77::1"), 0), first);  // RFC 6724 rule 7
  world.Advance(hours(24));
  ASSERT_EQ(Temporary().size(), 2u);
  EXPECT_TRUE(Temporary()[0].options.deprecated);
  EXPECT_NE(Temporary()[1].prefix.address, first);
  world.Advance(hours(25));
  EXPECT_FALSE(Address(first).has_value());
  EXPECT_TRUE(Address(own).has_value());
}

TEST_F(Discovery, Rfc6724_S5_Rule5_5_TheNextHopsPrefixWins) {
  ASSERT_TRUE(world.stack.RemoveAddress(kEth0, *Prefix::Parse("2001:db8::1/64")).ok());
  world.Know(router);
  world.Know(second, kOtherMac);
  // The first one's prefix has more in common with the destination (rule 8).
  const Bytes close = Option({.prefix = "2001:db8:70::"});
  const auto source = [&] {
    world.link.Clear();
    auto socket = world.UdpSocket(Family::kIpv6);
    EXPECT_EQ(StackWorld::SendTo(*socket, {Ip("2001:db8:77::1"), 9}, Pattern(1)), Error::kOk);
    return world.Next().source;
  };
  Receive(router, Ra(1800, close));
  Receive(second, Ra(1800, prefix, /*preference=*/1));
  world.Advance(seconds(3));
  EXPECT_EQ(FirstHop(), kOtherMac);
  EXPECT_EQ(source(), own);
  // When both advertise it, nothing speaks for either, and rule 8 decides.
  Receive(second, Ra(1800, close, /*preference=*/1));
  EXPECT_EQ(source(), Ip("2001:db8:70::ff:fe00:1"));
  Receive(router, Ra(1800, {}, /*preference=*/1));
  Receive(second, Ra(0));
  EXPECT_EQ(FirstHop(), kPeerMac);
  EXPECT_EQ(source(), Ip("2001:db8:70::ff:fe00:1"));
}

TEST_F(Discovery, Rfc6724_S5_Rule7_ThePublicAddressWinsWhenTemporaryIsNotPreferred) {
  Set("use_tempaddr", "1");
  Receive(router, Ra(1800, prefix));
  world.Advance(seconds(2));
  ASSERT_EQ(Temporary().size(), 1u);
  EXPECT_EQ(*world.stack.SelectSource(Ip("2001:db8:5::99"), 0), own);
}

// Its preferred lifetime was too short for a successor, then it is extended.
TEST_F(Discovery, Rfc8981_S3_4_AnExtendedPrefixIsWorthATemporaryAddressAgain) {
  Set("use_tempaddr", "2");
  Receive(router, Ra(1800, Option({.prefix = "2001:db8:5::", .preferred = 60})));
  ASSERT_EQ(Temporary().size(), 1u);
  const IpAddress first = Temporary()[0].prefix.address;
  world.Advance(seconds(70));
  ASSERT_EQ(Temporary().size(), 1u);
  EXPECT_TRUE(Temporary()[0].options.deprecated);
  Receive(router, Ra(1800, Option({.prefix = "2001:db8:5::", .preferred = 7200})));
  world.Advance(seconds(2));
  size_t preferred = 0;
  for (const AddressInfo& info : Temporary()) preferred += info.options.deprecated ? 0 : 1;
  EXPECT_EQ(preferred, 1u);
  EXPECT_TRUE(Address(first).has_value());
  // And once it runs out, there is a successor.
  for (int i = 0; i < 30; ++i) {
    world.Advance(hours(1));
    Receive(router, Ra(1800, Option({.prefix = "2001:db8:5::", .preferred = 7200})));
  }
  preferred = 0;
  for (const AddressInfo& info : Temporary()) preferred += info.options.deprecated ? 0 : 1;
  EXPECT_EQ(preferred, 1u);
}

TEST_F(Discovery, Rfc8981_S3_4_SwitchedOnLaterTheNextAdvertisementMakesOne) {
  Receive(router, Ra(1800, prefix));
  EXPECT_TRUE(Temporary().empty());
  Set("use_tempaddr", "1");
  Receive(router, Ra(1800, prefix));
  EXPECT_EQ(Temporary().size(), 1u);
}

// --- Link-local addresses ----------------------------------------------------------------------

class Bare : public Discovery {
 protected:
  Bare() {
    Set("accept_ra", "0");
    EXPECT_TRUE(world.stack.RemoveAddress(kEth0, *Prefix::Parse("fe80::1/64")).ok());
    world.Advance(seconds(5));
    world.link.Clear();
  }
  std::vector<IpAddress> LinkLocals() const {
    std::vector<IpAddress> found;
    for (const AddressInfo& info : world.stack.Addresses()) {
      if (info.prefix.address.is_v6() && info.prefix.address.IsLinkLocal()) {
        found.push_back(info.prefix.address);
      }
    }
    return found;
  }
};

TEST_F(Bare, Rfc4862_S5_3_ALinkLocalAddressIsFormedProvedAndUsed) {
  Set("accept_ra", "1");
  EXPECT_EQ(LinkLocals(), (std::vector<IpAddress>{Ip("fe80::ff:fe00:1")}));
  EXPECT_FALSE(world.stack.IsLocalAddress(Ip("fe80::ff:fe00:1")));
  std::vector<ParsedFrame> sent;
  for (int i = 0; i < 30; ++i) {
    world.Advance(milliseconds(100));
    while (!world.Silent()) {
      const ParsedFrame frame = world.Next();
      if (frame.icmp_type() == icmpv6_type::kNeighborSolicitation ||
          frame.icmp_type() == icmpv6_type::kRouterSolicitation) {
        sent.push_back(frame);
      }
    }
  }
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].icmp_type(), icmpv6_type::kNeighborSolicitation);
  EXPECT_TRUE(sent[0].source.IsUnspecified());
  EXPECT_EQ(sent[1].icmp_type(), icmpv6_type::kRouterSolicitation);
  EXPECT_EQ(sent[1].source, Ip("fe80::ff:fe00:1"));
  EXPECT_TRUE(world.stack.IsLocalAddress(Ip("fe80::ff:fe00:1")));
  Set("accept_ra", "0");
  EXPECT_TRUE(LinkLocals().empty());
}

TEST_F(Bare, AddrGenModeDecidesItsIdentifier) {
  Set("addr_gen_mode", "1");
  Set("accept_ra", "1");
  EXPECT_TRUE(LinkLocals().empty());
  Set("accept_ra", "0");
  Set("addr_gen_mode", "2");
  Set("accept_ra", "1");
  ASSERT_EQ(LinkLocals().size(), 1u);
  EXPECT_NE(LinkLocals()[0], Ip("fe80::ff:fe00:1"));
  const IpAddress stable = LinkLocals()[0];
  Set("accept_ra", "0");
  Set("accept_ra", "1");
  EXPECT_EQ(LinkLocals()[0], stable);
}

}  // namespace
}  // namespace moat::netstack
