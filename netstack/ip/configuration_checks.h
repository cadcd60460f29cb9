// What configuration calls check of their arguments, and say when it does not hold.
#ifndef MOAT_NETSTACK_IP_CONFIGURATION_CHECKS_H_
#define MOAT_NETSTACK_IP_CONFIGURATION_CHECKS_H_

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "netstack/link/link.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

inline absl::Status NoInterface(InterfaceIndex index) {
  return absl::NotFoundError(absl::StrCat("no interface with index ", index));
}

inline absl::Status CheckPrefix(const Prefix& prefix) {
  if (prefix.length >= 0 && prefix.length <= prefix.address.bits()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("bad prefix length ", prefix.length));
}

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_CONFIGURATION_CHECKS_H_
