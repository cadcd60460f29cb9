// RFC 6724: the order of destinations (section 6), and the policy table that it shares with the
// choice of sources (2.1). The examples are the RFC's (10.2, 10.3).

#include <initializer_list>
#include <string>
#include <vector>

#include "netstack/stack/stack_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::seconds;
using Names = std::vector<std::string>;

// A host with a default route of each family, and whatever addresses the test gives it.
class Destinations : public testing::Test {
 protected:
  Destinations() {
    EXPECT_TRUE(stack
                    .AddInterface({.index = kEth0, .name = "eth0", .mac = kOwnMac, .mtu = 1500,
                                   .up = true, .running = true, .link = &link})
                    .ok());
    for (const Family family : {Family::kIpv4, Family::kIpv6}) AddDefault(family);
  }
  void AddDefault(Family family) {
    RouteInfo route;
    route.destination = {IpAddress::Any(family), 0};
    route.interface = kEth0;
    EXPECT_TRUE(stack.AddRoute(route).ok());
  }
  void Have(std::initializer_list<const char*> prefixes, bool deprecated = false) {
    AddressOptions options;
    options.no_dad = true;
    options.deprecated = deprecated;
    for (const char* text : prefixes) {
      EXPECT_TRUE(stack.AddAddress(kEth0, *Prefix::Parse(text), options).ok()) << text;
    }
  }
  // Link-local ones are on eth0.
  Names Order(const Names& names) const {
    std::vector<Endpoint> asked;
    for (const std::string& name : names) {
      const IpAddress address = Ip(name);
      const bool scoped = address.is_v6() && address.IsLinkLocal();
      asked.push_back({.address = address, .port = 80, .scope = scoped ? kEth0 : 0});
    }
    Names out;
    for (const Endpoint& endpoint : stack.OrderDestinations(asked)) {
      EXPECT_EQ(endpoint.port, 80);
      out.push_back(endpoint.address.ToString());
    }
    return out;
  }
  // The order is `expected`, whichever way round the two are given.
  void ExpectFirst(const char* first, const char* second) const {
    const Names expected = {first, second};
    EXPECT_EQ(Order({first, second}), expected);
    EXPECT_EQ(Order({second, first}), expected);
  }
  static AddressPolicy Policy(const char* prefix, int precedence, int label) {
    return {*Prefix::Parse(prefix), precedence, label};
  }

  FakeClock clock;
  SeededRandom random{1};
  ChannelLink link;
  Stack stack{{.clock = &clock, .random = &random}};
};

// --- Section 6, rule by rule -------------------------------------------------------------------

TEST_F(Destinations, Rfc6724_S6_Rule1_WithoutASource) {
  Have({"198.51.100.117/24"});
  ExpectFirst("198.51.100.121", "2001:db8:1::1");
}

TEST_F(Destinations, Rfc6724_S6_Rule1_WithoutARoute) {
  Have({"198.51.100.117/24", "2001:db8:1::2/64"});
  ExpectFirst("2001:db8:9::1", "203.0.113.1");
  RouteInfo route;
  route.destination = {IpAddress::Any(Family::kIpv6), 0};
  ASSERT_TRUE(stack.RemoveRoute(route).ok());
  ExpectFirst("203.0.113.1", "2001:db8:9::1");
}

TEST_F(Destinations, Rfc6724_S6_Rule1_ARouteThatRefuses) {
  Have({"2001:db8:1::2/64", "198.51.100.117/24"});
  RouteInfo route;
  route.destination = *Prefix::Parse("2001:db8:9::/48");
  route.type = RouteType::kUnreachable;
  ASSERT_TRUE(stack.AddRoute(route).ok());
  ExpectFirst("203.0.113.1", "2001:db8:9::1");
}

TEST_F(Destinations, Rfc6724_S6_Rule1_WithoutCarrier) {
  ChannelLink other;
  ASSERT_TRUE(stack.AddInterface({.index = 3, .name = "eth1", .mac = kOtherMac, .mtu = 1500,
                                  .up = true, .running = true, .link = &other}).ok());
  AddressOptions options;
  options.no_dad = true;
  Have({"198.51.100.117/24"});
  ASSERT_TRUE(stack.AddAddress(3, *Prefix::Parse("2001:db8:1::2/64"), options).ok());
  ExpectFirst("2001:db8:1::1", "198.51.100.121");
  ASSERT_TRUE(stack.SetInterfaceRunning(3, false).ok());
  ExpectFirst("198.51.100.121", "2001:db8:1::1");
  ASSERT_TRUE(stack.RemoveInterface(3).ok());
}

TEST(DestinationsOfAHost, Rfc6724_S6_Rule1_ANextHopThatDoesNotAnswer) {
  StackWorld world;
  const std::vector<Endpoint> asked = {{.address = Ip("192.0.2.9"), .port = 1},
                                       {.address = Ip("198.51.100.9"), .port = 1}};
  const auto first = [&] { return world.stack.OrderDestinations(asked)[0].address; };
  EXPECT_EQ(first(), asked[0].address);
  const auto socket = world.UdpSocket(Family::kIpv4);
  EXPECT_EQ(StackWorld::SendTo(*socket, asked[0], Pattern(4)), Error::kOk);
  EXPECT_EQ(first(), asked[0].address);  // nothing is known yet
  world.Advance(seconds(4));
  ASSERT_EQ(world.Neighbor(asked[0].address)->state, NeighborState::kFailed);
  EXPECT_EQ(first(), asked[1].address);
  world.Advance(seconds(30));  // it may be back
  EXPECT_EQ(first(), asked[0].address);
}

TEST_F(Destinations, Rfc6724_S6_Rule1_LinkLocalNeedsItsLink) {
  Have({"2001:db8:1::2/64", "fe80::2/64"});
  const std::vector<Endpoint> asked = {{.address = Ip("fe80::1"), .port = 1},
                                       {.address = Ip("2001:db8:1::1"), .port = 1}};
  EXPECT_EQ(stack.OrderDestinations(asked)[0].address, asked[1].address);
}

TEST_F(Destinations, Rfc6724_S6_Rule2_MatchingScope) {
  Have({"2001:db8:1::2/64", "fe80::1/64", "169.254.13.78/16"});
  ExpectFirst("2001:db8:1::1", "198.51.100.121");
}

TEST_F(Destinations, Rfc6724_S6_Rule2_MatchingScopeTheOtherWay) {
  Have({"fe80::1/64", "198.51.100.117/24"});
  ExpectFirst("198.51.100.121", "2001:db8:1::1");
}

TEST_F(Destinations, Rfc6724_S3_2_PrivateIpv4AddressesAreGlobal) {
  Have({"fe80::1/64", "10.1.2.4/24"});
  ExpectFirst("10.1.2.3", "2001:db8:1::1");
  ExpectFirst("198.51.100.121", "2001:db8:1::1");
}

TEST_F(Destinations, Rfc6724_S6_Rule3_DeprecatedSourcesAreAvoided) {
  Have({"2001:db8:1::2/64"});
  Have({"fe80::2/64"}, /*deprecated=*/true);
  ExpectFirst("2001:db8:1::1", "fe80::1");
}

TEST_F(Destinations, Rfc6724_S6_Rule5_MatchingLabel) {
  Have({"2002:c633:6401::2/64", "fe80::2/64"});
  ExpectFirst("2002:c633:6401::1", "2001:db8:1::1");
}

TEST_F(Destinations, Rfc6724_S6_Rule6_HigherPrecedence) {
  Have({"2001:db8:1::2/64", "fe80::1/64", "10.1.2.4/24"});
  ExpectFirst("2001:db8:1::1", "10.1.2.3");
}

TEST_F(Destinations, Rfc6724_S6_Rule6_HigherPrecedenceThan6to4) {
  Have({"2002:c633:6401::2/64", "2001:db8:1::2/64", "fe80::2/64"});
  ExpectFirst("2001:db8:1::1", "2002:c633:6401::1");
}

TEST_F(Destinations, Rfc6724_S6_Rule6_UniqueLocalBehindIpv4) {
  Have({"fd00:1::2/64", "10.1.2.4/24"});
  ExpectFirst("10.1.2.3", "fd00:1::1");
  ExpectFirst("fd00:1::1", "2001:db8:1::1");  // by rule 5: its source has its label
}

TEST_F(Destinations, Rfc6724_S6_Rule8_SmallerScope) {
  Have({"2001:db8:1::2/64", "fe80::2/64"});
  ExpectFirst("fe80::1", "2001:db8:1::1");
}

TEST_F(Destinations, Rfc6724_S6_Rule9_LongestMatchingPrefix) {
  Have({"2001:db8:1::2/64", "2001:db8:3f44::2/64", "fe80::2/64"});
  ExpectFirst("2001:db8:1::1", "2001:db8:3ffe::1");
}

TEST_F(Destinations, Rfc6724_S2_2_TheInterfaceIdentifierDoesNotCount) {
  Have({"2001:db8:1::2/64"});
  const Names one = {"2001:db8:1::3", "2001:db8:1:0:8000::"}, other = {one[1], one[0]};
  EXPECT_EQ(Order(one), one);
  EXPECT_EQ(Order(other), other);
}

TEST_F(Destinations, Rfc6724_S6_Rule9_Ipv4OnTheOwnSubnetOnly) {
  Have({"198.51.100.117/24"});
  ExpectFirst("198.51.100.1", "198.51.101.1");
  const Names one = {"203.0.113.1", "198.51.101.1"}, other = {one[1], one[0]};
  EXPECT_EQ(Order(one), one);
  EXPECT_EQ(Order(other), other);
}

TEST_F(Destinations, Rfc6724_S6_Rule9_IsNotBetweenFamilies) {
  Have({"198.51.100.117/24", "2001:db8:1::2/64"});
  const std::vector<AddressPolicy> equal = {Policy("::/0", 40, 1)};
  ASSERT_TRUE(stack.SetAddressPolicies(equal).ok());
  // The two of IPv6 change places, the one between them stays where it is.
  EXPECT_EQ(Order({"2001:db8:9::1", "203.0.113.1", "2001:db8:1::1"}),
            Names({"2001:db8:1::1", "203.0.113.1", "2001:db8:9::1"}));
}

TEST_F(Destinations, Rfc6724_S6_Rule10_TheOrderStays) {
  Have({"2001:db8:1::2/64", "198.51.100.117/24"});
  Names names;
  for (int i = 40; i > 0; --i) names.push_back("203.0.113." + std::to_string(i));
  EXPECT_EQ(Order(names), names);
  EXPECT_TRUE(Order({}).empty());
  EXPECT_EQ(Order({"203.0.113.1", "203.0.113.1"}).size(), 2u);
}

TEST_F(Destinations, Rfc6724_S3_2_MappedAddressesAreIpv4) {
  Have({"198.51.100.117/24"});
  ExpectFirst("::ffff:198.51.100.1", "198.51.101.1");
  ExpectFirst("198.51.100.1", "::ffff:198.51.101.1");
}

TEST_F(Destinations, LoopbackComesFirst) {
  Have({"2001:db8:1::2/64", "198.51.100.117/24"});
  EXPECT_EQ(Order({"198.51.100.1", "127.0.0.1", "2001:db8:1::1", "::1"}),
            Names({"::1", "2001:db8:1::1", "127.0.0.1", "198.51.100.1"}));
}

TEST_F(Destinations, AskingLeavesNoTrace) {
  Have({"2001:db8:1::2/64", "198.51.100.117/24"});
  stack.Flush();
  link.Clear();
  const auto before = stack.Counters();
  (void)Order({"198.51.100.1", "2001:db8:1::1", "203.0.113.1", "fe80::1"});
  RouteInfo route;
  route.destination = {IpAddress::Any(Family::kIpv4), 0};
  ASSERT_TRUE(stack.RemoveRoute(route).ok());
  (void)Order({"203.0.113.1"});
  EXPECT_EQ(stack.Counters(), before);
  EXPECT_TRUE(link.sent().empty());
  EXPECT_TRUE(stack.Neighbors().empty());
}

TEST_F(Destinations, PolicyRoutingChoosesTheSourceAsForConnect) {
  Have({"2001:db8:1::2/64", "2001:db8:2::2/64", "198.51.100.117/24"});
  RouteInfo route;
  route.destination = *Prefix::Parse("2001:db8:7::/48");
  route.interface = kEth0;
  route.source = Ip("fe80::2");
  Have({"fe80::2/64"});
  ASSERT_TRUE(stack.AddRoute(route).ok());
  ASSERT_EQ(*stack.SelectSource(Ip("2001:db8:7::1"), 0), Ip("fe80::2"));
  ExpectFirst("203.0.113.1", "2001:db8:7::1");  // rule 2, by the route's preferred source
}

// --- Section 2.1: the policy table -------------------------------------------------------------

TEST_F(Destinations, Rfc6724_S2_1_TheDefaultTable) {
  const std::vector<AddressPolicy> rows = stack.AddressPolicies();
  EXPECT_EQ(rows.size(), 9u);
  for (const AddressPolicy& row :
       {Policy("::1/128", 50, 0), Policy("::/0", 40, 1), Policy("::ffff:0:0/96", 35, 4),
        Policy("2002::/16", 30, 2), Policy("2001::/32", 5, 5), Policy("fc00::/7", 3, 13),
        Policy("::/96", 1, 3), Policy("fec0::/10", 1, 11), Policy("3ffe::/16", 1, 12)}) {
    EXPECT_NE(std::find(rows.begin(), rows.end(), row), rows.end()) << row.prefix.ToString();
  }
}

TEST_F(Destinations, Rfc6724_S10_3_PreferringIpv4) {
  Have({"2001:db8::2/64", "169.254.13.78/16", "198.51.100.117/24"});
  ExpectFirst("2001:db8::1", "198.51.100.121");
  std::vector<AddressPolicy> rows = stack.AddressPolicies();
  for (AddressPolicy& row : rows) {
    if (row.label == 4) row.precedence = 100;
  }
  ASSERT_TRUE(stack.SetAddressPolicies(rows).ok());
  ExpectFirst("198.51.100.121", "2001:db8::1");
  ASSERT_TRUE(stack.SetAddressPolicies({}).ok());
  ExpectFirst("2001:db8::1", "198.51.100.121");
  EXPECT_EQ(stack.AddressPolicies().size(), 9u);
}

TEST_F(Destinations, Rfc6724_S2_1_LabelsDecideAboutSourcesToo) {
  Have({"2001:db8:a::2/64", "2001:db8:b::2/64"});
  ASSERT_EQ(*stack.SelectSource(Ip("2001:db8:b:9::1"), 0), Ip("2001:db8:b::2"));  // rule 8
  std::vector<AddressPolicy> rows = stack.AddressPolicies();
  rows.push_back(Policy("2001:db8:a::/64", 40, 99));
  rows.push_back(Policy("2001:db8:b:9::/64", 40, 99));
  ASSERT_TRUE(stack.SetAddressPolicies(rows).ok());
  EXPECT_EQ(*stack.SelectSource(Ip("2001:db8:b:9::1"), 0), Ip("2001:db8:a::2"));  // rule 6
  EXPECT_EQ(*stack.SelectSource(Ip("2001:db8:b:8::1"), 0), Ip("2001:db8:b::2"));
}

TEST_F(Destinations, Rfc6724_S2_1_Ipv4PrefixesAreMapped) {
  Have({"198.51.100.117/24"});
  const std::vector<AddressPolicy> rows = {Policy("::/0", 40, 1), Policy("0.0.0.0/0", 35, 4),
                                           Policy("203.0.113.0/24", 36, 4)};
  ASSERT_TRUE(stack.SetAddressPolicies(rows).ok());
  ExpectFirst("203.0.113.1", "192.0.2.1");
  EXPECT_EQ(stack.AddressPolicies()[0].prefix.ToString(), "::ffff:203.0.113.0/120");
  EXPECT_EQ(stack.AddressPolicies()[1].prefix.length, 96);
}

TEST_F(Destinations, BadTablesAreRefusedAndChangeNothing) {
  const auto code = [&](const std::vector<AddressPolicy>& rows) {
    return stack.SetAddressPolicies(rows).code();
  };
  EXPECT_EQ(code({Policy("::/0", -1, 1)}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({Policy("::/0", 1, -1)}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({{{Ip("::"), 129}, 1, 1}}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({{{Ip("10.0.0.0"), 33}, 1, 1}}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({Policy("10.0.0.0/8", 1, 1), Policy("10.9.0.0/8", 2, 2)}),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({Policy("0.0.0.0/0", 1, 1), Policy("::ffff:0:0/96", 2, 2)}),
            absl::StatusCode::kInvalidArgument);
  std::vector<AddressPolicy> many;
  for (int i = 0; i < 257; ++i) {
    many.push_back(
        Policy(("10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256)).c_str(), 1, 1));
  }
  EXPECT_EQ(code(many), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(stack.AddressPolicies().size(), 9u);
  many.pop_back();
  EXPECT_EQ(code(many), absl::StatusCode::kOk);
}

}  // namespace
}  // namespace moat::netstack
