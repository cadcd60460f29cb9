// IpLayer's part in RFC 6724: address policies, and what is known about the way to a destination.

#include <algorithm>

#include "netstack/ip/ip_layer.h"

namespace moat::netstack {
namespace {

// How long a next hop that did not answer counts as unreachable: then it is worth a try again.
constexpr Duration kFailureCounts = std::chrono::seconds(30);

}  // namespace

// Observers hear of what is different.
absl::Status IpLayer::SetAddressPolicies(std::span<const AddressPolicy> policies) {
  const std::vector<AddressPolicy> before = state_.policies.rows();
  absl::Status status = state_.policies.Set(policies);
  if (!status.ok()) return status;
  Invalidate();
  const std::vector<AddressPolicy>& after = state_.policies.rows();
  // A row whose prefix is still there has changed, which is not a removal.
  const auto tell = [&](std::span<const AddressPolicy> rows, bool removed, const auto& known) {
    for (const AddressPolicy& row : rows) {
      if (known(row)) continue;
      for (StackObserver* observer : observers_) observer->OnAddressPolicyChanged(row, removed);
    }
  };
  tell(before, /*removed=*/true, [&](const AddressPolicy& row) {
    return std::any_of(after.begin(), after.end(),
                       [&](const AddressPolicy& other) { return other.prefix == row.prefix; });
  });
  tell(after, /*removed=*/false, [&](const AddressPolicy& row) {
    return std::find(before.begin(), before.end(), row) != before.end();
  });
  return absl::OkStatus();
}

std::vector<Endpoint> IpLayer::OrderDestinations(std::span<const Endpoint> destinations) {
  std::vector<DestinationWay> ways;
  ways.reserve(destinations.size());
  for (const Endpoint& destination : destinations) ways.push_back(WayTo(destination));
  std::vector<Endpoint> out;
  out.reserve(destinations.size());
  for (const size_t position : netstack::OrderDestinations(state_.policies, ways)) {
    out.push_back(destinations[position]);
  }
  return out;
}

DestinationWay IpLayer::WayTo(const Endpoint& to) {
  DestinationWay way;
  way.destination = to.address.IsMappedV4() ? to.address.UnmapToV4() : to.address;
  const bool scoped = way.destination.is_v6() && way.destination.IsLinkLocal();
  if (scoped && to.scope == 0) return way;  // connect() refuses it
  const auto found = finder_.Peek(
      {.destination = way.destination, .source = IpAddress::Any(way.destination.family()),
       .interface = scoped ? to.scope : 0});
  if (!found.ok()) return way;
  const RouteHandle& route = **found;
  Interface* owner = route.out.get();
  const AssignedAddress* source = owner->FindAddress(route.source);
  if (source == nullptr) {
    owner = state_.interfaces.Find(state_.addresses.InterfaceOf(route.source));
    if (owner != nullptr) source = owner->FindAddress(route.source);
  }
  way.source = Prefix{route.source,
                      source == nullptr ? route.source.bits() : source->prefix.length};
  way.deprecated = source != nullptr && source->options.deprecated;
  if (route.is_local) return way;
  const std::optional<Time> failed =
      next_hops_.cache(route.next_hop.family()).FailedAt(route.interface, route.next_hop);
  way.unreachable = !route.out->running || (failed.has_value() &&
                                            state_.clock.Now() - *failed < kFailureCounts);
  return way;
}

}  // namespace moat::netstack
