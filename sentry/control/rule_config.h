// Policy rules of moat.v1 and of the stack, in both directions.
#ifndef MOAT_SENTRY_CONTROL_RULE_CONFIG_H_
#define MOAT_SENTRY_CONTROL_RULE_CONFIG_H_

#include "absl/status/statusor.h"
#include "moat/v1/sandbox.pb.h"
#include "netstack/stack/stack.h"

namespace moat::sentry {

v1::Rule ToProto(const netstack::RuleInfo& rule);

// A rule to add, its priority chosen as the kernel would when the request has none.
// kInvalidArgument names the field; kAlreadyExists when the stack has it.
absl::StatusOr<netstack::RuleInfo> RuleToAdd(const netstack::Stack& stack, const v1::Rule& request);

// The first rule of the stack that agrees with every field that the request sets. kNotFound, or
// kFailedPrecondition when that is the main table's own, which stays.
absl::StatusOr<netstack::RuleInfo> FindRule(const netstack::Stack& stack, const v1::Rule& request);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_CONTROL_RULE_CONFIG_H_
