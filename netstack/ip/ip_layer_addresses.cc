// IpLayer's configuration: addresses, how they are found to be unique, and the routes they bring.

#include "absl/strings/str_cat.h"
#include "netstack/ip/configuration_checks.h"
#include "netstack/ip/ip_layer.h"
#include "netstack/ip/v6/stable_identifier.h"

namespace moat::netstack {
namespace {

constexpr size_t kMaxAddressesPerInterface = 4096;

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
  const bool wanted = address.is_v4()
                          ? options.detect_conflict
                          : !options.no_dad && interface->conf.larger(Conf::kAcceptDad) > 0 &&
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
                   static_cast<int>(interface.conf.own(Conf::kDadTransmits)),
                   address.options.dad_delay);
}

// RFC 5227 2.1: the link that came up, or got its carrier back, may be another one.
void IpLayer::DetectAnew(Interface& interface) {
  for (AssignedAddress& address : interface.addresses) {
    if (address.prefix.address.is_v4() && address.options.detect_conflict) address.tentative = true;
    if (!address.tentative) continue;
    address.duplicate = false;  // whose it was may not be here
    StartDetection(interface, address);
  }
}

// The address may be used and answered for from now on.
void IpLayer::BeginUse(Interface& interface, AssignedAddress& address) {
  RefreshAnycasts(interface);
  Invalidate();
  if (!interface.active() || !interface.resolves()) return;
  const IpAddress& own = address.prefix.address;
  if (own.IsLinkLocal()) advertiser_.Reconsider(interface.index);
  if (own.is_v4()) {
    if (interface.conf.larger(Conf::kArpNotify) != 0) {
      next_hops_.arp().Announce(interface.index, own);
    }
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
  if (assigned->usable()) {  // RFC 3927 2.5, RFC 5227 2.4: before it is given up, its connections
                             // are reset
    TransportProtocol* tcp = state_.transports[ip_protocol::kTcp];
    if (tcp != nullptr) tcp->GiveUpAddress(address, index);
  }
  assigned->duplicate = true;
  state_.addresses.Rebuild();
  Invalidate();
  NotifyAddress(*interface, *assigned, /*removed=*/false);
  const bool two_of_us =
      address == WithIdentifier(*IpAddress::Parse("fe80::"), EuiIdentifier(interface->mac));
  discovery_.AddressDuplicate(index, address);
  // RFC 4862 5.4.5: another host has this link address, too.
  if (two_of_us && interface->conf.larger(Conf::kAcceptDad) > 1) {
    interface_sysctls_.Set(*interface, Conf::kDisableV6, 1);
  }
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
  RefreshAnycasts(interface);
  Invalidate();
  NotifyAddress(interface, dropped, /*removed=*/true);
  if (dropped.prefix.address.IsLinkLocal()) advertiser_.Reconsider(interface.index);
}

absl::Status IpLayer::ChangePrefixLength(InterfaceIndex index, const IpAddress& address,
                                         int length) {
  Interface* interface = state_.interfaces.Find(index);
  if (interface == nullptr) return NoInterface(index);
  if (absl::Status status = CheckPrefix({address, length}); !status.ok()) return status;
  AssignedAddress* found = interface->FindAddress(address);
  if (found == nullptr) {
    return absl::NotFoundError(absl::StrCat(address.ToString(), " is not on ", interface->name));
  }
  if (found->prefix.length == length) return absl::OkStatus();
  const AssignedAddress before = *found;
  found->prefix.length = length;
  AddConnectedRoute(*interface, *found);
  RemoveConnectedRoute(*interface, before);
  RefreshAnycasts(*interface);
  Invalidate();
  NotifyAddress(*interface, *found, /*removed=*/false);
  NotifyAddress(*interface, before, /*removed=*/true);
  return absl::OkStatus();
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

void IpLayer::NotifyAddress(const Interface& interface, const AssignedAddress& address,
                            bool removed) {
  for (StackObserver* observer : observers_) {
    observer->OnAddressChanged(InfoOf(interface, address), removed);
  }
}

}  // namespace moat::netstack
