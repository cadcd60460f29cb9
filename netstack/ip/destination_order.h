// The order in which the addresses of a name are to be tried: RFC 6724 6, with IPv4 and IPv6 side
// by side. A pure function of what is known about the way to each; IpLayer::OrderDestinations()
// finds that out.
//
// Rules 4 (home addresses) and 7 (native transport) never decide: there is neither mobile IPv6 nor
// a tunnel here. Rule 9 compares IPv6 destinations as the RFC says. DEVIATION: of IPv4 destinations
// only those on the source's own subnet are put first, as glibc has it: beyond it a longer common
// prefix means nothing, and would defeat names that give their addresses in turn (the RFC lets
// implementations supersede rule 9).
#ifndef MOAT_NETSTACK_IP_DESTINATION_ORDER_H_
#define MOAT_NETSTACK_IP_DESTINATION_ORDER_H_

#include <optional>
#include <span>
#include <vector>

#include "netstack/ip/address_policies.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

struct DestinationWay {
  IpAddress destination{};       // IPv4 as such, not mapped
  bool unreachable = false;      // known to be
  std::optional<Prefix> source;  // that would be chosen, with its subnet; absent: there is none
  bool deprecated = false;       // the source is
};

// The positions of `ways`, best first; equals stay in their order (rule 10).
std::vector<size_t> OrderDestinations(const AddressPolicyTable& policies,
                                      std::span<const DestinationWay> ways);

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_DESTINATION_ORDER_H_
