#include "netstack/ip/redirect_input.h"

#include <algorithm>

namespace moat::netstack {

// Linux's IN_DEV_RX_REDIRECTS: a host obeys when either says so, a router when both do.
bool RedirectInput::AcceptsV4(const Interface& interface) const {
  return interface.Forwards(Family::kIpv4) ? interface.conf.both(Conf::kAcceptRedirectsV4)
                                           : interface.conf.either(Conf::kAcceptRedirectsV4);
}

// secure_redirects: only to what is some route's gateway already; shared_media overrides it.
bool RedirectInput::IsSecureV4(const Interface& interface, const IpAddress& gateway) const {
  if (interface.conf.either(Conf::kSharedMedia)) return true;
  if (!interface.conf.either(Conf::kSecureRedirects)) return true;
  const std::vector<RouteInfo> routes = state_.routes.List();
  return std::any_of(routes.begin(), routes.end(), [&](const RouteInfo& route) {
    return route.gateway == gateway && route.interface == interface.index;
  });
}

bool RedirectInput::IsFirstHop(const IpAddress& router, const IpAddress& source,
                               const IpAddress& destination, InterfaceIndex interface) {
  const Result<RouteRef> found = finder_.Find({.destination = destination, .source = source});
  if (!found.ok()) return false;
  const auto& route = static_cast<const RouteHandle&>(**found);
  return !route.is_local && route.interface == interface && route.next_hop == router &&
         route.next_hop != destination;
}

void RedirectInput::Learn(const IpAddress& destination, const IpAddress& gateway,
                          InterfaceIndex interface) {
  if (state_.redirects.Learn(destination, gateway, interface, state_.clock.Now())) {
    ++state_.table_counters.full_redirects;
  }
  ++state_.generation;
}

void RedirectInput::ReceivedV4(InterfaceIndex index, const IpAddress& router,
                               const IpAddress& gateway, const IpAddress& source,
                               const IpAddress& destination) {
  const Interface* in = state_.interfaces.Find(index);
  if (in == nullptr || !AcceptsV4(*in)) return state_.drops.Count(DropReason::kRedirectRefused);
  const bool on_link =
      std::any_of(in->addresses.begin(), in->addresses.end(), [&](const AssignedAddress& row) {
        return row.prefix.address.is_v4() &&
               gateway.InPrefix(row.prefix.address, row.prefix.length);
      });
  const bool host = !gateway.IsMulticast() && !gateway.IsUnspecified() &&
                    state_.addresses.Classify(gateway) == AddressKind::kOther;
  if (!on_link || !host || gateway == router || !state_.addresses.IsLocal(source) ||
      !IsFirstHop(router, source, destination, index) || !IsSecureV4(*in, gateway)) {
    return state_.drops.Count(DropReason::kRedirectRefused);
  }
  Learn(destination, gateway, index);
}

bool RedirectInput::ReceivedV6(InterfaceIndex index, const IpAddress& router,
                               const IpAddress& target, const IpAddress& destination) {
  const Interface* in = state_.interfaces.Find(index);
  // RFC 4861 8.3: a host that is a router does not change its routing by a redirect.
  if (in == nullptr || in->conf.own(Conf::kAcceptRedirectsV6) == 0 ||
      in->Forwards(Family::kIpv6) || state_.addresses.IsLocalOn(target, index) ||
      !IsFirstHop(router, IpAddress::Any(Family::kIpv6), destination, index)) {
    state_.drops.Count(DropReason::kRedirectRefused);
    return false;
  }
  Learn(destination, target, index);
  return true;
}

}  // namespace moat::netstack
