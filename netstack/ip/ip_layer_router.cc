// IpLayer and routers: being one, advertising oneself, and doing what advertisements say.

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "netstack/ip/configuration_checks.h"
#include "netstack/ip/ip_layer.h"
#include "netstack/wire/ipv6.h"

namespace moat::netstack {

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
  RefreshAnycasts(interface);
}

// RFC 4291 2.6.1: a router answers for the prefix with zeros of each of its addresses. As
// Linux, not where a prefix has no room for it (RFC 6164). There is no duplicate detection (RFC
// 4862 5.4).
void IpLayer::RefreshAnycasts(Interface& interface) {
  std::vector<IpAddress> wanted;
  for (const AssignedAddress& assigned : interface.addresses) {
    const Prefix& prefix = assigned.prefix;
    if (!interface.is_router || prefix.address.is_v4() || !assigned.usable()) continue;
    const IpAddress base = prefix.address.Prefix(prefix.length);
    if (prefix.length < 127 && !base.IsUnspecified()) wanted.push_back(base);
  }
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  std::vector<IpAddress> fresh, gone;
  std::set_difference(wanted.begin(), wanted.end(), interface.anycasts.begin(),
                      interface.anycasts.end(), std::back_inserter(fresh));
  std::set_difference(interface.anycasts.begin(), interface.anycasts.end(), wanted.begin(),
                      wanted.end(), std::back_inserter(gone));
  interface.anycasts = std::move(wanted);
  for (const IpAddress& anycast : fresh) JoinAll(SolicitedNodeGroup(anycast), interface.index);
  for (const IpAddress& anycast : gone) LeaveAll(SolicitedNodeGroup(anycast), interface.index);
  state_.addresses.Rebuild();
}

// --- Router advertisements ----------------------------------------------------------------------

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

void IpLayer::AdvertisementChanged(const RouterAdvertisementInfo& info, bool removed) {
  for (StackObserver* observer : observers_) observer->OnRouterAdvertisementChanged(info, removed);
}

void IpLayer::SendAdvertisement(InterfaceIndex interface, std::vector<uint8_t> message) {
  next_hops_.SendNdp(interface, next_hops_.LinkLocalAddress(interface),
                     *IpAddress::Parse("ff02::1"), std::nullopt, message);
}

// --- What router discovery decides --------------------------------------------------------------

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

void IpLayer::SetAdvertiser(InterfaceIndex index, const IpAddress& address,
                            const IpAddress& router, bool does) {
  Interface* interface = state_.interfaces.Find(index);
  AssignedAddress* assigned = interface == nullptr ? nullptr : interface->FindAddress(address);
  if (assigned == nullptr) return;
  auto& all = assigned->advertisers;
  const bool did = std::find(all.begin(), all.end(), router) != all.end();
  if (did == does) return;
  if (does) {
    // Some may be gone for long: they make room for who advertises now.
    if (all.size() >= RouterDiscovery::kMaxRouters) all.erase(all.begin());
    all.push_back(router);
  } else {
    std::erase(all, router);
  }
  Invalidate();
}

bool IpLayer::AddAutoRoute(const RouteInfo& route) {
  const absl::Status status = AddRoute(route);
  return status.ok() || absl::IsAlreadyExists(status);
}
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

}  // namespace moat::netstack
