#include "sentry/netlink/reconcile.h"

#include "absl/strings/str_cat.h"

namespace moat::sentry {
namespace {

using netstack::InterfaceIndex;
using netstack::kLoopbackIndex;

constexpr size_t kMaxLogged = 256;

// 127.0.0.1/8 and ::1/128 are the stack's own from the start.
bool IsStandardLoopback(const KernelAddress& address) {
  if (address.interface != kLoopbackIndex) return false;
  const netstack::IpAddress& ip = address.prefix.address;
  return ip.is_v6() ? ip.IsLoopback() : ip == netstack::IpAddress::V4(127, 0, 0, 1);
}

template <typename Map, typename Key, typename Value>
bool Holds(const Map& map, const Key& key, const Value& value) {
  const auto found = map.find(key);
  return found != map.end() && found->second == value;
}

}  // namespace

netstack::RouteInfo ToRouteInfo(const KernelRoute& route) {
  return {.destination = route.destination,
          .gateway = route.gateway,
          .interface = route.interface,
          .metric = route.metric,
          .source = route.source,
          .type = route.type,
          .scope = route.scope,
          .protocol = route.protocol,
          .mtu = route.mtu};
}

bool Reconciler::Done(const absl::Status& status, const std::string& what) {
  if (status.ok() || absl::IsAlreadyExists(status)) return true;
  if (logged_.size() >= kMaxLogged) logged_.clear();
  const std::string line = absl::StrCat(what, ": ", std::string(status.message()));
  if (logged_.insert(line).second) log_(line);
  return false;
}

void Reconciler::Apply(const KernelView& wanted, const std::set<InterfaceIndex>& replaced) {
  RemoveStale(wanted, replaced);
  for (const auto& [index, link] : wanted.links) {
    if (Attached(index)) {
      ChangeLink(link);
    } else {
      AddLink(link);
    }
  }
  AddAddresses(wanted);
  AddRoutes(wanted, /*with_gateway=*/false);  // gateways must be reachable first
  AddRoutes(wanted, /*with_gateway=*/true);
  AddNeighbors(wanted);
}

void Reconciler::Clear() { Apply(KernelView{}, {}); }

void Reconciler::RemoveStale(const KernelView& wanted, const std::set<InterfaceIndex>& replaced) {
  std::erase_if(applied_.neighbors, [&](const auto& entry) {
    if (Holds(wanted.neighbors, entry.first, entry.second)) return false;
    (void)target_.RemoveNeighbor(entry.second.interface, entry.second.address);
    return true;
  });
  std::erase_if(applied_.routes, [&](const auto& entry) {
    if (Holds(wanted.routes, entry.first, entry.second)) return false;
    (void)target_.RemoveRoute(ToRouteInfo(entry.second));
    return true;
  });
  std::erase_if(applied_.addresses, [&](const auto& entry) {
    const auto found = wanted.addresses.find(entry.first);
    // The kernel's progress with duplicate address detection is not ours: an address is replaced
    // only when something else about it changed, and goes when the kernel found a duplicate.
    if (found != wanted.addresses.end() && !found->second.duplicate) {
      KernelAddress same = found->second;
      same.tentative = entry.second.tentative;
      same.no_dad = entry.second.no_dad;
      if (same == entry.second) return false;
    }
    (void)target_.RemoveAddress(entry.second.interface, entry.second.prefix);
    return true;
  });
  std::set<InterfaceIndex> gone;
  for (const auto& [index, link] : applied_.links) {
    const auto found = wanted.links.find(index);
    const bool stays = found != wanted.links.end() && !replaced.contains(index) &&
                       found->second.loopback == link.loopback &&
                       found->second.ethernet == link.ethernet;
    if (!stays) gone.insert(index);
  }
  for (InterfaceIndex index : gone) RemoveLink(index);
}

// The target drops what belongs to the interface; what was applied must forget it too.
void Reconciler::RemoveLink(InterfaceIndex index) {
  const bool loopback = applied_.links.at(index).loopback;
  applied_.links.erase(index);
  if (loopback) return;
  (void)target_.RemoveInterface(index);
  attacher_.Detach(index);
  const auto on_it = [&](const auto& entry) { return entry.second.interface == index; };
  std::erase_if(applied_.addresses, on_it);
  std::erase_if(applied_.routes, on_it);
  std::erase_if(applied_.neighbors, on_it);
}

void Reconciler::AddLink(const KernelLink& link) {
  if (link.loopback) {  // the stack has its own; only its extra addresses are followed
    if (link.index == kLoopbackIndex) applied_.links.emplace(link.index, link);
    return;
  }
  if (!link.ethernet) {
    Done(absl::UnimplementedError("not an Ethernet interface, not supported"),
         absl::StrCat("interface ", link.name));
    return;
  }
  auto attached = attacher_.Attach(link.index, link.name);
  if (!Done(attached.status(), absl::StrCat("attach to ", link.name))) return;
  const netstack::InterfaceOptions options{.index = link.index,
                                           .name = link.name,
                                           .mac = link.mac,
                                           .mtu = link.mtu,
                                           .up = link.up,
                                           .running = link.running,
                                           .link = *attached};
  const absl::Status added = target_.AddInterface(options);
  if (!added.ok()) {
    Done(added, absl::StrCat("interface ", link.name));
    attacher_.Detach(link.index);
    return;
  }
  applied_.links.emplace(link.index, link);
}

void Reconciler::ChangeLink(const KernelLink& link) {
  KernelLink& now = applied_.links.at(link.index);
  if (now == link) return;
  if (link.loopback) {
    now = link;
    return;
  }
  const std::string what = absl::StrCat("interface ", link.name);
  if (now.name != link.name) Done(target_.SetInterfaceName(link.index, link.name), what);
  if (now.mac != link.mac) Done(target_.SetInterfaceMac(link.index, link.mac), what);
  if (now.mtu != link.mtu) Done(target_.SetInterfaceMtu(link.index, link.mtu), what);
  if (now.up != link.up) Done(target_.SetInterfaceUp(link.index, link.up), what);
  if (now.running != link.running)
    Done(target_.SetInterfaceRunning(link.index, link.running), what);
  now = link;
}

void Reconciler::AddAddresses(const KernelView& wanted) {
  for (const auto& [key, address] : wanted.addresses) {
    if (applied_.addresses.contains(key) || address.duplicate) continue;
    if (!Attached(address.interface) || IsStandardLoopback(address)) continue;
    // Routes are mirrored as the kernel has them, so the stack must not add the prefix's by itself:
    // some network plugins delete it on purpose.
    const netstack::AddressOptions options{.broadcast = address.broadcast,
                                           .peer = address.peer,
                                           .no_dad = address.no_dad || !address.tentative,
                                           .no_prefix_route = true,
                                           .deprecated = address.deprecated};
    if (Done(target_.AddAddress(address.interface, address.prefix, options),
             absl::StrCat("address ", address.prefix.ToString()))) {
      applied_.addresses.emplace(key, address);
    }
  }
}

void Reconciler::AddRoutes(const KernelView& wanted, bool with_gateway) {
  for (const auto& [key, route] : wanted.routes) {
    if (route.gateway.has_value() != with_gateway || applied_.routes.contains(key)) continue;
    // Blackhole and the like name no interface, or the kernel's loopback.
    const bool unicast = route.type == netstack::RouteType::kUnicast;
    if (unicast && !Attached(route.interface)) continue;
    if (Done(target_.AddRoute(ToRouteInfo(route)),
             absl::StrCat("route ", route.destination.ToString()))) {
      applied_.routes.emplace(key, route);
    }
  }
}

void Reconciler::AddNeighbors(const KernelView& wanted) {
  for (const auto& [key, neighbor] : wanted.neighbors) {
    if (applied_.neighbors.contains(key) || !Attached(neighbor.interface)) continue;
    netstack::NeighborInfo info;
    info.interface = neighbor.interface;
    info.address = neighbor.address;
    info.mac = neighbor.mac;
    info.state = neighbor.no_arp ? netstack::NeighborState::kNoArp
                                 : netstack::NeighborState::kPermanent;
    info.router = neighbor.router;
    if (Done(target_.AddNeighbor(info), absl::StrCat("neighbour ", neighbor.address.ToString()))) {
      applied_.neighbors.emplace(key, neighbor);
    }
  }
}

}  // namespace moat::sentry
