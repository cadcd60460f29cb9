#include "sentry/netlink/netlink_hub.h"

#include <utility>
#include <vector>

#include "sentry/netlink/netlink_container_socket.h"

namespace moat::sentry {

NetlinkHub::NetlinkHub(netstack::Stack& stack)
    : stack_(stack), events_([this] {
        // Deep inside the stack: the sockets take a note and come back when it has settled.
        for (NetlinkContainerSocket* socket : listeners_) socket->OnReady(1);
      }) {
  stack_.AddObserver(&events_);
}

NetlinkHub::~NetlinkHub() { stack_.RemoveObserver(&events_); }

void NetlinkHub::SetListening(NetlinkContainerSocket* socket, bool listening) {
  if (listening) {
    listeners_.insert(socket);
  } else {
    listeners_.erase(socket);
  }
  events_.set_listening(!listeners_.empty());
}

void NetlinkHub::Distribute() {
  bool lost = false;
  const std::vector<RouteEvent> events = events_.Take(&lost);
  for (NetlinkContainerSocket* socket : listeners_) {
    for (const RouteEvent& event : events) socket->OnEvent(event);
    if (lost) socket->OnEventsLost();
  }
}

}  // namespace moat::sentry
