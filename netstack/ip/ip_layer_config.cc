// IpLayer's configuration: interfaces, addresses, routes, neighbours, groups.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "netstack/ip/ip_layer.h"
#include "netstack/wire/ipv4.h"
#include "netstack/wire/ipv6.h"

namespace moat::netstack {
namespace {

constexpr uint32_t kLoopbackMtu = 65536;  // as Linux
constexpr uint32_t kMaxMtu = 65536;
constexpr size_t kMaxNameSize = 15;       // IFNAMSIZ - 1
constexpr size_t kMaxInterfaces = 4096;
constexpr size_t kMaxAddressesPerInterface = 4096;

absl::Status NoInterface(InterfaceIndex index) {
  return absl::NotFoundError(absl::StrCat("no interface with index ", index));
}

absl::Status CheckMtu(uint32_t mtu) {
  if (mtu >= kIpv4MinMtu && mtu <= kMaxMtu) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("mtu ", mtu, " is not within ", kIpv4MinMtu, "..", kMaxMtu));
}

absl::Status CheckName(const std::string& name) {
  const bool reserved = name == "all" || name == "default";  // sysctls mean every interface by them
  if (!name.empty() && name.size() <= kMaxNameSize && !reserved &&
      name.find('/') == std::string::npos) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("bad interface name '", name, "'"));
}

absl::Status CheckPrefix(const Prefix& prefix) {
  if (prefix.length >= 0 && prefix.length <= prefix.address.bits()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("bad prefix length ", prefix.length));
}

AddressInfo InfoOf(const Interface& interface, const AssignedAddress& address) {
  return {interface.index, address.prefix, address.options, address.tentative, address.duplicate};
}

// The route to the addresses of the same link that comes with an address (RFC 1122 3.3.1.1).
RouteInfo ConnectedRoute(const Interface& interface, const AssignedAddress& address) {
  RouteInfo route;
  const IpAddress& base = address.options.peer.value_or(address.prefix.address);
  route.destination = {base.Prefix(address.prefix.length), address.prefix.length};
  route.interface = interface.index;
  route.protocol = kRouteByKernel;
  if (base.is_v4()) {
    route.source = address.prefix.address;
    route.scope = RouteScope::kLink;
  } else {
    route.metric = 256;  // IP6_RT_PRIO_ADDRCONF
  }
  return route;
}

bool HasConnectedRoute(const Interface& interface, const AssignedAddress& address) {
  if (interface.loopback || address.options.no_prefix_route) return false;
  return address.prefix.length < address.prefix.address.bits() ||
         address.options.peer.has_value();
}

}  // namespace

// --- Interfaces --------------------------------------------------------------------------------

void IpLayer::AddLoopback() {
  auto lo = std::make_shared<Interface>();
  lo->index = kLoopbackIndex;
  lo->name = "lo";
  lo->mtu = kLoopbackMtu;
  lo->up = lo->running = lo->loopback = true;
  lo->capabilities = {.has_ethernet_header = false, .tx_checksum_offload = true,
                      .max_gso_bytes = kMaxIpPacket};
  AddressOptions usable_at_once;
  usable_at_once.no_dad = true;
  lo->addresses.push_back({{IpAddress::V4(127, 0, 0, 1), 8}, usable_at_once});
  lo->addresses.push_back({{*IpAddress::Parse("::1"), 128}, usable_at_once});
  interface_sysctls_.Register(*lo);
  state_.interfaces.Add(std::move(lo));
  state_.addresses.Rebuild();
}

Result<Interface*> IpLayer::Require(InterfaceIndex index) {
  Interface* interface = state_.interfaces.Find(index);
  if (interface == nullptr) return Error::kNoDevice;
  return interface;
}

absl::Status IpLayer::AddInterface(const InterfaceOptions& options) {
  if (options.index <= 0) return absl::InvalidArgumentError("interface index must be positive");
  if (options.link == nullptr) return absl::InvalidArgumentError("interface needs a link");
  if (absl::Status status = CheckName(options.name); !status.ok()) return status;
  if (absl::Status status = CheckMtu(options.mtu); !status.ok()) return status;
  if (state_.interfaces.Find(options.index) != nullptr) {
    return absl::AlreadyExistsError(absl::StrCat("interface index ", options.index, " is taken"));
  }
  if (state_.interfaces.FindByName(options.name) != nullptr) {
    return absl::AlreadyExistsError(absl::StrCat("interface name ", options.name, " is taken"));
  }
  if (state_.interfaces.all().size() >= kMaxInterfaces) {
    return absl::ResourceExhaustedError("too many interfaces");
  }
  auto interface = std::make_shared<Interface>();
  interface->index = options.index;
  interface->name = options.name;
  interface->mac = options.mac;
  interface->mtu = options.mtu;
  interface->up = options.up;
  interface->running = options.running;
  interface->link = options.link;
  interface->capabilities = options.link->capabilities();
  interface_sysctls_.Register(*interface);
  interface->checks_reverse_path = interface->conf.larger(Conf::kReversePath) != 0;
  Interface& added = *interface;
  state_.interfaces.Add(std::move(interface));
  RouterRoleChanged(added);
  Invalidate();
  NotifyInterface(added, /*removed=*/false);
  discovery_.Reconsider(added.index);
  return absl::OkStatus();
}

absl::Status IpLayer::RemoveInterface(InterfaceIndex index) {
  const std::shared_ptr<Interface> interface = state_.interfaces.Share(index);
  if (interface == nullptr) return NoInterface(index);
  if (interface->loopback) return absl::InvalidArgumentError("lo cannot be removed");
  discovery_.InterfaceGone(index);
  advertiser_.InterfaceGone(index);
  state_.redirects.ForgetInterface(index);
  next_hops_.cache(Family::kIpv6).ForgetTimes(index);
  while (!interface->addresses.empty()) DropAddress(*interface, interface->addresses.size() - 1);
  for (const RouteInfo& route : state_.routes.RemoveInterface(index)) NotifyRoute(route, true);
  next_hops_.cache(Family::kIpv4).Flush(index, /*permanent=*/true);
  next_hops_.cache(Family::kIpv6).Flush(index, /*permanent=*/true);
  detection_.CancelAll(index);
  igmp_.InterfaceGone(index);
  mld_.InterfaceGone(index);
  (void)interface_sysctls_.Unregister(*interface);
  interface->removed = true;
  interface->up = false;
  interface->link = nullptr;
  state_.interfaces.Remove(index);
  state_.addresses.Rebuild();
  Invalidate();
  NotifyInterface(*interface, /*removed=*/true);
  return absl::OkStatus();
}

absl::Status IpLayer::SetInterfaceUp(InterfaceIndex index, bool up) {
  Interface* interface = state_.interfaces.Find(index);
  if (interface == nullptr) return NoInterface(index);
  if (interface->up == up) return absl::OkStatus();
  interface->up = up;
  if (up) {
    for (const IpAddress& group : interface->groups.List()) ReportChange(*interface, group, {});
    for (AssignedAddress& address : interface->addresses) {
      if (address.prefix.address.is_v4() && address.options.detect_conflict) {
        address.tentative = true;  // RFC 5227 2.1: the link may be another one now
        address.duplicate = false;
      }
      if (address.tentative) StartDetection(*interface, address);
    }
  } else {
    next_hops_.cache(Family::kIpv4).Flush(index, /*permanent=*/false);
    next_hops_.cache(Family::kIpv6).Flush(index, /*permanent=*/false);
    detection_.CancelAll(index);
    conflicts_.CancelAll(index);
    igmp_.InterfaceGone(index);
    mld_.InterfaceGone(index);
    state_.redirects.ForgetInterface(index);
  }
  state_.addresses.Rebuild();
  Invalidate();
  NotifyInterface(*interface, /*removed=*/false);
  discovery_.Reconsider(index);
  advertiser_.Reconsider(index);
  return absl::OkStatus();
}

absl::Status IpLayer::SetInterfaceRunning(InterfaceIndex index, bool running) {
  Interface* interface = state_.interfaces.Find(index);
  if (interface == nullptr) return NoInterface(index);
  if (interface->running == running) return absl::OkStatus();
  interface->running = running;
  Invalidate();
  NotifyInterface(*interface, /*removed=*/false);
  return absl::OkStatus();
}

absl::Status IpLayer::SetInterfaceMtu(InterfaceIndex index, uint32_t mtu) {
  Interface* interface = state_.interfaces.Find(index);
  if (interface == nullptr) return NoInterface(index);
  if (absl::Status status = CheckMtu(mtu); !status.ok()) return status;
  if (interface->mtu == mtu) return absl::OkStatus();
  interface->mtu = mtu;
  Invalidate();
  NotifyInterface(*interface, /*removed=*/false);
  return absl::OkStatus();
}

absl::Status IpLayer::SetInterfaceMac(InterfaceIndex index, const MacAddress& mac) {
  Interface* interface = state_.interfaces.Find(index);
  if (interface == nullptr) return NoInterface(index);
  if (mac.IsMulticast()) return absl::InvalidArgumentError("a group address is no interface's");
  interface->mac = mac;
  Invalidate();
  NotifyInterface(*interface, /*removed=*/false);
  return absl::OkStatus();
}

absl::Status IpLayer::SetInterfaceName(InterfaceIndex index, std::string_view new_name) {
  const std::string name(new_name);
  Interface* interface = state_.interfaces.Find(index);
  if (interface == nullptr) return NoInterface(index);
  if (absl::Status status = CheckName(name); !status.ok()) return status;
  const Interface* holder = state_.interfaces.FindByName(name);
  if (holder != nullptr && holder != interface) {
    return absl::AlreadyExistsError(absl::StrCat("interface name ", name, " is taken"));
  }
  const InterfaceSysctls::Saved conf = interface_sysctls_.Unregister(*interface);
  interface->name = name;
  interface_sysctls_.Register(*interface, conf);
  NotifyInterface(*interface, /*removed=*/false);
  return absl::OkStatus();
}

// --- Addresses ---------------------------------------------------------------------------------

absl::Status IpLayer::AddAddress(InterfaceIndex index, const Prefix& prefix,
                                 const AddressOptions& options) {
  Interface* interface = state_.interfaces.Find(index);
  if (interface == nullptr) return NoInterface(index);
  if (absl::Status status = CheckPrefix(prefix); !status.ok()) return status;
  const IpAddress& address = prefix.address;
  if (address.IsUnspecified() || address.IsMulticast() || address.IsLimitedBroadcast() ||
      (address.IsLoopback() && !interface->loopback)) {
    return absl::InvalidArgumentError(
        absl::StrCat(address.ToString(), " cannot be the address of ", interface->name));
  }
  if (interface->FindAddress(address) != nullptr) {
    return absl::AlreadyExistsError(
        absl::StrCat(address.ToString(), " is already on ", interface->name));
  }
  if (interface->addresses.size() >= kMaxAddressesPerInterface) {
    return absl::ResourceExhaustedError("too many addresses on one interface");
  }
  AssignedAddress& added = interface->addresses.emplace_back(AssignedAddress{prefix, options});
  if (address.is_v6()) JoinAll(SolicitedNodeGroup(address), index);
  const bool wanted = address.is_v4() ? options.detect_conflict
                                      : !options.no_dad &&
                                            interface->conf.own(Conf::kDadTransmits) > 0;
  const bool detect = wanted && interface->resolves();
  if (detect) {
    added.tentative = true;
    state_.addresses.Rebuild();
    if (interface->up) StartDetection(*interface, added);
  }
  AddConnectedRoute(*interface, added);
  if (!detect) BeginUse(*interface, added);
  Invalidate();
  NotifyAddress(*interface, added, /*removed=*/false);
  return absl::OkStatus();
}

void IpLayer::StartDetection(Interface& interface, AssignedAddress& address) {
  if (address.prefix.address.is_v4()) {
    return conflicts_.Start(interface.index, address.prefix.address);
  }
  detection_.Start(interface.index, address.prefix.address,
                   static_cast<int>(interface.conf.own(Conf::kDadTransmits)));
}

// The address may be used and answered for from now on.
void IpLayer::BeginUse(Interface& interface, AssignedAddress& address) {
  state_.addresses.Rebuild();
  Invalidate();
  if (!interface.active() || !interface.resolves()) return;
  const IpAddress& own = address.prefix.address;
  if (own.IsLinkLocal()) advertiser_.Reconsider(interface.index);
  if (own.is_v4()) {
    if (interface.conf.larger(Conf::kArpNotify) != 0) next_hops_.arp().Announce(interface.index, own);
  } else if (interface.conf.larger(Conf::kNdiscNotify) != 0) {
    next_hops_.ndp().Announce(interface.index, own);
  }
}

void IpLayer::AddressUnique(InterfaceIndex index, const IpAddress& address) {
  Interface* interface = state_.interfaces.Find(index);
  AssignedAddress* assigned = interface == nullptr ? nullptr : interface->FindAddress(address);
  if (assigned == nullptr) return;
  assigned->tentative = false;
  BeginUse(*interface, *assigned);
  NotifyAddress(*interface, *assigned, /*removed=*/false);
}

void IpLayer::AddressDuplicate(InterfaceIndex index, const IpAddress& address) {
  Interface* interface = state_.interfaces.Find(index);
  AssignedAddress* assigned = interface == nullptr ? nullptr : interface->FindAddress(address);
  if (assigned == nullptr) return;
  assigned->duplicate = true;
  state_.addresses.Rebuild();
  Invalidate();
  NotifyAddress(*interface, *assigned, /*removed=*/false);
  discovery_.AddressDuplicate(index, address);
}

absl::Status IpLayer::RemoveAddress(InterfaceIndex index, const Prefix& prefix) {
  Interface* interface = state_.interfaces.Find(index);
  if (interface == nullptr) return NoInterface(index);
  for (size_t i = 0; i < interface->addresses.size(); ++i) {
    if (interface->addresses[i].prefix == prefix) {
      DropAddress(*interface, i);
      return absl::OkStatus();
    }
  }
  return absl::NotFoundError(absl::StrCat(prefix.ToString(), " is not on ", interface->name));
}

void IpLayer::DropAddress(Interface& interface, size_t position) {
  const AssignedAddress dropped = interface.addresses[position];
  interface.addresses.erase(interface.addresses.begin() + static_cast<ptrdiff_t>(position));
  if (dropped.prefix.address.is_v6()) {
    detection_.Cancel(interface.index, dropped.prefix.address);
    LeaveAll(SolicitedNodeGroup(dropped.prefix.address), interface.index);
  }
  if (dropped.prefix.address.is_v4()) {
    conflicts_.Cancel(interface.index, dropped.prefix.address);
  }
  RemoveConnectedRoute(interface, dropped);
  state_.addresses.Rebuild();
  Invalidate();
  NotifyAddress(interface, dropped, /*removed=*/true);
  if (dropped.prefix.address.IsLinkLocal()) advertiser_.Reconsider(interface.index);
}

void IpLayer::AddConnectedRoute(const Interface& interface, const AssignedAddress& address) {
  if (!HasConnectedRoute(interface, address)) return;
  const RouteInfo route = ConnectedRoute(interface, address);
  if (state_.routes.Add(route) == RoutingTable::Change::kDone) NotifyRoute(route, false);
}

void IpLayer::RemoveConnectedRoute(const Interface& interface, const AssignedAddress& address) {
  if (!HasConnectedRoute(interface, address)) return;
  const RouteInfo route = ConnectedRoute(interface, address);
  // Another address on the same subnet keeps the route.
  for (const AssignedAddress& other : interface.addresses) {
    if (HasConnectedRoute(interface, other) &&
        ConnectedRoute(interface, other).destination == route.destination) {
      return;
    }
  }
  const std::optional<RouteInfo> removed = state_.routes.Remove(route);
  if (removed.has_value()) NotifyRoute(*removed, true);
}

std::vector<AddressInfo> IpLayer::Addresses() const {
  std::vector<AddressInfo> out;
  for (const auto& interface : state_.interfaces.all()) {
    for (const AssignedAddress& address : interface->addresses) {
      out.push_back(InfoOf(*interface, address));
    }
  }
  return out;
}

// --- Routes ------------------------------------------------------------------------------------

absl::Status IpLayer::CompleteHop(const Prefix& destination,
                                  const std::optional<IpAddress>& gateway,
                                  InterfaceIndex* interface) const {
  if (gateway.has_value() && gateway->is_v4() && destination.address.is_v6()) {
    return absl::InvalidArgumentError("an IPv6 route cannot have an IPv4 gateway");
  }
  if (*interface == 0 && gateway.has_value()) {
    // The gateway's own route says by which interface.
    const RouteInfo* via = state_.routes.Lookup(*gateway, 0);
    if (via == nullptr || via->type != RouteType::kUnicast) {
      return absl::InvalidArgumentError(
          absl::StrCat("gateway ", gateway->ToString(), " is unreachable"));
    }
    *interface = via->interface;
  }
  if (state_.interfaces.Find(*interface) == nullptr) return NoInterface(*interface);
  return absl::OkStatus();
}

absl::Status IpLayer::AddRoute(const RouteInfo& route) {
  if (absl::Status status = CheckPrefix(route.destination); !status.ok()) return status;
  RouteInfo added = route;
  const bool refuses = route.type == RouteType::kBlackhole || route.type == RouteType::kThrow ||
                       route.type == RouteType::kUnreachable || route.type == RouteType::kProhibit;
  if (!route.next_hops.empty()) {
    if (route.type != RouteType::kUnicast || route.next_hops.size() > kMaxNextHops) {
      return absl::InvalidArgumentError("bad next hops");
    }
    added.gateway.reset();
    added.interface = 0;
    for (NextHop& hop : added.next_hops) {
      if (hop.weight < 1 || hop.weight > 256) {
        return absl::InvalidArgumentError("a next hop's weight is not within 1..256");
      }
      absl::Status status = CompleteHop(route.destination, hop.gateway, &hop.interface);
      if (!status.ok()) return status;
    }
  } else if (!refuses) {
    absl::Status status = CompleteHop(route.destination, route.gateway, &added.interface);
    if (!status.ok()) return status;
  }
  switch (state_.routes.Add(added)) {
    case RoutingTable::Change::kDone:
      break;
    case RoutingTable::Change::kExists:
      return absl::AlreadyExistsError(
          absl::StrCat("route to ", route.destination.ToString(), " exists"));
    case RoutingTable::Change::kFull:
      return absl::ResourceExhaustedError("the routing table is full");
  }
  Invalidate();
  NotifyRoute(added, /*removed=*/false);
  return absl::OkStatus();
}

absl::Status IpLayer::RemoveRoute(const RouteInfo& route) {
  const std::optional<RouteInfo> removed = state_.routes.Remove(route);
  if (!removed.has_value()) {
    return absl::NotFoundError(absl::StrCat("no route to ", route.destination.ToString()));
  }
  Invalidate();
  NotifyRoute(*removed, /*removed=*/true);
  return absl::OkStatus();
}

absl::Status IpLayer::AddRule(const RuleInfo& rule) {
  for (const std::optional<Prefix>& prefix : {rule.from, rule.to}) {
    if (!prefix.has_value()) continue;
    if (absl::Status status = CheckPrefix(*prefix); !status.ok()) return status;
  }
  if (rule.action == RouteType::kLocal || rule.action == RouteType::kBroadcast ||
      rule.action == RouteType::kThrow) {
    return absl::InvalidArgumentError("not an action of a rule");
  }
  switch (state_.routes.AddRule(rule)) {
    case RoutingTable::Change::kDone:
      break;
    case RoutingTable::Change::kExists:
      return absl::AlreadyExistsError("the rule exists");
    case RoutingTable::Change::kFull:
      return absl::ResourceExhaustedError("too many rules");
  }
  Invalidate();
  return absl::OkStatus();
}

absl::Status IpLayer::RemoveRule(const RuleInfo& rule) {
  if (!state_.routes.RemoveRule(rule)) return absl::NotFoundError("no such rule");
  Invalidate();
  return absl::OkStatus();
}

// --- Neighbours --------------------------------------------------------------------------------

absl::Status IpLayer::AddNeighbor(const NeighborInfo& neighbor) {
  if (state_.interfaces.Find(neighbor.interface) == nullptr) return NoInterface(neighbor.interface);
  if (neighbor.state != NeighborState::kPermanent && neighbor.state != NeighborState::kNoArp) {
    return absl::InvalidArgumentError("only permanent and noarp neighbours can be added");
  }
  if (!next_hops_.cache(neighbor.address.family()).AddStatic(neighbor)) {
    return absl::ResourceExhaustedError("the neighbour table is full");
  }
  return absl::OkStatus();
}

absl::Status IpLayer::RemoveNeighbor(InterfaceIndex index, const IpAddress& address) {
  if (next_hops_.cache(address.family()).Remove(index, address)) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("no neighbour ", address.ToString()));
}

void IpLayer::FlushNeighbors(InterfaceIndex index) {
  next_hops_.cache(Family::kIpv4).Flush(index, /*permanent=*/false);
  next_hops_.cache(Family::kIpv6).Flush(index, /*permanent=*/false);
}

std::vector<NeighborInfo> IpLayer::Neighbors() const {
  std::vector<NeighborInfo> out = next_hops_.cache(Family::kIpv4).List();
  const std::vector<NeighborInfo> v6 = next_hops_.cache(Family::kIpv6).List();
  out.insert(out.end(), v6.begin(), v6.end());
  return out;
}

// --- Groups ------------------------------------------------------------------------------------

Result<InterfaceIndex> IpLayer::GroupInterface(const IpAddress& group, InterfaceIndex interface) {
  if (!group.IsMulticast()) return Error::kInvalid;
  if (interface == 0) {
    const Result<RouteRef> route = finder_.Find(
        {group, IpAddress::Any(group.family()), 0, 0});
    if (!route.ok()) return Error::kNoDevice;
    interface = (*route)->interface;
  }
  if (state_.interfaces.Find(interface) == nullptr) return Error::kNoDevice;
  return interface;
}

Error IpLayer::ChangeMembership(const IpAddress& group, InterfaceIndex interface,
                                const SourceFilter* from, const SourceFilter* to) {
  Interface* on = state_.interfaces.Find(interface);
  if (on == nullptr) return to == nullptr ? Error::kOk : Error::kNoDevice;
  const SourceFilter* merged = on->groups.FilterOf(group);
  const SourceFilter before = merged == nullptr ? SourceFilter{} : *merged;
  if (!on->groups.Change(group, from, to)) return Error::kNoBuffers;
  if (on->active() && !on->loopback) ReportChange(*on, group, before);
  return Error::kOk;
}

void IpLayer::ReportChange(const Interface& interface, const IpAddress& group,
                           const SourceFilter& before) {
  if (group.is_v4()) {
    igmp_.Changed(interface.index, group, before);
  } else {
    mld_.Changed(interface.index, group, before);
  }
}

void IpLayer::JoinAll(const IpAddress& group, InterfaceIndex interface) {
  static const SourceFilter everything = SourceFilter::Everything();
  (void)ChangeMembership(group, interface, nullptr, &everything);
}

void IpLayer::LeaveAll(const IpAddress& group, InterfaceIndex interface) {
  static const SourceFilter everything = SourceFilter::Everything();
  (void)ChangeMembership(group, interface, &everything, nullptr);
}

// --- Sysctls of interfaces ---------------------------------------------------------------------

void IpLayer::ConfChanged(Conf key, Interface* interface) {
  Invalidate();
  if (key == Conf::kReversePath) {
    for (const auto& each : state_.interfaces.all()) {
      each->checks_reverse_path = each->conf.larger(Conf::kReversePath) != 0;
    }
  }
  if (interface == nullptr) return;
  if (key == Conf::kForwardV6) RouterRoleChanged(*interface);
  if (key == Conf::kForwardV6 || key == Conf::kAcceptRa || key == Conf::kDisableV6) {
    discovery_.Reconsider(interface->index);
    advertiser_.Reconsider(interface->index);
  }
}

// RFC 4291 2.8: a router belongs to the groups of all routers.
void IpLayer::RouterRoleChanged(Interface& interface) {
  const bool router = interface.Forwards(Family::kIpv6);
  if (interface.loopback || interface.is_router == router) return;
  interface.is_router = router;
  for (const char* group : {"ff01::2", "ff02::2", "ff05::2"}) {
    if (router) {
      JoinAll(*IpAddress::Parse(group), interface.index);
    } else {
      LeaveAll(*IpAddress::Parse(group), interface.index);
    }
  }
}

// --- Router advertisements ---------------------------------------------------------------------

// RFC 4861 6.2.1: the bounds of the router's variables.
absl::Status IpLayer::SetRouterAdvertisement(InterfaceIndex index,
                                             const RouterAdvertisementOptions& options) {
  const Interface* interface = state_.interfaces.Find(index);
  if (interface == nullptr) return NoInterface(index);
  if (interface->loopback) return absl::InvalidArgumentError("lo has no hosts");
  const auto outside = [](uint32_t value, uint32_t least, uint32_t most) {
    return value < least || value > most;
  };
  if (outside(options.max_interval, 4, 1800)) {
    return absl::InvalidArgumentError("max_interval is not within 4..1800");
  }
  if (outside(options.min_interval, 3, std::max(3u, options.max_interval * 3u / 4))) {
    return absl::InvalidArgumentError("min_interval is not within 3..0.75 max_interval");
  }
  if (options.lifetime != 0 && outside(options.lifetime, options.max_interval, 9000)) {
    return absl::InvalidArgumentError("lifetime is not 0 or within max_interval..9000");
  }
  if (options.mtu.has_value() && outside(*options.mtu, kIpv6MinMtu, interface->mtu)) {
    return absl::InvalidArgumentError("mtu is not within 1280 and the interface's");
  }
  if (options.reachable_ms > 3600000) return absl::InvalidArgumentError("reachable_ms is too big");
  if (options.prefixes.size() > kMaxAdvertisedPrefixes) {
    return absl::InvalidArgumentError("too many prefixes");
  }
  for (const AdvertisedPrefix& row : options.prefixes) {
    if (absl::Status status = CheckPrefix(row.prefix); !status.ok()) return status;
    if (row.prefix.address.is_v4() || row.prefix.address.IsLinkLocal() ||
        row.preferred > row.valid) {
      return absl::InvalidArgumentError(
          absl::StrCat(row.prefix.ToString(), " cannot be advertised"));
    }
  }
  const bool unicast =
      std::none_of(options.name_servers.begin(), options.name_servers.end(),
                   [](const IpAddress& server) {
                     return server.is_v4() || server.IsMulticast() || server.IsUnspecified();
                   });
  if (!unicast || options.name_servers.size() > kMaxAdvertisedNameServers) {
    return absl::InvalidArgumentError("bad name servers");
  }
  advertiser_.Set(index, options);
  return absl::OkStatus();
}

absl::Status IpLayer::StopRouterAdvertisement(InterfaceIndex index) {
  if (state_.interfaces.Find(index) == nullptr) return NoInterface(index);
  advertiser_.Stop(index);
  return absl::OkStatus();
}

bool IpLayer::CanAdvertise(InterfaceIndex index) const {
  const Interface* interface = state_.interfaces.Find(index);
  return interface != nullptr && interface->active() && interface->Enabled(Family::kIpv6) &&
         !next_hops_.LinkLocalAddress(index).IsUnspecified();
}

void IpLayer::SendAdvertisement(InterfaceIndex interface, std::vector<uint8_t> message) {
  next_hops_.SendNdp(interface, next_hops_.LinkLocalAddress(interface), *IpAddress::Parse("ff02::1"),
                     std::nullopt, message);
}

// --- What router discovery decides -------------------------------------------------------------

bool IpLayer::AddAutoAddress(InterfaceIndex interface, const Prefix& prefix,
                             const AddressOptions& options) {
  return AddAddress(interface, prefix, options).ok();
}

void IpLayer::RemoveAutoAddress(InterfaceIndex interface, const Prefix& prefix) {
  (void)RemoveAddress(interface, prefix);
}

void IpLayer::SetDeprecated(InterfaceIndex index, const IpAddress& address, bool deprecated) {
  Interface* interface = state_.interfaces.Find(index);
  AssignedAddress* assigned = interface == nullptr ? nullptr : interface->FindAddress(address);
  if (assigned == nullptr) return;
  assigned->options.deprecated = deprecated;
  Invalidate();
  NotifyAddress(*interface, *assigned, /*removed=*/false);
}

void IpLayer::AddAutoRoute(const RouteInfo& route) { (void)AddRoute(route); }
void IpLayer::RemoveAutoRoute(const RouteInfo& route) { (void)RemoveRoute(route); }

void IpLayer::SolicitRouters(InterfaceIndex interface) {
  next_hops_.ndp().SolicitRouters(interface, next_hops_.LinkLocalAddress(interface));
}

void IpLayer::SetLinkMtu(InterfaceIndex index, uint32_t mtu) {
  Interface* interface = state_.interfaces.Find(index);
  if (interface == nullptr || interface->mtu_v6 == mtu) return;
  interface->mtu_v6 = mtu;
  Invalidate();
}

void IpLayer::SetHopLimit(InterfaceIndex index, uint8_t hop_limit) {
  const Interface* interface = state_.interfaces.Find(index);
  if (interface == nullptr || interface->conf.own(Conf::kHopLimit) == hop_limit) return;
  interface_sysctls_.Set(*interface, Conf::kHopLimit, hop_limit);
}

void IpLayer::SetNeighborTimes(InterfaceIndex interface, Duration reachable, Duration retransmit) {
  next_hops_.cache(Family::kIpv6).SetTimes(interface, reachable, retransmit);
}

// --- Observers ---------------------------------------------------------------------------------

void IpLayer::NotifyInterface(const Interface& interface, bool removed) {
  for (StackObserver* observer : observers_) {
    observer->OnInterfaceChanged(interface.Info(), removed);
  }
}

void IpLayer::NotifyAddress(const Interface& interface, const AssignedAddress& address,
                            bool removed) {
  for (StackObserver* observer : observers_) {
    observer->OnAddressChanged(InfoOf(interface, address), removed);
  }
}

void IpLayer::NotifyRoute(const RouteInfo& route, bool removed) {
  for (StackObserver* observer : observers_) observer->OnRouteChanged(route, removed);
}

}  // namespace moat::netstack
