// IpLayer's configuration: routes, policy rules, neighbours.

#include "absl/strings/str_cat.h"
#include "netstack/ip/configuration_checks.h"
#include "netstack/ip/ip_layer.h"

namespace moat::netstack {

// --- Routes and rules ---------------------------------------------------------------------------

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
      ++state_.table_counters.full_routes;
      return absl::ResourceExhaustedError("the routing table is full, or memory is short");
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
  if (rule.in_interface.size() > kMaxInterfaceName) {
    return absl::InvalidArgumentError("the interface's name is too long");
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
  NotifyRule(rule, /*removed=*/false);
  return absl::OkStatus();
}

absl::Status IpLayer::RemoveRule(const RuleInfo& rule) {
  if (!state_.routes.RemoveRule(rule)) return absl::NotFoundError("no such rule");
  Invalidate();
  NotifyRule(rule, /*removed=*/true);
  return absl::OkStatus();
}

void IpLayer::NotifyRule(const RuleInfo& rule, bool removed) {
  for (StackObserver* observer : observers_) observer->OnRuleChanged(rule, removed);
}

void IpLayer::NotifyRoute(const RouteInfo& route, bool removed) {
  for (StackObserver* observer : observers_) observer->OnRouteChanged(route, removed);
}

// --- Neighbours ---------------------------------------------------------------------------------

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

}  // namespace moat::netstack
