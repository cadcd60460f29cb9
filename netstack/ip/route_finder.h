// From a destination to a route handle: local delivery, broadcast, multicast or the routing table,
// then the source address and the MTU.
#ifndef MOAT_NETSTACK_IP_ROUTE_FINDER_H_
#define MOAT_NETSTACK_IP_ROUTE_FINDER_H_

#include <array>

#include "netstack/ip/ip_sender.h"
#include "netstack/ip/ip_state.h"
#include "netstack/ip/route_handle.h"

namespace moat::netstack {

class RouteFinder {
 public:
  explicit RouteFinder(IpState& state) : state_(state) {}

  // As IpSender::FindRoute(). Handles are kept in a small cache, so that senders without a flow
  // (unconnected UDP, ICMP) do not search and allocate for every packet.
  Result<RouteRef> Find(const RouteQuery& query);

 private:
  static constexpr size_t kCacheSize = 64;
  struct CacheRow {
    RouteQuery query;
    RouteRef route;
  };
  using Handle = std::shared_ptr<RouteHandle>;

  Result<Handle> Make(const RouteQuery& query);
  Error FillLocal(RouteHandle& route);
  Error FillBroadcast(const RouteQuery& query, RouteHandle& route);
  Error FillMulticast(const RouteQuery& query, RouteHandle& route);
  Error FillUnicast(const RouteQuery& query, RouteHandle& route);
  Error UseInterface(InterfaceIndex index, RouteHandle& route);
  Error ChooseSource(const RouteQuery& query, const std::optional<IpAddress>& preferred,
                     RouteHandle& route);
  void SetMtu(uint32_t route_mtu, RouteHandle& route);
  InterfaceIndex GroupInterface(const RouteQuery& query) const;

  IpState& state_;
  std::array<CacheRow, kCacheSize> cache_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_ROUTE_FINDER_H_
