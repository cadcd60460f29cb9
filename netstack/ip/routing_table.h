// The routing tables of both families, and the rules that choose among them (ip-rule(8)). Within a
// table: longest prefix, then lowest metric, then lowest rank, then oldest.
//
// Among default routes, and among the next hops of one route, those whose gateway does not answer
// are passed over for others (RFC 1122 3.3.1.5; for multipath Linux's fib_multipath_use_neigh);
// when none answers, they take turns, who failed longest ago first (RFC 4861 6.3.6).
//
// Without a rule of the user's only the main table exists, and a lookup is one walk of its trie.
#ifndef MOAT_NETSTACK_IP_ROUTING_TABLE_H_
#define MOAT_NETSTACK_IP_ROUTING_TABLE_H_

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"

#include "netstack/base/memory_budget.h"
#include "netstack/ip/configuration.h"
#include "netstack/ip/dead_gateways.h"
#include "netstack/ip/interface.h"
#include "netstack/ip/prefix_trie.h"

namespace moat::netstack {

inline constexpr size_t kMaxRoutes = 1 << 20;
inline constexpr size_t kMaxRoutingTables = 1024;
inline constexpr size_t kMaxRules = 1024;
inline constexpr size_t kMaxNextHops = 64;  // of one route

// RTPROT_* of rtnetlink(7).
inline constexpr uint8_t kRouteByKernel = 2;
inline constexpr uint8_t kRouteByStatic = 4;
inline constexpr uint8_t kRouteByRouterAdvertisement = 9;

// What is looked up.
struct RouteKey {
  IpAddress destination{};
  IpAddress source{};           // unspecified: not chosen yet; rules with a "from" do not match
  InterfaceIndex in = 0;        // that a forwarded packet came by; 0: ours
  InterfaceIndex out = 0;       // that it must leave by; 0: any
  uint32_t flow_hash = 0;       // chooses among equal-cost next hops
};

// A route, and of several next hops the one for the flow. Good until the table changes.
struct RouteChoice {
  const RouteInfo* route = nullptr;  // null: there is none
  std::optional<IpAddress> gateway;
  InterfaceIndex interface = 0;
};

class RoutingTable {
 public:
  enum class Change : uint8_t { kDone, kExists, kFull };

  // All borrowed. Routes are charged to `memory`: those of the kernel's protocol always (an address
  // has brought them), others are refused when it is short.
  RoutingTable(const InterfaceTable& interfaces, const DeadGateways& dead, MemoryBudget& memory)
      : interfaces_(interfaces), dead_(dead), memory_(memory) {}
  ~RoutingTable() { memory_.Release(charged_); }
  RoutingTable(const RoutingTable&) = delete;
  RoutingTable& operator=(const RoutingTable&) = delete;

  Change Add(const RouteInfo& route);
  // Removes the first route of the table with this destination that agrees with whatever else
  // `like` gives (gateway, interface, metric, type other than unicast); what was removed, or
  // nothing.
  std::optional<RouteInfo> Remove(const RouteInfo& like);
  // All routes out of `interface`; next hops out of it leave their routes.
  std::vector<RouteInfo> RemoveInterface(InterfaceIndex interface);

  Change AddRule(const RuleInfo& rule);
  bool RemoveRule(const RuleInfo& rule);
  // With the main table's, which is always there.
  std::vector<RuleInfo> Rules() const;

  // Routes through interfaces that are not up are passed over, and those that leave by another
  // interface than the key's. A rule that refuses gives a route of its type.
  RouteChoice Find(const RouteKey& key) const;
  // The route alone, for what is asked about `destination` in general.
  const RouteInfo* Lookup(const IpAddress& destination, InterfaceIndex interface) const {
    return Find({destination, IpAddress::Any(destination.family()), 0, interface, 0}).route;
  }
  // Whether somebody could stand in for this gateway, if it failed: it is worth remembering then.
  bool HasAlternative(InterfaceIndex interface, const IpAddress& gateway) const;
  // Calls visit(interface, gateway) for the gateways of all routes to where `found`, that Find()
  // gave, leads.
  template <typename Visit>
  void ForEachGatewayBeside(const RouteInfo& found, Visit visit) const {
    for (const RouteInfo& route : Beside(found)) {
      if (route.next_hops.empty() && route.gateway.has_value()) {
        visit(route.interface, *route.gateway);
      }
      for (const NextHop& hop : route.next_hops) {
        if (hop.gateway.has_value()) visit(hop.interface, *hop.gateway);
      }
    }
  }
  bool has_multipath() const { return multipath_ > 0; }

  std::vector<RouteInfo> List() const;
  size_t size() const { return count_; }

 private:
  // Routes to one prefix, best first; mostly there is one.
  using Row = absl::InlinedVector<RouteInfo, 1>;
  struct Table {
    PrefixTrie<Row> v4, v6;
    PrefixTrie<Row>& of(Family family) { return family == Family::kIpv4 ? v4 : v6; }
    const PrefixTrie<Row>& of(Family family) const { return family == Family::kIpv4 ? v4 : v6; }
    bool empty() const { return v4.empty() && v6.empty(); }
  };

  bool Live(InterfaceIndex interface, InterfaceIndex wanted) const;
  bool Serves(const RouteInfo& route, InterfaceIndex out) const;
  // kNever: it answers, as far as is known, or needs not.
  Time DeadSince(const RouteInfo& route, InterfaceIndex out) const;
  Time DeadSince(const std::optional<IpAddress>& gateway, InterfaceIndex interface) const {
    return gateway.has_value() ? dead_.Since(interface, *gateway) : kNever;
  }
  const RouteInfo* ChooseRoute(const Row& row, InterfaceIndex out) const;
  std::span<const RouteInfo> Beside(const RouteInfo& found) const;
  void CountHops(const RouteInfo& route, int by);
  const NextHop* ChooseHop(const RouteInfo& route, const RouteKey& key) const;
  const RouteInfo* FindIn(const Table& table, const RouteKey& key) const;
  const RouteInfo* FindByRules(const RouteKey& key) const;
  bool Matches(const RuleInfo& rule, const RouteKey& key) const;
  Table* TableOf(uint32_t id, bool create);
  static size_t CostOf(const RouteInfo& route);
  Change Insert(const RouteInfo& route);  // however scarce memory is

  const InterfaceTable& interfaces_;
  const DeadGateways& dead_;
  MemoryBudget& memory_;
  size_t charged_ = 0;
  Table main_;
  std::map<uint32_t, std::unique_ptr<Table>> others_;
  std::vector<RuleInfo> rules_;  // by priority, then age; the main table's own is not among them
  size_t count_ = 0;
  size_t multipath_ = 0;
  // How many routes of several next hops have this one.
  absl::flat_hash_map<std::pair<InterfaceIndex, IpAddress>, int> hops_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_ROUTING_TABLE_H_
