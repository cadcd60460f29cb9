// What a Route really is: the outgoing interface, the next hop and its neighbour entry, and the
// configuration's generation that all of it was derived from.
#ifndef MOAT_NETSTACK_IP_ROUTE_HANDLE_H_
#define MOAT_NETSTACK_IP_ROUTE_HANDLE_H_

#include <memory>

#include "netstack/ip/interface.h"
#include "netstack/ip/ip_sender.h"
#include "netstack/neighbor/neighbor_entry.h"

namespace moat::netstack {

class RouteHandle final : public Route {
 public:
  explicit RouteHandle(const uint64_t& generation)
      : generation_(generation), current_(&generation) {}

  bool valid() const override { return generation_ == *current_; }

  std::shared_ptr<Interface> out;
  IpAddress next_hop;
  bool via_gateway = false;
  // Broadcast and multicast need no resolution; otherwise the neighbour is asked, from the first
  // packet on.
  MacAddress group_mac;
  mutable NeighborRef neighbor;

 private:
  uint64_t generation_;
  const uint64_t* current_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_ROUTE_HANDLE_H_
