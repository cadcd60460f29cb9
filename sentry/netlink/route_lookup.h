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

// Main table and what Linux keeps in the local one: an entry for each address, and IPv4 broadcasts.
std::vector<RouteEntry> AllRoutes(const NetworkView& view);

// The route to one destination, as a host route with its source. Absent when unreachable.
std::optional<RouteEntry> LookUpRoute(const NetworkView& view,
                                      const netstack::IpAddress& destination,
                                      netstack::InterfaceIndex interface);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_ROUTE_LOOKUP_H_
