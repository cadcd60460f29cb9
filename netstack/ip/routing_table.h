// The main routing table of both families: longest prefix, then lowest metric, then oldest.
#ifndef MOAT_NETSTACK_IP_ROUTING_TABLE_H_
#define MOAT_NETSTACK_IP_ROUTING_TABLE_H_

#include <vector>

#include "netstack/ip/configuration.h"
#include "netstack/ip/interface.h"
#include "netstack/ip/prefix_trie.h"

namespace moat::netstack {

inline constexpr size_t kMaxRoutes = 1 << 20;

// RTPROT_* of rtnetlink(7).
inline constexpr uint8_t kRouteByKernel = 2;
inline constexpr uint8_t kRouteByStatic = 4;
inline constexpr uint8_t kRouteByRouterAdvertisement = 9;

class RoutingTable {
 public:
  enum class Change : uint8_t { kDone, kExists, kFull };

  explicit RoutingTable(const InterfaceTable& interfaces) : interfaces_(interfaces) {}

  Change Add(const RouteInfo& route);
  // Removes the first route with this destination that agrees with whatever else `like` gives
  // (gateway, interface, metric, type other than unicast); what was removed, or nothing.
  std::optional<RouteInfo> Remove(const RouteInfo& like);
  // All routes out of `interface`.
  std::vector<RouteInfo> RemoveInterface(InterfaceIndex interface);

  // Null when no route leads there. Routes through interfaces that are not up are passed over, and
  // those that leave by another interface than `interface` when it is not 0.
  const RouteInfo* Lookup(const IpAddress& destination, InterfaceIndex interface) const;

  std::vector<RouteInfo> List() const;
  size_t size() const { return count_; }

 private:
  // Routes to one prefix, best first.
  using Row = std::vector<RouteInfo>;

  bool Serves(const RouteInfo& route, InterfaceIndex interface) const;
  PrefixTrie<Row>& trie(Family family) { return family == Family::kIpv4 ? v4_ : v6_; }
  const PrefixTrie<Row>& trie(Family family) const { return family == Family::kIpv4 ? v4_ : v6_; }

  const InterfaceTable& interfaces_;
  PrefixTrie<Row> v4_;
  PrefixTrie<Row> v6_;
  size_t count_ = 0;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_ROUTING_TABLE_H_
