#include "netstack/ip/route_finder.h"

#include <algorithm>

#include "absl/hash/hash.h"
#include "netstack/ip/source_selection.h"
#include "netstack/wire/ethernet.h"
#include "netstack/wire/ipv4.h"
#include "netstack/wire/ipv6.h"

namespace moat::netstack {
namespace {

IpAddress LoopbackAddress(Family family) {
  if (family == Family::kIpv4) return IpAddress::V4(127, 0, 0, 1);
  static const uint8_t bytes[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return IpAddress::V6(bytes);
}

uint32_t LinkMtu(const RouteHandle& route) {
  uint32_t mtu = std::min(route.out->mtu, kMaxIpPacket);
  if (route.out->mtu_v6 != 0 && route.destination.is_v6()) mtu = std::min(mtu, route.out->mtu_v6);
  return mtu;
}

Error ErrorOfType(RouteType type) {
  switch (type) {
    case RouteType::kBlackhole: return Error::kInvalid;
    case RouteType::kUnreachable: return Error::kHostUnreachable;
    case RouteType::kProhibit: return Error::kAccess;
    default: return Error::kOk;
  }
}

}  // namespace

Result<RouteRef> RouteFinder::Find(const RouteQuery& asked) {
  RouteQuery query = asked;
  // Without equal-cost routes all flows share one handle.
  if (!state_.routes.has_multipath()) query.flow_hash = 0;
  const size_t slot =
      absl::HashOf(query.destination, query.source, query.interface, query.flow_hash) % kCacheSize;
  CacheRow& row = cache_[slot];
  if (row.route != nullptr && row.route->valid() && row.query == query) return row.route;
  Result<Handle> made = Make(query);
  if (!made.ok()) {
    ++state_.counters(query.destination.family()).out_no_routes;
    return made.error();
  }
  if (!state_.dead_gateways.empty())
    AskForDead({query.destination, query.source, 0, query.interface});
  row = {query, std::move(*made)};
  return row.route;
}

void RouteFinder::AskForDead(const RouteKey& key) {
  const RouteInfo* found = state_.routes.Find(key).route;
  if (found == nullptr) return;
  state_.routes.ForEachGatewayBeside(
      *found, [this](InterfaceIndex interface, const IpAddress& gateway) {
        state_.dead_gateways.Wanted(interface, gateway);
      });
}

Result<std::shared_ptr<const RouteHandle>> RouteFinder::Peek(const RouteQuery& query) {
  Result<Handle> made = Make(query);
  if (!made.ok()) return made.error();
  return std::shared_ptr<const RouteHandle>(std::move(*made));
}

Result<RouteFinder::Handle> RouteFinder::Make(const RouteQuery& query) {
  const Family family = query.destination.family();
  if (!query.source.IsUnspecified() && !state_.addresses.IsLocal(query.source)) {
    return Error::kAddressNotAvailable;
  }
  auto route = std::make_shared<RouteHandle>(state_.generation);
  route->destination = query.destination;
  route->source = query.source;
  if (query.destination.IsUnspecified()) {
    // As Linux: "this host" is where the unspecified address leads.
    route->destination = query.source.IsUnspecified() ? LoopbackAddress(family) : query.source;
  }
  Error error = Error::kOk;
  if (route->destination.IsMulticast()) {
    error = FillMulticast(query, *route);
  } else {
    switch (state_.addresses.Classify(route->destination)) {
      case AddressKind::kLocal:
        error = state_.addresses.IsLocalOn(route->destination, query.interface)
                    ? FillLocal(query, *route)
                    : FillUnicast(query, *route);
        break;
      case AddressKind::kAnycast:
        error = FillAnycast(query, *route);
        break;
      case AddressKind::kBroadcast:
        error = FillBroadcast(query, *route);
        break;
      default:
        error = FillUnicast(query, *route);
    }
  }
  if (error != Error::kOk) return error;
  if (query.most_mtu != 0) route->mtu = std::min<uint32_t>(route->mtu, query.most_mtu);
  return route;
}

uint32_t RouteFinder::FlowHash(const IpAddress& source, const IpAddress& destination,
                               uint32_t flow) {
  if (!state_.routes.has_multipath()) return 0;
  if (!hash_key_.has_value()) hash_key_ = SipHashKey::Random(state_.random);
  uint8_t bytes[36] = {};
  std::memcpy(bytes, source.data(), source.size());
  std::memcpy(bytes + 16, destination.data(), destination.size());
  StoreBe32(bytes + 32, flow);
  return static_cast<uint32_t>(SipHash(*hash_key_, bytes));
}

uint32_t RouteFinder::PortsOf(std::span<const uint8_t> packet) const {
  const bool v4 = packet[0] >> 4 == 4;
  const Sysctl* policy = v4 ? state_.tunables.hash_policy_v4 : state_.tunables.hash_policy_v6;
  if (policy->value() == 0) return 0;
  // Fragments of one packet must stay together, and only the first has ports.
  if (v4 && (LoadBe16(packet.data() + 6) & 0x3fff) != 0) return 0;
  const uint8_t protocol = packet[v4 ? 9 : 6];
  const size_t transport = v4 ? static_cast<size_t>(packet[0] & 15) * 4 : kIpv6HeaderSize;
  const bool ports = protocol == ip_protocol::kTcp || protocol == ip_protocol::kUdp;
  if (!ports || packet.size() < transport + 4) return protocol;
  return LoadBe32(packet.data() + transport) ^ protocol;
}

Result<RouteHandle*> RouteFinder::FindForward(const ForwardQuery& query) {
  if (forward_cache_.empty()) forward_cache_.resize(kForwardCacheSize);
  const size_t slot = absl::HashOf(query.destination, query.source, query.in, query.flow) %
                      kForwardCacheSize;
  ForwardRow& row = forward_cache_[slot];
  const bool same = row.query.destination == query.destination &&
                    row.query.source == query.source && row.query.in == query.in &&
                    row.query.flow == query.flow;
  if (same && row.route != nullptr && row.route->valid()) return row.route.get();
  auto route = std::make_shared<RouteHandle>(state_.generation);
  route->destination = query.destination;
  route->source = IpAddress::Any(query.destination.family());
  const Error error = FillForward(query, *route);
  if (error != Error::kOk) return error;
  if (!state_.dead_gateways.empty()) AskForDead({query.destination, query.source, query.in, 0});
  row = {query, std::move(route)};
  return row.route.get();
}

Error RouteFinder::FillForward(const ForwardQuery& query, RouteHandle& route) {
  const RouteChoice choice =
      state_.routes.Find({query.destination, query.source, query.in, 0,
                          FlowHash(query.source, query.destination, query.flow)});
  const RouteInfo* found = choice.route;
  if (found == nullptr) return Error::kNetworkUnreachable;
  if (found->type == RouteType::kLocal) {
    route.is_local = true;
    return Error::kOk;
  }
  const Error refused = ErrorOfType(found->type);
  if (refused != Error::kOk) return refused;
  const Error error = UseInterface(choice.interface, route);
  if (error != Error::kOk) return error;
  route.next_hop = choice.gateway.value_or(query.destination);
  route.via_gateway = choice.gateway.has_value();
  route.is_broadcast = found->type == RouteType::kBroadcast;
  route.mtu = LinkMtu(route);
  if (found->mtu != 0) route.mtu = std::min(route.mtu, found->mtu);
  route.max_gso_bytes = std::min(route.out->capabilities.max_gso_bytes, kMaxIpPacket);
  return Error::kOk;
}

Error RouteFinder::UseInterface(InterfaceIndex index, RouteHandle& route) {
  route.out = state_.interfaces.Share(index);
  if (route.out == nullptr) return Error::kNetworkUnreachable;
  if (!route.out->up) return Error::kNetworkDown;
  if (!route.out->Enabled(route.destination.family())) return Error::kNetworkUnreachable;
  route.interface = index;
  return Error::kOk;
}

Error RouteFinder::FillLocal(const RouteQuery& query, RouteHandle& route) {
  const Error error = UseInterface(kLoopbackIndex, route);
  if (error != Error::kOk) return error;
  route.is_local = true;
  if (route.source.IsUnspecified()) route.source = route.destination;
  SetMtu(query, 0, route);
  return Error::kOk;
}

// The nearest of those who have the address are we ourselves, as on Linux.
Error RouteFinder::FillAnycast(const RouteQuery& query, RouteHandle& route) {
  if (!state_.addresses.IsAnycastOn(route.destination, query.interface)) {
    return FillUnicast(query, route);
  }
  if (route.source.IsUnspecified()) {
    const InterfaceIndex index =
        query.interface != 0 ? query.interface : state_.addresses.InterfaceOf(route.destination);
    const Interface* on = state_.interfaces.Find(index);
    if (on == nullptr) return Error::kNetworkUnreachable;
    const std::optional<IpAddress> source = SelectSource(
        state_.interfaces, state_.policies, *on, route.destination, route.destination);
    if (!source.has_value()) return Error::kAddressNotAvailable;
    route.source = *source;
  }
  return FillLocal(query, route);
}

// Where a packet to a group leaves that names no interface: by its source's, or by the way that a
// unicast packet to the same address would take.
InterfaceIndex RouteFinder::GroupInterface(const RouteQuery& query) const {
  if (query.interface != 0) return query.interface;
  if (!query.source.IsUnspecified() && !query.source.IsLoopback()) {
    return state_.addresses.InterfaceOf(query.source);
  }
  const RouteChoice found = state_.routes.Find({query.destination, query.source, 0, 0, 0});
  if (found.route != nullptr && found.route->type == RouteType::kUnicast) return found.interface;
  if (query.destination.is_v4()) return 0;
  // IPv6: every link carries multicast (Linux has ff00::/8 on each).
  for (const auto& interface : state_.interfaces.all()) {
    if (!interface->loopback && interface->active()) return interface->index;
  }
  return 0;
}

Error RouteFinder::FillBroadcast(const RouteQuery& query, RouteHandle& route) {
  const bool limited = route.destination.IsLimitedBroadcast();
  const InterfaceIndex index =
      limited ? GroupInterface(query) : state_.addresses.InterfaceOf(route.destination);
  const Error error = UseInterface(index, route);
  if (error != Error::kOk) return error;
  route.is_broadcast = true;
  route.is_local = route.out->loopback;
  route.group_mac = MacAddress::Broadcast();
  route.next_hop = route.destination;
  SetMtu(query, 0, route);
  // "This host on this network", while it has no address yet (RFC 1122 3.2.1.3): how it asks for
  // one.
  const bool nameless =
      query.nameless || std::none_of(route.out->addresses.begin(), route.out->addresses.end(),
                                     [](const AssignedAddress& row) {
                                       return row.prefix.address.is_v4() && row.usable();
                                     });
  if (limited && nameless && query.source.IsUnspecified()) return Error::kOk;
  return ChooseSource(query, std::nullopt, route);
}

Error RouteFinder::FillMulticast(const RouteQuery& query, RouteHandle& route) {
  const Error error = UseInterface(GroupInterface(query), route);
  if (error != Error::kOk) return error;
  route.is_multicast = true;
  route.is_local = route.out->loopback;
  route.group_mac = MulticastMac(route.destination);
  route.next_hop = route.destination;
  SetMtu(query, 0, route);
  return ChooseSource(query, std::nullopt, route);
}

Error RouteFinder::FillUnicast(const RouteQuery& query, RouteHandle& route) {
  const RouteChoice choice =
      state_.routes.Find({route.destination, query.source, 0, query.interface,
                          FlowHash(query.source, route.destination, query.flow_hash)});
  const RouteInfo* found = choice.route;
  if (found == nullptr) {
    // As Linux: who names an IPv4 interface without a route takes everybody to be on its link.
    if (query.interface == 0 || !route.destination.is_v4()) return Error::kNetworkUnreachable;
    const Error error = UseInterface(query.interface, route);
    if (error != Error::kOk) return error;
    route.next_hop = route.destination;
    SetMtu(query, 0, route);
    return ChooseSource(query, std::nullopt, route);
  }
  if (found->type == RouteType::kLocal) return FillLocal(query, route);
  const Error refused = ErrorOfType(found->type);
  if (refused != Error::kOk) return refused;
  const Error error = UseInterface(choice.interface, route);
  if (error != Error::kOk) return error;
  route.next_hop = choice.gateway.value_or(route.destination);
  route.via_gateway = choice.gateway.has_value();
  // As Linux: a route of link scope is wanted, and there is none.
  if (query.on_link_only && route.via_gateway) return Error::kNetworkUnreachable;
  const RedirectTable::Row* redirect =
      state_.redirects.Find(route.destination, route.interface, state_.clock.Now());
  if (redirect != nullptr) {
    route.next_hop = redirect->gateway;
    route.via_gateway = redirect->gateway != route.destination;
  }
  if (found->type == RouteType::kBroadcast) {
    route.is_broadcast = true;
    route.group_mac = MacAddress::Broadcast();
  }
  SetMtu(query, found->mtu, route);
  const Error chosen = ChooseSource(query, found->source, route);
  if (chosen != Error::kOk || !route.via_gateway) return chosen;
  KeepSelfAssignedOnLink(route);
  if (redirect == nullptr) PreferAdvertiser(*found, route);
  return Error::kOk;
}

// RFC 8028 3.2: of the default routers, one that advertised the prefix of the source, whatever
// their preferences are. The networks behind the others may drop what is not from their own
// prefixes.
void RouteFinder::PreferAdvertiser(const RouteInfo& found, RouteHandle& route) {
  if (found.protocol != kRouteByRouterAdvertisement || found.destination.length != 0) return;
  const AssignedAddress* source = route.out->FindAddress(route.source);
  if (source == nullptr || source->advertisers.empty()) return;
  if (AdvertisedBy(*source, route.next_hop)) return;
  std::optional<IpAddress> better;
  state_.routes.ForEachGatewayBeside(
      found, [&](InterfaceIndex interface, const IpAddress& gateway) {
        const bool alive = state_.dead_gateways.Since(interface, gateway) == kNever;
        if (better.has_value() || interface != route.interface || !alive) return;
        if (AdvertisedBy(*source, gateway)) better = gateway;
      });
  if (better.has_value()) route.next_hop = *better;
}

// RFC 3927 2.6.2: what comes from an address that we gave ourselves goes to no router; who it is
// for is asked for on the link.
void RouteFinder::KeepSelfAssignedOnLink(RouteHandle& route) {
  if (!route.source.is_v4() || !route.source.IsLinkLocal()) return;
  const AssignedAddress* source = route.out->FindAddress(route.source);
  if (source == nullptr || !source->self_assigned()) return;
  route.next_hop = route.destination;
  route.via_gateway = false;
}

Error RouteFinder::ChooseSource(const RouteQuery& query, const std::optional<IpAddress>& preferred,
                                RouteHandle& route) {
  if (!query.source.IsUnspecified()) return Error::kOk;
  if (preferred.has_value() && state_.addresses.IsLocal(*preferred)) {
    route.source = *preferred;
    return Error::kOk;
  }
  // A gateway of the other family (RFC 5549) says nothing about the subnet.
  const bool same_family = route.next_hop.family() == route.destination.family();
  const std::optional<IpAddress> source =
      SelectSource(state_.interfaces, state_.policies, *route.out, route.destination,
                   same_family ? route.next_hop : route.destination,
                   query.temporary);
  if (!source.has_value()) return Error::kAddressNotAvailable;
  route.source = *source;
  return Error::kOk;
}

void RouteFinder::SetMtu(const RouteQuery& query, uint32_t route_mtu, RouteHandle& route) {
  uint32_t mtu = LinkMtu(route);
  if (route_mtu != 0 && !query.link_mtu) mtu = std::min(mtu, route_mtu);
  if (route.is_local) {
    // Super-segments cross the loopback whole.
    route.mtu = mtu;
    route.max_gso_bytes = kMaxIpPacket;
    return;
  }
  // IPv6's routers tell about packets to groups too (RFC 8201 4).
  const bool learned = !route.is_broadcast && !(route.is_multicast && route.destination.is_v4());
  if (learned && !query.link_mtu) {
    const PathMtuCache::PathMtu path = state_.path_mtus.Get(route.destination, mtu);
    mtu = path.mtu;
    route.mtu_is_floor = path.below_floor;
  }
  route.mtu = mtu;
  route.max_gso_bytes = std::min(route.out->capabilities.max_gso_bytes, kMaxIpPacket);
}

}  // namespace moat::netstack
