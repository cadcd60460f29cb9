#include "sentry/netlink/route_lookup.h"

#include <linux/rtnetlink.h>

#include <array>

namespace moat::sentry {
namespace {

using netstack::AddressInfo;
using netstack::InterfaceIndex;
using netstack::IpAddress;
using netstack::RouteInfo;
using netstack::RouteScope;
using netstack::RouteType;

// The last address of an IPv4 prefix.
IpAddress BroadcastOf(const netstack::Prefix& prefix) {
  std::array<uint8_t, 4> bytes{};
  for (int i = 0; i < 32; ++i) {
    const auto mask = static_cast<uint8_t>(0x80 >> (i % 8));
    const uint8_t bit = i < prefix.length ? prefix.address.data()[i / 8] & mask : mask;
    bytes[static_cast<size_t>(i / 8)] |= bit;
  }
  return IpAddress::V4(bytes.data());
}

RouteEntry LocalEntry(const AddressInfo& address) {
  const IpAddress& ip = address.prefix.address;
  RouteInfo route;
  route.destination = {.address = ip, .length = ip.bits()};
  route.interface = address.interface;
  route.type = RouteType::kLocal;
  route.scope = RouteScope::kHost;
  route.protocol = RTPROT_KERNEL;
  if (ip.is_v4()) route.source = ip;
  return {.route = route, .table = kLocalTable, .cloned = false};
}

// Linux writes 127.0.0.0/8 as one local route.
RouteEntry LoopbackNetwork(const AddressInfo& address) {
  RouteEntry entry = LocalEntry(address);
  entry.route.destination = {.address = address.prefix.address.Prefix(8), .length = 8};
  return entry;
}

RouteEntry BroadcastEntry(const AddressInfo& address) {
  RouteEntry entry = LocalEntry(address);
  entry.route.destination = {.address = BroadcastOf(address.prefix), .length = 32};
  entry.route.type = RouteType::kBroadcast;
  entry.route.scope = RouteScope::kLink;
  return entry;
}

bool Better(const RouteInfo& candidate, const RouteInfo& best) {
  if (candidate.destination.length != best.destination.length) {
    return candidate.destination.length > best.destination.length;
  }
  return candidate.metric < best.metric;
}

}  // namespace

std::vector<RouteEntry> AllRoutes(const NetworkView& view) {
  std::vector<RouteEntry> entries;
  for (const AddressInfo& address : view.Addresses()) {
    const IpAddress& ip = address.prefix.address;
    entries.push_back(LocalEntry(address));
    if (!ip.is_v4()) continue;
    if (ip.IsLoopback() && address.prefix.length == 8) entries.push_back(LoopbackNetwork(address));
    if (address.prefix.length < 31) entries.push_back(BroadcastEntry(address));
  }
  for (const RouteInfo& route : view.Routes()) {
    entries.push_back({.route = route, .table = kMainTable, .cloned = false});
  }
  return entries;
}

std::optional<RouteEntry> LookUpRoute(const NetworkView& view, const IpAddress& destination,
                                      InterfaceIndex interface) {
  std::optional<RouteEntry> best;
  for (const RouteEntry& entry : AllRoutes(view)) {
    const RouteInfo& route = entry.route;
    if (route.destination.address.family() != destination.family()) continue;
    if (!destination.InPrefix(route.destination.address, route.destination.length)) continue;
    const bool local = entry.table == kLocalTable;
    if (interface != 0 && route.interface != interface && !local) continue;
    const bool best_local = best.has_value() && best->table == kLocalTable;
    if (!best.has_value() || (local && !best_local) ||
        (local == best_local && Better(route, best->route))) {
      best = entry;
    }
  }
  if (!best.has_value()) return std::nullopt;
  RouteInfo& route = best->route;
  if (route.type == RouteType::kBlackhole || route.type == RouteType::kUnreachable ||
      route.type == RouteType::kProhibit) {
    return best;
  }
  best->cloned = true;
  route.destination = {.address = destination, .length = destination.bits()};
  if (route.type == RouteType::kLocal) route.interface = netstack::kLoopbackIndex;
  if (!route.source.has_value()) route.source = view.SourceFor(destination);
  route.scope = RouteScope::kGlobal;
  route.protocol = RTPROT_UNSPEC;
  return best;
}

}  // namespace moat::sentry
