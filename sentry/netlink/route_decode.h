// rtnetlink messages of the kernel (or of anybody) to values. Pure; unknown attributes are skipped.
#ifndef MOAT_SENTRY_NETLINK_ROUTE_DECODE_H_
#define MOAT_SENTRY_NETLINK_ROUTE_DECODE_H_

#include <optional>
#include <string>

#include "sentry/netlink/kernel_view.h"
#include "sentry/netlink/message.h"

namespace moat::sentry {

// RTM_NEWLINK. Absent: malformed, or of another family (bridge ports are announced as AF_BRIDGE).
std::optional<KernelLink> DecodeLink(const NetlinkMessage& message);

// RTM_NEWADDR of IPv4 or IPv6.
std::optional<KernelAddress> DecodeAddress(const NetlinkMessage& message);

// RTM_NEWROUTE of the main table. Absent: malformed, another table, a cached clone, a type without
// meaning to netstack (local, broadcast, multicast, anycast, throw). `*note` says what was left out
// of a route that is present ("first of 2 next hops taken"), or why it is absent when that deserves
// a line.
std::optional<KernelRoute> DecodeRoute(const NetlinkMessage& message, std::string* note);

// RTM_NEWNEIGH that is permanent or noarp, with an Ethernet address.
std::optional<KernelNeighbor> DecodeNeighbor(const NetlinkMessage& message);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_ROUTE_DECODE_H_
