// The stack's configuration: interfaces, addresses, routes, sysctls, and what observers are told.

#include "netstack/stack/stack_test_world.h"

namespace moat::netstack {
namespace {

class Log final : public StackObserver {
 public:
  void OnInterfaceChanged(const InterfaceInfo& info, bool removed) override {
    Note("link", info.name, removed);
  }
  void OnAddressChanged(const AddressInfo& info, bool removed) override {
    Note("addr", info.prefix.ToString(), removed);
  }
  void OnRouteChanged(const RouteInfo& info, bool removed) override {
    Note("route", info.destination.ToString(), removed);
  }
  void OnNeighborChanged(const NeighborInfo& info, bool removed) override {
    Note("neigh", info.address.ToString(), removed);
  }
  void OnRuleChanged(const RuleInfo& info, bool removed) override {
    Note("rule", std::to_string(info.priority), removed);
  }
  void OnAddressPolicyChanged(const AddressPolicy& info, bool removed) override {
    Note("policy", info.prefix.ToString() + " " + std::to_string(info.label), removed);
  }
  std::vector<std::string> Take() { return std::exchange(lines_, {}); }

 private:
  void Note(const char* what, const std::string& which, bool removed) {
    lines_.push_back(std::string(removed ? "-" : "+") + what + " " + which);
  }
  std::vector<std::string> lines_;
};

class Configuration : public testing::Test {
 protected:
  Configuration() { world.stack.AddObserver(&log); }
  ~Configuration() override { world.stack.RemoveObserver(&log); }
  static RouteInfo Via(const char* destination, const char* gateway, uint32_t metric = 0) {
    RouteInfo route;
    route.destination = *Prefix::Parse(destination);
    if (gateway != nullptr) route.gateway = Ip(gateway);
    route.interface = kEth0;
    route.metric = metric;
    return route;
  }
  static RouteInfo Refuse(const char* destination, RouteType type) {
    RouteInfo route;
    route.destination = *Prefix::Parse(destination);
    route.type = type;
    return route;
  }
  StackWorld world;
  Log log;
};

using Lines = std::vector<std::string>;

TEST_F(Configuration, LoopbackIsThereFromTheStart) {
  const auto lo = world.stack.FindInterface("lo");
  ASSERT_TRUE(lo.has_value());
  EXPECT_EQ(lo->index, 1);
  EXPECT_TRUE(lo->loopback && lo->up);
  EXPECT_EQ(lo->mtu, 65536u);
  EXPECT_TRUE(world.stack.IsLocalAddress(Ip("127.0.0.1")));
  EXPECT_TRUE(world.stack.IsLocalAddress(Ip("127.9.9.9")));
  EXPECT_TRUE(world.stack.IsLocalAddress(Ip("::1")));
  EXPECT_FALSE(world.stack.RemoveInterface(1).ok());
}

TEST_F(Configuration, BadInterfacesAreRefused) {
  ChannelLink link;
  auto add = [&](InterfaceIndex index, const char* name, uint32_t mtu, Link* to) {
    return world.stack
        .AddInterface({.index = index, .name = name, .mac = kOwnMac, .mtu = mtu, .up = true,
                       .running = true, .link = to})
        .code();
  };
  EXPECT_EQ(add(0, "x", 1500, &link), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(add(9, "", 1500, &link), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(add(9, "a-name-too-long-for-it", 1500, &link), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(add(9, "x", 67, &link), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(add(9, "x", 1500, nullptr), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(add(kEth0, "x", 1500, &link), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(add(9, "eth0", 1500, &link), absl::StatusCode::kAlreadyExists);
}

TEST_F(Configuration, AnAddressBringsItsConnectedRoute) {
  ASSERT_TRUE(world.stack.AddAddress(kEth0, *Prefix::Parse("10.1.2.3/16"), {}).ok());
  EXPECT_EQ(log.Take(), (Lines{"+route 10.1.0.0/16", "+addr 10.1.2.3/16"}));
  ASSERT_TRUE(world.stack.AddAddress(kEth0, *Prefix::Parse("10.1.2.4/16"), {}).ok());
  EXPECT_EQ(log.Take(), (Lines{"+addr 10.1.2.4/16"}));
  // The route stays as long as one address needs it.
  ASSERT_TRUE(world.stack.RemoveAddress(kEth0, *Prefix::Parse("10.1.2.3/16")).ok());
  EXPECT_EQ(log.Take(), (Lines{"-addr 10.1.2.3/16"}));
  EXPECT_EQ(*world.stack.SelectSource(Ip("10.1.9.9"), 0), Ip("10.1.2.4"));
  ASSERT_TRUE(world.stack.RemoveAddress(kEth0, *Prefix::Parse("10.1.2.4/16")).ok());
  EXPECT_EQ(log.Take(), (Lines{"-route 10.1.0.0/16", "-addr 10.1.2.4/16"}));
}

TEST_F(Configuration, BadAddressesAreRefused) {
  auto add = [&](const char* prefix) {
    return world.stack.AddAddress(kEth0, *Prefix::Parse(prefix), {}).code();
  };
  EXPECT_EQ(add("192.0.2.1/24"), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(add("224.0.0.1/24"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(add("0.0.0.0/0"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(add("127.0.0.5/8"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(add("ff02::5/64"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(world.stack.AddAddress(77, *Prefix::Parse("10.0.0.1/8"), {}).code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(world.stack.RemoveAddress(kEth0, *Prefix::Parse("10.0.0.1/8")).code(),
            absl::StatusCode::kNotFound);
}

TEST_F(Configuration, InterfaceGoesWithAllThatBelongsToIt) {
  world.Know(Ip("192.0.2.2"));
  (void)log.Take();
  ASSERT_TRUE(world.stack.RemoveInterface(kEth0).ok());
  const Lines lines = log.Take();
  for (const char* line :
       {"-addr 192.0.2.1/24", "-addr 2001:db8::1/64", "-route 192.0.2.0/24", "-route 0.0.0.0/0",
        "-route ::/0", "-neigh 192.0.2.2", "-link eth0"}) {
    EXPECT_NE(std::find(lines.begin(), lines.end(), line), lines.end()) << line;
  }
  EXPECT_TRUE(world.stack.Routes().empty());
  EXPECT_TRUE(world.stack.Neighbors().empty());
  EXPECT_EQ(world.stack.Interfaces().size(), 1u);
  world.link.Clear();
  world.ReceiveEchoRequest(Ip("192.0.2.2"), Ip("192.0.2.1"), {});
  EXPECT_TRUE(world.Silent());
}

TEST_F(Configuration, LongestPrefixThenLowestMetricWins) {
  world.Know(Ip("192.0.2.10"), kPeerMac);
  world.Know(Ip("192.0.2.11"), kOtherMac);
  ASSERT_TRUE(world.stack.AddRoute(Via("198.51.0.0/16", "192.0.2.10")).ok());
  ASSERT_TRUE(world.stack.AddRoute(Via("198.51.100.0/24", "192.0.2.11", 200)).ok());
  ASSERT_TRUE(world.stack.AddRoute(Via("198.51.100.0/24", "192.0.2.10", 100)).ok());
  auto next_hop = [&](const char* destination) {
    auto socket = world.UdpSocket(Family::kIpv4);
    EXPECT_EQ(StackWorld::SendTo(*socket, {Ip(destination), 9}, {1}), Error::kOk);
    return world.Next().to;
  };
  EXPECT_EQ(next_hop("198.51.1.1"), kPeerMac);
  EXPECT_EQ(next_hop("198.51.100.1"), kPeerMac);
  RouteInfo like = Via("198.51.100.0/24", nullptr, 100);
  ASSERT_TRUE(world.stack.RemoveRoute(like).ok());
  EXPECT_EQ(next_hop("198.51.100.1"), kOtherMac);
  EXPECT_EQ(world.stack.RemoveRoute(like).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(world.stack.AddRoute(Via("198.51.100.0/24", "192.0.2.11", 200)).code(),
            absl::StatusCode::kAlreadyExists);
}

TEST_F(Configuration, RefusingRoutesGiveTheirErrors) {
  ASSERT_TRUE(world.stack.AddRoute(Refuse("203.0.113.0/26", RouteType::kBlackhole)).ok());
  ASSERT_TRUE(world.stack.AddRoute(Refuse("203.0.113.64/26", RouteType::kUnreachable)).ok());
  ASSERT_TRUE(world.stack.AddRoute(Refuse("203.0.113.128/26", RouteType::kProhibit)).ok());
  EXPECT_EQ(world.stack.SelectSource(Ip("203.0.113.1"), 0).error(), Error::kInvalid);
  EXPECT_EQ(world.stack.SelectSource(Ip("203.0.113.65"), 0).error(), Error::kHostUnreachable);
  EXPECT_EQ(world.stack.SelectSource(Ip("203.0.113.129"), 0).error(), Error::kAccess);
  EXPECT_TRUE(world.stack.SelectSource(Ip("203.0.113.193"), 0).ok());
}

TEST_F(Configuration, LocalRouteMakesAWholePrefixOurs) {
  RouteInfo local = Refuse("203.0.113.0/24", RouteType::kLocal);
  local.interface = kLoopbackIndex;
  ASSERT_TRUE(world.stack.AddRoute(local).ok());
  world.Know(Ip("192.0.2.2"));
  world.ReceiveEchoRequest(Ip("192.0.2.2"), Ip("203.0.113.5"), Pattern(4));
  EXPECT_EQ(world.Count("Icmp.InEchos"), 1u);
}

TEST_F(Configuration, WithoutARouteTheNetworkIsUnreachable) {
  ASSERT_TRUE(world.stack.RemoveRoute(Via("0.0.0.0/0", nullptr)).ok());
  EXPECT_EQ(world.stack.SelectSource(Ip("198.51.100.1"), 0).error(), Error::kNetworkUnreachable);
  ASSERT_TRUE(world.stack.SetInterfaceUp(kEth0, false).ok());
  EXPECT_EQ(world.stack.SelectSource(Ip("192.0.2.9"), 0).error(), Error::kNetworkUnreachable);
}

TEST_F(Configuration, PreferredSourceOfARouteIsUsed) {
  ASSERT_TRUE(world.stack.AddAddress(kEth0, *Prefix::Parse("10.0.0.7/32"), {}).ok());
  RouteInfo route = Via("198.51.100.0/24", "192.0.2.254");
  route.source = Ip("10.0.0.7");
  ASSERT_TRUE(world.stack.AddRoute(route).ok());
  EXPECT_EQ(*world.stack.SelectSource(Ip("198.51.100.1"), 0), Ip("10.0.0.7"));
  EXPECT_EQ(*world.stack.SelectSource(Ip("198.51.101.1"), 0), Ip("192.0.2.1"));
}

TEST_F(Configuration, RoutesNeedAnInterface) {
  RouteInfo route = Via("198.51.100.0/24", "192.0.2.254");
  route.interface = 0;
  EXPECT_TRUE(world.stack.AddRoute(route).ok());  // found by the gateway
  EXPECT_EQ(world.stack.Routes().back().interface, kEth0);
  route = Via("198.51.0.0/24", nullptr);
  route.interface = 0;
  EXPECT_EQ(world.stack.AddRoute(route).code(), absl::StatusCode::kNotFound);
  route.destination = {Ip("10.0.0.0"), 33};
  EXPECT_EQ(world.stack.AddRoute(route).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(Configuration, MtuChangeReachesTheNextPacket) {
  world.Know(Ip("192.0.2.2"));
  auto socket = world.UdpSocket(Family::kIpv4);
  ASSERT_EQ(socket->Connect({Ip("192.0.2.2"), 9}), Error::kOk);
  EXPECT_EQ(StackWorld::SendTo(*socket, {Ip("192.0.2.2"), 9}, Pattern(1400)), Error::kOk);
  EXPECT_FALSE(world.Next().more_fragments);
  ASSERT_TRUE(world.stack.SetInterfaceMtu(kEth0, 1000).ok());
  EXPECT_EQ(StackWorld::SendTo(*socket, {Ip("192.0.2.2"), 9}, Pattern(1400)), Error::kOk);
  EXPECT_LE(world.link.TakeFrame().size(), 1000 + kEthernetHeaderSize);
  EXPECT_FALSE(world.stack.SetInterfaceMtu(kEth0, 60).ok());
}

TEST_F(Configuration, MacChangeReachesTheNextPacket) {
  world.Know(Ip("192.0.2.2"));
  ASSERT_TRUE(world.stack.SetInterfaceMac(kEth0, kOtherMac).ok());
  auto socket = world.UdpSocket(Family::kIpv4);
  EXPECT_EQ(StackWorld::SendTo(*socket, {Ip("192.0.2.2"), 9}, {1}), Error::kOk);
  EXPECT_EQ(world.Next().from, kOtherMac);
}

TEST_F(Configuration, RenamesAreUnique) {
  EXPECT_TRUE(world.stack.SetInterfaceName(kEth0, "wan0").ok());
  EXPECT_TRUE(world.stack.FindInterface("wan0").has_value());
  EXPECT_EQ(world.stack.SetInterfaceName(kEth0, "lo").code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(Configuration, Ipv6CanBeSwitchedOff) {
  ASSERT_TRUE(world.stack.SetSysctl("ipv6.conf.all.disable_ipv6", "1").ok());
  EXPECT_EQ(world.stack.SelectSource(Ip("2001:db8::2"), 0).error(), Error::kNetworkUnreachable);
  world.ReceiveEchoRequest(Ip("2001:db8::2"), Ip("2001:db8::1"), {});
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Drop.FamilyDisabled"), 1u);
}

TEST_F(Configuration, Rfc8200_S5_ALinkThatIsTooSmallHasNoIpv6) {
  world.Know(Ip("2001:db8::2"));
  ASSERT_TRUE(world.stack.SetInterfaceMtu(kEth0, 1279).ok());
  EXPECT_FALSE(world.stack.SelectSource(Ip("2001:db8::2"), 0).ok());
  world.ReceiveEchoRequest(Ip("2001:db8::2"), Ip("2001:db8::1"), {});
  EXPECT_TRUE(world.Silent());
  ASSERT_TRUE(world.stack.SetInterfaceMtu(kEth0, 1280).ok());
  world.ReceiveEchoRequest(Ip("2001:db8::2"), Ip("2001:db8::1"), {});
  EXPECT_EQ(world.Next().icmp_type(), icmpv6_type::kEchoReply);
}

TEST_F(Configuration, Ipv6CanBeSwitchedOffOnOneInterface) {
  ASSERT_TRUE(world.stack.SetSysctl("ipv6.conf.eth0.disable_ipv6", "1").ok());
  EXPECT_FALSE(world.stack.SelectSource(Ip("2001:db8::2"), 0).ok());
  EXPECT_TRUE(world.stack.SelectSource(Ip("::1"), 0).ok());
  // "all" reaches every interface, and an interface may differ from it afterwards.
  ASSERT_TRUE(world.stack.SetSysctl("ipv6.conf.all.disable_ipv6", "1").ok());
  EXPECT_FALSE(world.stack.SelectSource(Ip("::1"), 0).ok());
  ASSERT_TRUE(world.stack.SetSysctl("ipv6.conf.eth0.disable_ipv6", "0").ok());
  EXPECT_TRUE(world.stack.SelectSource(Ip("2001:db8::2"), 0).ok());
  // The name follows the interface.
  ASSERT_TRUE(world.stack.SetSysctl("ipv6.conf.eth0.disable_ipv6", "1").ok());
  ASSERT_TRUE(world.stack.SetInterfaceName(kEth0, "wan0").ok());
  std::string value;
  ASSERT_TRUE(world.stack.GetSysctl("ipv6.conf.wan0.disable_ipv6", &value).ok());
  EXPECT_EQ(value, "1");
  EXPECT_FALSE(world.stack.GetSysctl("ipv6.conf.eth0.disable_ipv6", &value).ok());
}

TEST_F(Configuration, DefaultTtlIsTheSysctls) {
  world.Know(Ip("192.0.2.2"));
  ASSERT_TRUE(world.stack.SetSysctl("ipv4.ip_default_ttl", "77").ok());
  world.ReceiveEchoRequest(Ip("192.0.2.2"), Ip("192.0.2.1"), {});
  EXPECT_EQ(world.Next().hop_limit, 77);
}

TEST_F(Configuration, IpForwardIsConfAllForwarding) {
  std::string value;
  for (const char* name : {"ipv4.ip_forward", "ipv4.conf.all.forwarding"}) {
    for (const char* to : {"1", "0"}) {
      ASSERT_TRUE(world.stack.SetSysctl(name, to).ok());
      for (const char* same : {"ipv4.ip_forward", "ipv4.conf.all.forwarding",
                               "ipv4.conf.default.forwarding", "ipv4.conf.eth0.forwarding"}) {
        ASSERT_TRUE(world.stack.GetSysctl(same, &value).ok());
        EXPECT_EQ(value, to) << name << " -> " << same;
      }
    }
  }
}

TEST_F(Configuration, NeighboursAreSetByHandOnlyPermanently) {
  NeighborInfo neighbor{kEth0, Ip("192.0.2.2"), kPeerMac, NeighborState::kReachable, false};
  EXPECT_EQ(world.stack.AddNeighbor(neighbor).code(), absl::StatusCode::kInvalidArgument);
  neighbor.state = NeighborState::kPermanent;
  neighbor.interface = 99;
  EXPECT_EQ(world.stack.AddNeighbor(neighbor).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(world.stack.RemoveNeighbor(kEth0, Ip("192.0.2.2")).code(),
            absl::StatusCode::kNotFound);
}

TEST_F(Configuration, InterfaceCountersCount) {
  world.Know(Ip("192.0.2.2"));
  const InterfaceCounters before = world.stack.FindInterface(kEth0)->counters;
  world.ReceiveEchoRequest(Ip("192.0.2.2"), Ip("192.0.2.1"), Pattern(56));
  const InterfaceCounters after = world.stack.FindInterface(kEth0)->counters;
  EXPECT_EQ(after.rx_packets - before.rx_packets, 1u);
  EXPECT_EQ(after.rx_bytes - before.rx_bytes, 98u);
  EXPECT_EQ(after.tx_packets - before.tx_packets, 1u);
  EXPECT_EQ(after.tx_bytes - before.tx_bytes, 98u);
}

TEST_F(Configuration, ObserversHearOfRules) {
  RuleInfo rule;
  rule.priority = 77;
  rule.table = 100;
  ASSERT_TRUE(world.stack.AddRule(rule).ok());
  EXPECT_FALSE(world.stack.AddRule(rule).ok());
  EXPECT_EQ(log.Take(), Lines{"+rule 77"});
  ASSERT_TRUE(world.stack.RemoveRule(rule).ok());
  EXPECT_FALSE(world.stack.RemoveRule(rule).ok());
  EXPECT_EQ(log.Take(), Lines{"-rule 77"});
}

TEST_F(Configuration, ObserversHearOfWhatIsDifferentInThePolicyTable) {
  std::vector<AddressPolicy> rows = world.stack.AddressPolicies();
  rows.push_back({*Prefix::Parse("2001:db8::/32"), 45, 20});
  ASSERT_TRUE(world.stack.SetAddressPolicies(rows).ok());
  EXPECT_EQ(log.Take(), Lines{"+policy 2001:db8::/32 20"});
  rows.back().label = 21;
  ASSERT_TRUE(world.stack.SetAddressPolicies(rows).ok());
  EXPECT_EQ(log.Take(), Lines{"+policy 2001:db8::/32 21"});
  ASSERT_TRUE(world.stack.SetAddressPolicies(rows).ok());
  rows.push_back(rows.back());
  EXPECT_FALSE(world.stack.SetAddressPolicies(rows).ok());
  EXPECT_EQ(log.Take(), Lines{});
  ASSERT_TRUE(world.stack.SetAddressPolicies({}).ok());
  EXPECT_EQ(log.Take(), Lines{"-policy 2001:db8::/32 21"});
}

}  // namespace
}  // namespace moat::netstack
