// Lists and lookups over a NetworkView that answers need: the local table, `ip route get`.
#ifndef MOAT_SENTRY_NETLINK_ROUTE_LOOKUP_H_
#define MOAT_SENTRY_NETLINK_ROUTE_LOOKUP_H_

#include <optional>
#include <vector>

#include "sentry/netlink/network_view.h"
#include "sentry/netlink/route_encode.h"

namespace moat::sentry {

inline constexpr uint32_t kMainTable = 254;
inline constexpr uint32_t kLocalTable = 255;

// What Linux keeps in the local table (an entry for each address, and IPv4 broadcasts), then the
// others.
std::vector<RouteEntry> AllRoutes(const NetworkView& view);

// What a lookup asks for.
struct RouteQuestion {
  netstack::IpAddress destination;
  std::optional<netstack::IpAddress> source{};
  netstack::InterfaceIndex interface = 0;  // that the packet must leave by; 0: any
};

// The route of a packet of the container's own, by the policy rules, as a host route with its
// source; or the one that refuses, or a rule that does as a route of its type. Absent when
// unreachable.
std::optional<RouteEntry> LookUpRoute(const NetworkView& view, const RouteQuestion& question);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_ROUTE_LOOKUP_H_
