// What the netlink sockets of one sandbox share: ports, and the distribution of events.
#ifndef MOAT_SENTRY_NETLINK_NETLINK_HUB_H_
#define MOAT_SENTRY_NETLINK_NETLINK_HUB_H_

#include <memory>
#include <set>

#include "netstack/stack/stack.h"
#include "sentry/netlink/netlink_socket.h"
#include "sentry/netlink/route_events.h"

namespace moat::sentry {

class NetlinkContainerSocket;

// Shared by the sockets; must not outlive the stack.
class NetlinkHub {
 public:
  explicit NetlinkHub(netstack::Stack& stack);
  ~NetlinkHub();
  NetlinkHub(const NetlinkHub&) = delete;
  NetlinkHub& operator=(const NetlinkHub&) = delete;

  netstack::Stack& stack() { return stack_; }
  NetlinkPorts& ports() { return ports_; }

  // Sockets that have joined groups; to be told again whenever that may have changed.
  void SetListening(NetlinkContainerSocket* socket, bool listening);
  // Gives what has happened to the sockets of each group.
  void Distribute();

 private:
  netstack::Stack& stack_;
  NetlinkPorts ports_;
  RouteEvents events_;
  std::set<NetlinkContainerSocket*> listeners_;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_NETLINK_HUB_H_
