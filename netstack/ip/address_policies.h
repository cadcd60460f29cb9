// The policy table of RFC 6724 2.1: for each address a precedence (destinations with a higher one
// are tried first) and a label (sources go with destinations of the same label), by the longest
// matching prefix. IPv4 addresses are looked up as ::ffff:a.b.c.d (RFC 6724 3.2), and prefixes are
// kept so.
#ifndef MOAT_NETSTACK_IP_ADDRESS_POLICIES_H_
#define MOAT_NETSTACK_IP_ADDRESS_POLICIES_H_

#include <span>
#include <vector>

#include "absl/status/status.h"
#include "netstack/ip/configuration.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

inline constexpr size_t kMaxAddressPolicies = 256;

class AddressPolicyTable {
 public:
  AddressPolicyTable();  // with RFC 6724's default rows

  // Replaces all rows; without any the default ones come back. Precedences and labels are not
  // negative, prefixes differ. On an error nothing changes.
  absl::Status Set(std::span<const AddressPolicy> rows);

  // What no row covers is like the rest of the world in the default table: ::/0, 40, 1.
  const AddressPolicy& Of(const IpAddress& address) const;
  int LabelOf(const IpAddress& address) const { return Of(address).label; }
  int PrecedenceOf(const IpAddress& address) const { return Of(address).precedence; }

  const std::vector<AddressPolicy>& rows() const { return rows_; }

 private:
  std::vector<AddressPolicy> rows_;  // the longest prefixes first
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_ADDRESS_POLICIES_H_
