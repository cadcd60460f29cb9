// Equal-cost multipath, throw routes, policy rules.

#include <map>

#include "netstack/stack/router_test_world.h"

namespace moat::netstack {
namespace {

class Paths : public testing::TestWithParam<Family> {
 protected:
  bool v4() const { return GetParam() == Family::kIpv4; }
  const char* There() const { return v4() ? "10.0.0.0/8" : "2001:db8:ffff::/48"; }
  IpAddress Host(int n) const {
    Bytes bytes(far.beyond.data(), far.beyond.data() + far.beyond.size());
    bytes.back() = static_cast<uint8_t>(n);
    bytes[bytes.size() - 2] = static_cast<uint8_t>(n >> 8);
    return v4() ? IpAddress::V4(bytes.data()) : IpAddress::V6(bytes.data());
  }
  void AddPaths(uint32_t near_weight, uint32_t far_weight) {
    RouteInfo route;
    route.destination = *Prefix::Parse(There());
    route.next_hops = {{cast.other, kEth0, near_weight}, {far.far, kEth1, far_weight}};
    const absl::Status status = world.stack.AddRoute(route);
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  void Send(const IpAddress& to, uint16_t port = 9) {
    world.ReceiveIp(IpPacket(cast.remote, to, ip_protocol::kUdp,
                             UdpDatagram(cast.remote, to, port, 53, Pattern(4))));
  }
  // Which way a packet from beyond eth0 takes: 0, 1, or -1 when none leaves.
  int WayOf(const IpAddress& to, uint16_t port = 9) {
    world.link.Clear();
    world.far_link.Clear();
    Send(to, port);
    const bool near = !world.Silent() && world.Next().destination == to;
    const bool far_way = !world.FarSilent() && world.NextFar().destination == to;
    EXPECT_FALSE(near && far_way);
    return near ? 0 : far_way ? 1 : -1;
  }
  int CountFar(int flows) {
    int count = 0;
    for (int i = 0; i < flows; ++i) count += WayOf(Host(i)) == 1 ? 1 : 0;
    return count;
  }
  RuleInfo Rule(uint32_t priority, const char* from, uint32_t table) const {
    RuleInfo rule;
    rule.priority = priority;
    if (from != nullptr) rule.from = *Prefix::Parse(from);
    rule.table = table;
    return rule;
  }
  void AddTo(uint32_t table, const char* destination, const std::optional<IpAddress>& gateway,
             InterfaceIndex interface, RouteType type = RouteType::kUnicast) {
    RouteInfo route;
    route.destination = *Prefix::Parse(destination);
    route.gateway = gateway;
    route.interface = interface;
    route.type = type;
    route.table = table;
    ASSERT_TRUE(world.stack.AddRoute(route).ok());
  }
  const char* From() const { return v4() ? "198.51.100.0/24" : "2001:db8:9::/48"; }

  RouterWorld world;
  Cast cast = CastOf(GetParam());
  FarCast far = FarCastOf(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Families, Paths, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& info) {
                           return info.param == Family::kIpv4 ? "Ipv4" : "Ipv6";
                         });

TEST_P(Paths, Rfc2992_FlowsAreSharedEvenly) {
  AddPaths(1, 1);
  EXPECT_NEAR(CountFar(400), 200, 50);
}

TEST_P(Paths, WeightsShareTheFlows) {
  AddPaths(1, 3);
  EXPECT_NEAR(CountFar(400), 300, 50);
}

TEST_P(Paths, Rfc2991_AFlowStaysOnItsPath) {
  AddPaths(1, 1);
  for (int i = 0; i < 20; ++i) {
    const int way = WayOf(Host(i), 1);
    for (uint16_t port = 2; port < 6; ++port) EXPECT_EQ(WayOf(Host(i), port), way);
  }
}

TEST_P(Paths, PolicyOneTellsPortsApart) {
  AddPaths(1, 1);
  world.Set(v4() ? "ipv4.fib_multipath_hash_policy" : "ipv6.fib_multipath_hash_policy", "1");
  int far_ways = 0;
  for (uint16_t port = 0; port < 200; ++port) far_ways += WayOf(Host(1), port) == 1 ? 1 : 0;
  EXPECT_NEAR(far_ways, 100, 35);
}

TEST_P(Paths, ADeadInterfaceIsPassedOver) {
  AddPaths(1, 1);
  ASSERT_TRUE(world.stack.SetInterfaceUp(kEth1, false).ok());
  for (int i = 0; i < 40; ++i) EXPECT_EQ(WayOf(Host(i)), 0);
}

TEST_P(Paths, ARemovedInterfaceLeavesTheRest) {
  AddPaths(1, 1);
  ASSERT_TRUE(world.stack.RemoveInterface(kEth1).ok());
  for (int i = 0; i < 40; ++i) EXPECT_EQ(WayOf(Host(i)), 0);
  size_t hops = 0;
  for (const RouteInfo& route : world.stack.Routes()) hops += route.next_hops.size();
  EXPECT_EQ(hops, 1u);
}

TEST_P(Paths, OurOwnFlowsAreSharedToo) {
  AddPaths(1, 1);
  std::map<InterfaceIndex, int> sources;
  for (int i = 0; i < 200; ++i) {
    const IpAddress source = *world.stack.SelectSource(Host(i), 0);
    ++sources[source == cast.own ? kEth0 : kEth1];
  }
  EXPECT_GT(sources[kEth0], 50);
  EXPECT_GT(sources[kEth1], 50);
}

TEST_P(Paths, BadNextHopsAreRefused) {
  RouteInfo route;
  route.destination = *Prefix::Parse(There());
  route.next_hops = {{far.far, kEth1, 0}};
  EXPECT_FALSE(world.stack.AddRoute(route).ok());
  route.next_hops = {{far.far, 99, 1}};
  EXPECT_FALSE(world.stack.AddRoute(route).ok());
}

// --- Rules -------------------------------------------------------------------------------------

TEST_P(Paths, ARuleBySourceAsksItsTable) {
  AddTo(100, There(), far.far, kEth1);
  EXPECT_EQ(WayOf(far.beyond), 0);  // the default route
  ASSERT_TRUE(world.stack.AddRule(Rule(1000, From(), 100)).ok());
  EXPECT_EQ(WayOf(far.beyond), 1);
  ASSERT_TRUE(world.stack.RemoveRule(Rule(1000, From(), 100)).ok());
  EXPECT_EQ(WayOf(far.beyond), 0);
}

TEST_P(Paths, ARuleOfOtherSourcesDoesNotMatch) {
  AddTo(100, There(), far.far, kEth1);
  ASSERT_TRUE(
      world.stack.AddRule(Rule(1000, v4() ? "198.51.101.0/24" : "2001:db8:8::/48", 100)).ok());
  EXPECT_EQ(WayOf(far.beyond), 0);
}

TEST_P(Paths, RulesMatchDestinationAndIncomingInterface) {
  AddTo(100, There(), far.far, kEth1);
  RuleInfo rule = Rule(1000, nullptr, 100);
  rule.to = Prefix{Host(7), far.beyond.bits()};
  rule.in_interface = "eth0";
  ASSERT_TRUE(world.stack.AddRule(rule).ok());
  EXPECT_EQ(WayOf(Host(7)), 1);
  EXPECT_EQ(WayOf(Host(8)), 0);
  ASSERT_TRUE(world.stack.RemoveRule(rule).ok());
  rule.in_interface = "eth1";
  ASSERT_TRUE(world.stack.AddRule(rule).ok());
  EXPECT_EQ(WayOf(Host(7)), 0);
}

TEST_P(Paths, RulesAreAskedByPriorityAndPassedOverWithoutARoute) {
  AddTo(101, There(), far.far, kEth1);
  ASSERT_TRUE(world.stack.AddRule(Rule(2000, nullptr, 101)).ok());
  ASSERT_TRUE(world.stack.AddRule(Rule(1000, nullptr, 100)).ok());  // an empty table
  EXPECT_EQ(WayOf(far.beyond), 1);
  const std::vector<RuleInfo> rules = world.stack.Rules();
  ASSERT_EQ(rules.size(), 3u);
  EXPECT_EQ(rules[0].priority, 1000u);
  EXPECT_EQ(rules[2].priority, 32766u);
}

TEST_P(Paths, ThrowGoesOnToTheNextRule) {
  AddTo(100, v4() ? "0.0.0.0/0" : "::/0", far.far, kEth1);
  AddTo(100, There(), std::nullopt, 0, RouteType::kThrow);
  ASSERT_TRUE(world.stack.AddRule(Rule(1000, nullptr, 100)).ok());
  EXPECT_EQ(WayOf(far.beyond), 0);
}

TEST_P(Paths, ThrowInTheMainTableIsNoRoute) {
  AddTo(kMainTable, There(), std::nullopt, 0, RouteType::kThrow);
  Send(far.beyond);
  EXPECT_EQ(world.Count("Drop.NoRoute"), 1u);
}

TEST_P(Paths, ARuleMayRefuse) {
  RuleInfo rule = Rule(1000, From(), kMainTable);
  rule.action = RouteType::kProhibit;
  ASSERT_TRUE(world.stack.AddRule(rule).ok());
  Send(far.far);
  EXPECT_TRUE(world.FarSilent());
  EXPECT_EQ(world.Count("Drop.RouteRefused"), 1u);
  EXPECT_EQ(world.stack.AddRule(rule).code(), absl::StatusCode::kAlreadyExists);
}

TEST_P(Paths, RulesAfterTheMainTableAreItsFallback) {
  RouteInfo route;
  route.destination = {IpAddress::Any(GetParam()), 0};
  ASSERT_TRUE(world.stack.RemoveRoute(route).ok());
  AddTo(200, There(), far.far, kEth1);
  EXPECT_EQ(WayOf(far.beyond), -1);
  ASSERT_TRUE(world.stack.AddRule(Rule(40000, nullptr, 200)).ok());
  EXPECT_EQ(WayOf(far.beyond), 1);
}

}  // namespace
}  // namespace moat::netstack
