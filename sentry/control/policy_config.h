// Address policies of moat.v1 and of the stack, in both directions.
#ifndef MOAT_SENTRY_CONTROL_POLICY_CONFIG_H_
#define MOAT_SENTRY_CONTROL_POLICY_CONFIG_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "moat/v1/sandbox.pb.h"
#include "netstack/stack/stack.h"

namespace moat::sentry {

v1::AddressPolicy ToProto(const netstack::AddressPolicy& policy);

// The stack's rows with that of the request in its place. kInvalidArgument names the field;
// kAlreadyExists when there is a row of this prefix, unless `replace`.
absl::StatusOr<std::vector<netstack::AddressPolicy>> WithPolicy(const netstack::Stack& stack,
                                                                const v1::AddressPolicy& request,
                                                                bool replace);
// The stack's rows without the one of `prefix`. kNotFound.
absl::StatusOr<std::vector<netstack::AddressPolicy>> WithoutPolicy(const netstack::Stack& stack,
                                                                   const std::string& prefix);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_CONTROL_POLICY_CONFIG_H_
