// The names of what there is once for each family: counters above all.
#ifndef MOAT_NETSTACK_WIRE_FAMILY_NAME_H_
#define MOAT_NETSTACK_WIRE_FAMILY_NAME_H_

#include <string_view>

#include "netstack/wire/address.h"

namespace moat::netstack {

// Which of the two is the family's.
constexpr std::string_view NameFor(Family family, std::string_view v4, std::string_view v6) {
  return family == Family::kIpv4 ? v4 : v6;
}

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_WIRE_FAMILY_NAME_H_
