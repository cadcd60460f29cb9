#include "netstack/ip/address_policies.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "netstack/ip/configuration_checks.h"

namespace moat::netstack {
namespace {

// RFC 6724 2.1.
struct DefaultRow {
  const char* prefix;
  int precedence;
  int label;
};
constexpr DefaultRow kDefault[] = {
    {"::1/128", 50, 0},        // loopback
    {"::/0", 40, 1},           // native IPv6
    {"::ffff:0:0/96", 35, 4},  // IPv4
    {"2002::/16", 30, 2},      // 6to4
    {"2001::/32", 5, 5},       // Teredo
    {"fc00::/7", 3, 13},       // unique local
    {"::/96", 1, 3},           // IPv4-compatible
    {"fec0::/10", 1, 11},      // site-local
    {"3ffe::/16", 1, 12},      // 6bone
};

std::vector<AddressPolicy> DefaultRows() {
  std::vector<AddressPolicy> rows;
  for (const DefaultRow& row : kDefault) {
    rows.push_back({*Prefix::Parse(row.prefix), row.precedence, row.label});
  }
  return rows;
}

Prefix AsV6(const Prefix& prefix) {
  const int length = prefix.address.is_v4() ? prefix.length + 96 : prefix.length;
  const IpAddress address = prefix.address.is_v4() ? prefix.address.MapToV6() : prefix.address;
  return {address.Prefix(length), length};
}

// Longest first, and what is the same side by side.
bool Before(const AddressPolicy& a, const AddressPolicy& b) {
  return a.prefix.length != b.prefix.length ? a.prefix.length > b.prefix.length
                                            : a.prefix.address < b.prefix.address;
}

}  // namespace

AddressPolicyTable::AddressPolicyTable() : rows_(DefaultRows()) {
  std::sort(rows_.begin(), rows_.end(), Before);
}

absl::Status AddressPolicyTable::Set(std::span<const AddressPolicy> rows) {
  if (rows.size() > kMaxAddressPolicies) {
    return absl::ResourceExhaustedError("too many address policies");
  }
  std::vector<AddressPolicy> added(rows.begin(), rows.end());
  for (AddressPolicy& row : added) {
    if (absl::Status status = CheckPrefix(row.prefix); !status.ok()) return status;
    if (row.precedence < 0 || row.label < 0) {
      return absl::InvalidArgumentError("a precedence or label is negative");
    }
    row.prefix = AsV6(row.prefix);
  }
  if (added.empty()) added = DefaultRows();
  std::sort(added.begin(), added.end(), Before);
  const auto twice =
      std::adjacent_find(added.begin(), added.end(),
                         [](const auto& a, const auto& b) { return a.prefix == b.prefix; });
  if (twice != added.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("two address policies for ", twice->prefix.ToString()));
  }
  rows_ = std::move(added);
  return absl::OkStatus();
}

const AddressPolicy& AddressPolicyTable::Of(const IpAddress& address) const {
  static const AddressPolicy rest{{IpAddress::Any(Family::kIpv6), 0}, 40, 1};
  const IpAddress key = address.is_v4() ? address.MapToV6() : address;
  for (const AddressPolicy& row : rows_) {
    if (key.InPrefix(row.prefix.address, row.prefix.length)) return row;
  }
  return rest;
}

}  // namespace moat::netstack
