// Answers the requests that a container sends to its NETLINK_ROUTE sockets, from the stack's
// tables.
//
// Served: RTM_GETLINK, GETADDR, GETROUTE, GETNEIGH as dumps and single gets (addresses: dumps only,
// as Linux), RTM_GETRULE dumps. Everything that would change something: EPERM without
// CAP_NET_ADMIN, EOPNOTSUPP with it. All other requests: EOPNOTSUPP.
#ifndef MOAT_SENTRY_NETLINK_ROUTE_SERVER_H_
#define MOAT_SENTRY_NETLINK_ROUTE_SERVER_H_

#include <cstdint>
#include <span>

#include "sentry/netlink/netlink_answer.h"
#include "sentry/netlink/network_view.h"

namespace moat::sentry {

struct RouteRequest {
  std::span<const uint8_t> bytes;  // one datagram, of any number of messages
  uint32_t port = 0;               // nl_pid of the asking socket
  NetlinkFlags flags{};
  bool net_admin = false;          // the sender has CAP_NET_ADMIN
};

// The answer, datagram by datagram, in order; each comes from port 0 (the kernel). Empty when
// nothing is to be answered. Bounded by the size of the tables.
NetlinkDatagrams AnswerRouteRequest(const RouteRequest& request, const NetworkView& view);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_ROUTE_SERVER_H_
