// From a destination to a route handle: local delivery, broadcast, multicast or the routing table,
// then the source address and the MTU.
#ifndef MOAT_NETSTACK_IP_ROUTE_FINDER_H_
#define MOAT_NETSTACK_IP_ROUTE_FINDER_H_

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "netstack/base/siphash.h"
#include "netstack/ip/ip_sender.h"
#include "netstack/ip/ip_state.h"
#include "netstack/ip/route_handle.h"

namespace moat::netstack {

// A packet of somebody else, to be forwarded.
struct ForwardQuery {
  IpAddress destination{};
  IpAddress source{};
  InterfaceIndex in = 0;
  uint32_t flow = 0;  // what else tells flows apart: ports, when the policy says so
};

class RouteFinder {
 public:
  explicit RouteFinder(IpState& state) : state_(state) {}

  // As IpSender::FindRoute(). Handles are kept in a small cache, so that senders without a flow
  // (unconnected UDP, ICMP) do not search and allocate for every packet.
  Result<RouteRef> Find(const RouteQuery& query);

  // As Find(), for who only wants to know: nothing is counted or kept.
  Result<std::shared_ptr<const RouteHandle>> Peek(const RouteQuery& query);

  // The way of a forwarded packet: as Find(), but no source address is chosen, and learned path
  // MTUs do not count. The handle is good until the next call. Errors as Find()'s.
  Result<RouteHandle*> FindForward(const ForwardQuery& query);
  // What tells the flow of a packet to forward from others between its two hosts, where multipath
  // routes want that (fib_multipath_hash_policy 1): its ports. The header is valid.
  uint32_t FlowOf(std::span<const uint8_t> packet) const {
    return state_.routes.has_multipath() ? PortsOf(packet) : 0;
  }

 private:
  static constexpr size_t kCacheSize = 64;
  static constexpr size_t kForwardCacheSize = 512;
  struct CacheRow {
    RouteQuery query;
    RouteRef route;
  };
  using Handle = std::shared_ptr<RouteHandle>;
  struct ForwardRow {
    ForwardQuery query;
    Handle route;
  };

  // Gateways that the lookup passed over, as they did not answer, are asked again when it is time.
  void AskForDead(const RouteKey& key);
  uint32_t PortsOf(std::span<const uint8_t> packet) const;
  Result<Handle> Make(const RouteQuery& query);
  Error FillForward(const ForwardQuery& query, RouteHandle& route);
  Error FillLocal(const RouteQuery& query, RouteHandle& route);
  Error FillAnycast(const RouteQuery& query, RouteHandle& route);
  Error FillBroadcast(const RouteQuery& query, RouteHandle& route);
  Error FillMulticast(const RouteQuery& query, RouteHandle& route);
  Error FillUnicast(const RouteQuery& query, RouteHandle& route);
  void KeepSelfAssignedOnLink(RouteHandle& route);
  void PreferAdvertiser(const RouteInfo& found, RouteHandle& route);
  Error UseInterface(InterfaceIndex index, RouteHandle& route);
  Error ChooseSource(const RouteQuery& query, const std::optional<IpAddress>& preferred,
                     RouteHandle& route);
  // The hash that chooses among equal-cost next hops; 0 while there are none.
  uint32_t FlowHash(const IpAddress& source, const IpAddress& destination, uint32_t flow);
  void SetMtu(const RouteQuery& query, uint32_t route_mtu, RouteHandle& route);
  InterfaceIndex GroupInterface(const RouteQuery& query) const;

  IpState& state_;
  std::array<CacheRow, kCacheSize> cache_;
  std::optional<SipHashKey> hash_key_;       // drawn when first needed
  std::vector<ForwardRow> forward_cache_;  // empty until something is forwarded
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_ROUTE_FINDER_H_
