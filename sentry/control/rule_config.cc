#include "sentry/control/rule_config.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "sentry/control/proto_from_stack.h"
#include "sentry/control/stack_from_proto.h"

namespace moat::sentry {
namespace {

using netstack::Family;
using netstack::Prefix;
using netstack::RouteType;
using netstack::RuleInfo;

// The one that every stack has and that cannot be removed.
RuleInfo MainRule() {
  RuleInfo rule;
  rule.priority = 32766;
  return rule;
}

absl::Status ParseSide(std::string_view field, const std::string& text, RuleInfo* rule,
                       std::optional<Prefix>* side) {
  if (text.empty()) return absl::OkStatus();
  absl::StatusOr<Prefix> prefix = ParseDestination(field, text);
  if (!prefix.ok()) return prefix.status();
  const Family family = prefix->address.family();
  if (rule->family && *rule->family != family) {
    return absl::InvalidArgumentError(
        absl::StrCat(std::string(field), ": \"", text, "\" is not of the rule's family"));
  }
  rule->family = family;
  *side = *prefix;
  return absl::OkStatus();
}

// What routes of a user can be, but throw, which ends the search in one table only.
absl::StatusOr<RouteType> Action(v1::Route::Type type) {
  absl::StatusOr<RouteType> action = AddableType(type);
  if (action.ok() && *action != RouteType::kThrow) return action;
  return absl::InvalidArgumentError("type: a rule cannot be of this type");
}

// All of it but the priority.
absl::StatusOr<RuleInfo> Parse(const v1::Rule& request) {
  RuleInfo rule;
  switch (request.family()) {
    case v1::FAMILY_ANY:
      break;
    case v1::FAMILY_IPV4:
      rule.family = Family::kIpv4;
      break;
    case v1::FAMILY_IPV6:
      rule.family = Family::kIpv6;
      break;
    default:
      return absl::InvalidArgumentError("family: not a family");
  }
  absl::Status status = ParseSide("from", request.from(), &rule, &rule.from);
  if (status.ok()) status = ParseSide("to", request.to(), &rule, &rule.to);
  if (!status.ok()) return status;
  rule.in_interface = request.incoming_interface();
  if (rule.in_interface.size() > netstack::kMaxInterfaceName) {
    return absl::InvalidArgumentError("incoming_interface: a name has at most 15 bytes");
  }
  absl::StatusOr<RouteType> action = Action(request.type());
  if (!action.ok()) return action.status();
  rule.action = *action;
  absl::StatusOr<uint32_t> table = ParseTable(request.table());
  if (!table.ok()) return table.status();
  rule.table = *table;
  if (rule.action != RouteType::kUnicast && request.table() != 0) {
    return absl::InvalidArgumentError("table: a rule that refuses has none");
  }
  return rule;
}

// fib_default_rule_pref(): in front of all that have been added so far.
uint32_t NextPriority(const netstack::Stack& stack) {
  uint32_t lowest = MainRule().priority;
  for (const RuleInfo& rule : stack.Rules()) {
    if (rule.priority != 0) lowest = std::min(lowest, rule.priority);
  }
  return lowest - 1;
}

bool SaysNothing(const v1::Rule& rule) {
  return !rule.has_priority() && rule.from().empty() && rule.to().empty() && rule.table() == 0 &&
         rule.incoming_interface().empty() && rule.type() == v1::Route::TYPE_UNICAST;
}

bool Agrees(const RuleInfo& rule, const v1::Rule& request, const RuleInfo& wanted) {
  if (request.has_priority() && rule.priority != request.priority()) return false;
  if (wanted.family && rule.family && rule.family != wanted.family) return false;
  if (wanted.from && rule.from != wanted.from) return false;
  if (wanted.to && rule.to != wanted.to) return false;
  if (!wanted.in_interface.empty() && rule.in_interface != wanted.in_interface) return false;
  const bool refuses = rule.action != RouteType::kUnicast;
  if (request.table() != 0 && (refuses || rule.table != wanted.table)) return false;
  return wanted.action == RouteType::kUnicast || rule.action == wanted.action;
}

}  // namespace

v1::Rule ToProto(const RuleInfo& rule) {
  v1::Rule out;
  out.set_priority(rule.priority);
  if (rule.family) out.set_family(ToProto(*rule.family));
  if (rule.from) out.set_from(rule.from->ToString());
  if (rule.to) out.set_to(rule.to->ToString());
  out.set_incoming_interface(rule.in_interface);
  out.set_type(ToProto(rule.action));
  if (rule.action == RouteType::kUnicast) out.set_table(rule.table);
  return out;
}

absl::StatusOr<RuleInfo> RuleToAdd(const netstack::Stack& stack, const v1::Rule& request) {
  absl::StatusOr<RuleInfo> rule = Parse(request);
  if (!rule.ok()) return rule.status();
  rule->priority = request.has_priority() ? request.priority() : NextPriority(stack);
  const std::vector<RuleInfo> rules = stack.Rules();
  if (std::find(rules.begin(), rules.end(), *rule) != rules.end()) {
    return absl::AlreadyExistsError("the rule exists");
  }
  return rule;
}

absl::StatusOr<RuleInfo> FindRule(const netstack::Stack& stack, const v1::Rule& request) {
  if (SaysNothing(request)) {
    return absl::InvalidArgumentError("rule: which one is not said");
  }
  absl::StatusOr<RuleInfo> wanted = Parse(request);
  if (!wanted.ok()) return wanted.status();
  absl::Status missing = absl::NotFoundError("no such rule");
  for (const RuleInfo& rule : stack.Rules()) {
    if (!Agrees(rule, request, *wanted)) continue;
    if (rule != MainRule()) return rule;
    missing = absl::FailedPreconditionError("the main table's rule stays");
  }
  return missing;
}

}  // namespace moat::sentry
