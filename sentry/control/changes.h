// The changes that an operator may make, each all or nothing, on a locked stack.
#ifndef MOAT_SENTRY_CONTROL_CHANGES_H_
#define MOAT_SENTRY_CONTROL_CHANGES_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "moat/v1/sandbox.pb.h"
#include "netstack/stack/stack.h"

namespace moat::sentry {

absl::Status Apply(netstack::Stack& stack, const v1::SetInterfaceRequest& request);
absl::Status Apply(netstack::Stack& stack, const v1::AddAddressRequest& request);
absl::Status Apply(netstack::Stack& stack, const v1::RemoveAddressRequest& request);
absl::Status Apply(netstack::Stack& stack, const v1::AddRouteRequest& request);
absl::Status Apply(netstack::Stack& stack, const v1::RemoveRouteRequest& request);
absl::Status Apply(netstack::Stack& stack, const v1::AddRuleRequest& request);
absl::Status Apply(netstack::Stack& stack, const v1::RemoveRuleRequest& request);
absl::Status Apply(netstack::Stack& stack, const v1::SetRouterAdvertisementRequest& request);
absl::Status Apply(netstack::Stack& stack, const v1::UnsetRouterAdvertisementRequest& request);
absl::Status Apply(netstack::Stack& stack, const v1::AddAddressPolicyRequest& request);
absl::Status Apply(netstack::Stack& stack, const v1::RemoveAddressPolicyRequest& request);
absl::Status Apply(netstack::Stack& stack, const v1::ResetAddressPoliciesRequest& request);
absl::Status Apply(netstack::Stack& stack, const v1::AddNeighborRequest& request);
absl::Status Apply(netstack::Stack& stack, const v1::RemoveNeighborRequest& request);
absl::Status Apply(netstack::Stack& stack, const v1::SetSysctlRequest& request);
// Returns how many entries were removed.
absl::StatusOr<uint32_t> Apply(netstack::Stack& stack, const v1::FlushNeighborsRequest& request);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_CONTROL_CHANGES_H_
