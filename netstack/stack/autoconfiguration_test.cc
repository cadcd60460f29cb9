// Addresses from advertised prefixes (RFC 4862 5.5, 7217, 8981), and which of them is a source.

#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "netstack/stack/router_discovery_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint32_t kForever = 0xffffffff;

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
  ASSERT_TRUE(world.stack.SetSysctl("ipv6.conf.default.stable_secret", "1:2:3:4:5:6:7:8").ok());
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

// Without one that is given, a stack draws its own secret.
TEST_F(Discovery, Rfc7217_S5_AnotherSecretMeansOtherIdentifiers) {
  Set("addr_gen_mode", "2");
  std::set<IpAddress> seen;
  const auto learn = [&] {
    Receive(router, Ra(1800, prefix));
    seen.insert(world.stack.Addresses().back().prefix.address);
    Set("accept_ra", "0");
    Set("accept_ra", "1");
  };
  learn();
  for (int bit = -1; bit < 128; ++bit) {  // each of its 128 bits counts
    uint16_t group[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    if (bit >= 0) group[bit / 16] ^= static_cast<uint16_t>(1u << bit % 16);
    const std::string secret =
        absl::StrFormat("%x:%x:%x:%x:%x:%x:%x:%x", group[0], group[1], group[2], group[3], group[4],
                        group[5], group[6], group[7]);
    ASSERT_TRUE(world.stack.SetSysctl("ipv6.conf.default.stable_secret", secret).ok()) << secret;
    learn();
  }
  EXPECT_EQ(seen.size(), 130u);
}

TEST_F(Discovery, Rfc7217_S5_TheInterfaceIsPartOfIt) {
  ChannelLink other_link{{}};
  ASSERT_TRUE(world.stack
                  .AddInterface({.index = 3, .name = "eth1", .mac = kOwnMac, .mtu = 1500,
                                 .up = true, .running = true, .link = &other_link})
                  .ok());
  AddressOptions at_once;
  at_once.no_dad = true;
  ASSERT_TRUE(world.stack.AddAddress(3, *Prefix::Parse("fe80::3/64"), at_once).ok());
  for (const char* name : {"eth0", "eth1"}) {
    const std::string conf = absl::StrCat("ipv6.conf.", name, ".");
    ASSERT_TRUE(world.stack.SetSysctl(conf + "addr_gen_mode", "2").ok());
    ASSERT_TRUE(world.stack.SetSysctl(conf + "accept_ra", "1").ok());
  }
  Receive(router, Ra(1800, prefix));
  Bytes message = Ra(1800, prefix);
  FixChecksum(router, Ip("ff02::1"), ip_protocol::kIcmpV6, message);
  world.stack.Receive(
      3, ReceivedFrame(EthernetFrame(
             MulticastMac(Ip("ff02::1")), kPeerMac, ethertype::kIpv6,
             IpPacket(router, Ip("ff02::1"), ip_protocol::kIcmpV6, message, 255))));
  std::set<IpAddress> formed;
  for (const AddressInfo& info : world.stack.Addresses()) {
    if (info.options.autoconfigured) formed.insert(info.prefix.address);
  }
  EXPECT_EQ(formed.size(), 2u);
}

// As if it were a duplicate.
TEST_F(Discovery, Rfc7217_S5_AnIdentifierThatIsInUseIsNotTaken) {
  Set("addr_gen_mode", "2");
  Receive(router, Ra(1800, prefix));
  const Prefix first = world.stack.Addresses().back().prefix;
  Set("accept_ra", "0");
  ASSERT_TRUE(world.stack.AddAddress(kEth0, first, {}).ok());
  Set("accept_ra", "1");
  Receive(router, Ra(1800, prefix));
  const AddressInfo info = world.stack.Addresses().back();
  EXPECT_TRUE(info.options.autoconfigured);
  EXPECT_NE(info.prefix.address, first.address);
  EXPECT_TRUE(info.prefix.address.InPrefix(first.address, 64));
}

TEST_F(Discovery, Rfc7217_S6_AfterThreeMoreNothingElseIsTried) {
  Set("addr_gen_mode", "2");
  Receive(router, Ra(1800, prefix));
  for (int round = 0; round < 4; ++round) {
    const IpAddress address = world.stack.Addresses().back().prefix.address;
    Bytes advertisement(kMaxNdpEmit);
    advertisement.resize(
        EmitNeighborAdvertisement(address, false, false, true, kPeerMac, advertisement.data()));
    world.ReceiveNdp(address, Ip("ff02::1"), advertisement);
  }
  for (int i = 0; i < 5; ++i) {
    world.Advance(hours(1));
    Receive(router, Ra(1800, prefix));
  }
  for (const AddressInfo& info : world.stack.Addresses()) {
    EXPECT_EQ(info.duplicate, info.options.autoconfigured);
  }
  EXPECT_FALSE(Address(own).has_value());  // nor one that is made from the link address
}

TEST_F(Discovery, Rfc7217_S6_TheNextOneWaitsForUpToASecond) {
  Set("addr_gen_mode", "2");
  std::set<int64_t> waits;
  for (int round = 0; round < 8; ++round) {
    Receive(router, Ra(1800, prefix));
    const IpAddress address = world.stack.Addresses().back().prefix.address;
    Bytes advertisement(kMaxNdpEmit);
    advertisement.resize(
        EmitNeighborAdvertisement(address, false, false, true, kPeerMac, advertisement.data()));
    world.ReceiveNdp(address, Ip("ff02::1"), advertisement);
    world.link.Clear();
    const Time begin = world.clock.Now();
    bool probed = false;
    while (!probed && world.clock.Now() < begin + seconds(2)) {
      world.Advance(milliseconds(1));
      while (!world.Silent()) {
        const ParsedFrame frame = world.Next();
        probed = probed || (frame.icmp_type() == icmpv6_type::kNeighborSolicitation &&
                            frame.source.IsUnspecified());
      }
    }
    const int64_t wait = (world.clock.Now() - begin) / milliseconds(1);
    EXPECT_LE(wait, 1001);
    waits.insert(wait / 50);
    Set("accept_ra", "0");
    Set("accept_ra", "1");
  }
  EXPECT_GE(waits.size(), 4u);
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
  Receive(router,
          Ra(65535, Option({.prefix = "2001:db8:5::", .valid = kForever, .preferred = kForever})));
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

// Those who advertised it long ago do not keep out who does now.
TEST_F(Discovery, Rfc6724_S5_Rule5_5_OfManyAdvertisersTheLatestAreKnown) {
  ASSERT_TRUE(world.stack.RemoveAddress(kEth0, *Prefix::Parse("2001:db8::1/64")).ok());
  world.Know(second, kOtherMac);
  for (int i = 0; i < 16; ++i) {
    Receive(Ip(absl::StrCat("fe80::100:", i)), Ra(0, prefix));
  }
  Receive(router, Ra(0, Option({.prefix = "2001:db8:70::"})));
  Receive(second, Ra(1800, prefix));
  world.Advance(seconds(3));
  EXPECT_EQ(FirstHop(), kOtherMac);
  EXPECT_EQ(*world.stack.SelectSource(Ip("2001:db8:77::1"), 0), own);
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
