#include "sentry/control/changes.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "sentry/control/advertisement_config.h"
#include "sentry/control/policy_config.h"
#include "sentry/control/proto_from_stack.h"
#include "sentry/control/rule_config.h"
#include "sentry/control/stack_from_proto.h"

namespace moat::sentry {
namespace {

using netstack::InterfaceInfo;
using netstack::NeighborInfo;
using netstack::NeighborState;
using netstack::RouteInfo;
using netstack::Stack;

constexpr uint32_t kMinMtu = 68;     // RFC 791: every link carries this much unfragmented
constexpr uint32_t kMaxMtu = 65535;  // the largest IPv4 packet

// The route that an addition with `replace` takes the place of (NLM_F_REPLACE: same table, prefix
// and metric).
std::optional<RouteInfo> FindReplaced(const Stack& stack, const RouteInfo& route) {
  for (const RouteInfo& existing : stack.Routes()) {
    if (existing.table == route.table && existing.destination == route.destination &&
        existing.metric == route.metric) {
      return existing;
    }
  }
  return std::nullopt;
}

std::optional<NeighborInfo> FindNeighbor(const Stack& stack, netstack::InterfaceIndex interface,
                                         const netstack::IpAddress& address) {
  for (const NeighborInfo& neighbor : stack.Neighbors()) {
    if (neighbor.interface == interface && neighbor.address == address) return neighbor;
  }
  return std::nullopt;
}

absl::Status NoEntry(const netstack::IpAddress& address, const InterfaceInfo& interface) {
  return absl::NotFoundError(
      absl::StrCat("no neighbour entry for ", address.ToString(), " on ", interface.name));
}

}  // namespace

absl::Status Apply(Stack& stack, const v1::SetInterfaceRequest& request) {
  absl::StatusOr<InterfaceInfo> interface = FindInterface(stack, request.interface());
  if (!interface.ok()) return interface.status();
  if (!request.has_up() && !request.has_mtu_bytes()) {
    return absl::InvalidArgumentError("up, mtu_bytes: one of them must be given");
  }
  if (request.has_mtu_bytes()) {
    const uint32_t mtu = request.mtu_bytes();
    if (mtu < kMinMtu || mtu > kMaxMtu) {
      return absl::InvalidArgumentError(
          absl::StrCat("mtu_bytes: ", mtu, " is not in ", kMinMtu, "..", kMaxMtu));
    }
    if (absl::Status status = stack.SetInterfaceMtu(interface->index, mtu); !status.ok()) {
      return status;
    }
  }
  if (!request.has_up()) return absl::OkStatus();
  absl::Status status = stack.SetInterfaceUp(interface->index, request.up());
  if (!status.ok() && request.has_mtu_bytes()) {
    // All or nothing. The former MTU was valid.
    stack.SetInterfaceMtu(interface->index, interface->mtu).IgnoreError();
  }
  return status;
}

absl::Status Apply(Stack& stack, const v1::AddAddressRequest& request) {
  absl::StatusOr<InterfaceInfo> interface = FindInterface(stack, request.interface());
  if (!interface.ok()) return interface.status();
  absl::StatusOr<netstack::Prefix> prefix = ParsePrefix("prefix", request.prefix());
  if (!prefix.ok()) return prefix.status();
  if (prefix->address.IsMulticast() || prefix->address.IsUnspecified() ||
      prefix->address.IsLimitedBroadcast()) {
    return absl::InvalidArgumentError(
        absl::StrCat("prefix: ", prefix->address.ToString(), " cannot be an interface's address"));
  }
  return stack.AddAddress(interface->index, *prefix, {});
}

absl::Status Apply(Stack& stack, const v1::RemoveAddressRequest& request) {
  absl::StatusOr<InterfaceInfo> interface = FindInterface(stack, request.interface());
  if (!interface.ok()) return interface.status();
  absl::StatusOr<netstack::Prefix> prefix = ParsePrefix("prefix", request.prefix());
  if (!prefix.ok()) return prefix.status();
  return stack.RemoveAddress(interface->index, *prefix);
}

absl::Status Apply(Stack& stack, const v1::AddRouteRequest& request) {
  absl::StatusOr<RouteInfo> route = RouteToAdd(stack, request.route());
  if (!route.ok()) return route.status();
  const std::optional<RouteInfo> replaced =
      request.replace() ? FindReplaced(stack, *route) : std::nullopt;
  if (replaced) {
    if (absl::Status status = stack.RemoveRoute(*replaced); !status.ok()) return status;
  }
  absl::Status status = stack.AddRoute(*route);
  if (!status.ok() && replaced) stack.AddRoute(*replaced).IgnoreError();  // it was there before
  return status;
}

absl::Status Apply(Stack& stack, const v1::RemoveRouteRequest& request) {
  absl::StatusOr<RouteInfo> route = FindRoute(stack, request.route());
  if (!route.ok()) return route.status();
  return stack.RemoveRoute(*route);
}

absl::Status Apply(Stack& stack, const v1::AddRuleRequest& request) {
  absl::StatusOr<netstack::RuleInfo> rule = RuleToAdd(stack, request.rule());
  return rule.ok() ? stack.AddRule(*rule) : rule.status();
}

absl::Status Apply(Stack& stack, const v1::RemoveRuleRequest& request) {
  absl::StatusOr<netstack::RuleInfo> rule = FindRule(stack, request.rule());
  return rule.ok() ? stack.RemoveRule(*rule) : rule.status();
}

absl::Status Apply(Stack& stack, const v1::SetRouterAdvertisementRequest& request) {
  absl::StatusOr<InterfaceInfo> interface =
      FindInterface(stack, request.advertisement().interface());
  if (!interface.ok()) return interface.status();
  absl::StatusOr<netstack::RouterAdvertisementOptions> options =
      AdvertisementToSet(request.advertisement());
  if (!options.ok()) return options.status();
  return stack.SetRouterAdvertisement(interface->index, *options);
}

absl::Status Apply(Stack& stack, const v1::UnsetRouterAdvertisementRequest& request) {
  absl::StatusOr<InterfaceInfo> interface = FindInterface(stack, request.interface());
  if (!interface.ok()) return interface.status();
  const std::vector<netstack::RouterAdvertisementInfo> all = stack.RouterAdvertisements();
  if (std::none_of(all.begin(), all.end(),
                   [&](const auto& info) { return info.interface == interface->index; })) {
    return absl::NotFoundError(absl::StrCat("nothing is advertised on ", interface->name));
  }
  return stack.StopRouterAdvertisement(interface->index);
}

absl::Status Apply(Stack& stack, const v1::AddAddressPolicyRequest& request) {
  const auto rows = WithPolicy(stack, request.policy(), request.replace());
  return rows.ok() ? stack.SetAddressPolicies(*rows) : rows.status();
}

absl::Status Apply(Stack& stack, const v1::RemoveAddressPolicyRequest& request) {
  const auto rows = WithoutPolicy(stack, request.prefix());
  return rows.ok() ? stack.SetAddressPolicies(*rows) : rows.status();
}

absl::Status Apply(Stack& stack, const v1::ResetAddressPoliciesRequest&) {
  return stack.SetAddressPolicies({});
}

absl::Status Apply(Stack& stack, const v1::AddNeighborRequest& request) {
  absl::StatusOr<InterfaceInfo> interface = FindInterface(stack, request.interface());
  if (!interface.ok()) return interface.status();
  absl::StatusOr<netstack::IpAddress> address = ParseAddress("address", request.address());
  if (!address.ok()) return address.status();
  absl::StatusOr<netstack::MacAddress> mac =
      ParseMac("hardware_address", request.hardware_address());
  if (!mac.ok()) return mac.status();
  if (!request.replace() && FindNeighbor(stack, interface->index, *address)) {
    return absl::AlreadyExistsError(absl::StrCat("there is a neighbour entry for ",
                                                 address->ToString(), " on ", interface->name));
  }
  return stack.AddNeighbor({.interface = interface->index,
                            .address = *address,
                            .mac = *mac,
                            .state = NeighborState::kPermanent,
                            .router = false});
}

absl::Status Apply(Stack& stack, const v1::RemoveNeighborRequest& request) {
  absl::StatusOr<InterfaceInfo> interface = FindInterface(stack, request.interface());
  if (!interface.ok()) return interface.status();
  absl::StatusOr<netstack::IpAddress> address = ParseAddress("address", request.address());
  if (!address.ok()) return address.status();
  if (!FindNeighbor(stack, interface->index, *address)) return NoEntry(*address, *interface);
  return stack.RemoveNeighbor(interface->index, *address);
}

absl::StatusOr<uint32_t> Apply(Stack& stack, const v1::FlushNeighborsRequest& request) {
  netstack::InterfaceIndex only = 0;
  if (!request.interface().empty()) {
    absl::StatusOr<InterfaceInfo> interface = FindInterface(stack, request.interface());
    if (!interface.ok()) return interface.status();
    only = interface->index;
  }
  uint32_t removed = 0;
  for (const NeighborInfo& neighbor : stack.Neighbors()) {
    if (only != 0 && neighbor.interface != only) continue;
    if (!Matches(request.family(), neighbor.address.family())) continue;
    const bool permanent =
        neighbor.state == NeighborState::kPermanent || neighbor.state == NeighborState::kNoArp;
    if (permanent && !request.include_permanent()) continue;
    if (stack.RemoveNeighbor(neighbor.interface, neighbor.address).ok()) ++removed;
  }
  return removed;
}

absl::Status Apply(Stack& stack, const v1::SetSysctlRequest& request) {
  return stack.SetSysctl(request.sysctl().name(), request.sysctl().value());
}

}  // namespace moat::sentry
