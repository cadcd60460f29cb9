#include "sentry/control/policy_config.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "sentry/control/stack_from_proto.h"

namespace moat::sentry {
namespace {

using netstack::AddressPolicy;
using netstack::Prefix;

// As the stack keeps it: IPv4 prefixes below ::ffff:0:0/96.
absl::StatusOr<Prefix> ParseRow(const std::string& text) {
  absl::StatusOr<Prefix> prefix = ParseDestination("prefix", text);
  if (!prefix.ok() || prefix->address.is_v6()) return prefix;
  return Prefix{prefix->address.MapToV6(), prefix->length + 96};
}

absl::Status Narrow(const char* field, uint32_t value, int* out) {
  if (value > static_cast<uint32_t>(std::numeric_limits<int>::max())) {
    return absl::InvalidArgumentError(absl::StrCat(field, ": ", value, " is too much"));
  }
  *out = static_cast<int>(value);
  return absl::OkStatus();
}

// `rows` is in the stack's order, the longest prefixes first.
const AddressPolicy& Speaker(const std::vector<AddressPolicy>& rows, const Prefix& prefix) {
  static const AddressPolicy rest{{}, 40, 1};  // what no row covers is as RFC 6724 2.1's ::/0
  const auto covers = [&](const AddressPolicy& row) {
    return row.prefix.length <= prefix.length &&
           prefix.address.InPrefix(row.prefix.address, row.prefix.length);
  };
  const auto found = std::find_if(rows.begin(), rows.end(), covers);
  return found == rows.end() ? rest : *found;
}

auto FindRow(std::vector<AddressPolicy>& rows, const Prefix& prefix) {
  return std::find_if(rows.begin(), rows.end(),
                      [&](const AddressPolicy& row) { return row.prefix == prefix; });
}

}  // namespace

v1::AddressPolicy ToProto(const AddressPolicy& policy) {
  v1::AddressPolicy out;
  out.set_prefix(policy.prefix.ToString());
  out.set_precedence(static_cast<uint32_t>(policy.precedence));
  out.set_label(static_cast<uint32_t>(policy.label));
  return out;
}

absl::StatusOr<std::vector<AddressPolicy>> WithPolicy(const netstack::Stack& stack,
                                                      const v1::AddressPolicy& request,
                                                      bool replace) {
  absl::StatusOr<Prefix> prefix = ParseRow(request.prefix());
  if (!prefix.ok()) return prefix.status();
  std::vector<AddressPolicy> rows = stack.AddressPolicies();
  AddressPolicy added{*prefix, Speaker(rows, *prefix).precedence, 0};
  absl::Status status = Narrow("label", request.label(), &added.label);
  if (status.ok() && request.has_precedence()) {
    status = Narrow("precedence", request.precedence(), &added.precedence);
  }
  if (!status.ok()) return status;
  const auto known = FindRow(rows, *prefix);
  if (known == rows.end()) {
    rows.push_back(added);
  } else if (replace) {
    *known = added;
  } else {
    return absl::AlreadyExistsError(
        absl::StrCat("there is an address policy for ", prefix->ToString()));
  }
  return rows;
}

absl::StatusOr<std::vector<AddressPolicy>> WithoutPolicy(const netstack::Stack& stack,
                                                         const std::string& text) {
  absl::StatusOr<Prefix> prefix = ParseRow(text);
  if (!prefix.ok()) return prefix.status();
  std::vector<AddressPolicy> rows = stack.AddressPolicies();
  const auto known = FindRow(rows, *prefix);
  if (known == rows.end()) {
    return absl::NotFoundError(absl::StrCat("no address policy for ", prefix->ToString()));
  }
  rows.erase(known);
  return rows;
}

}  // namespace moat::sentry
