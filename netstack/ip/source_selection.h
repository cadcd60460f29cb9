// The source address of a packet whose sender did not choose one: RFC 6724 5 for IPv6, and for IPv4
// what Linux does (an address of the interface on the next hop's subnet, else its first one).
#ifndef MOAT_NETSTACK_IP_SOURCE_SELECTION_H_
#define MOAT_NETSTACK_IP_SOURCE_SELECTION_H_

#include <optional>

#include "netstack/ip/address_policies.h"
#include "netstack/ip/interface.h"
#include "netstack/wire/temporary_addresses.h"

namespace moat::netstack {

std::optional<IpAddress> SelectSource(
    const InterfaceTable& interfaces, const AddressPolicyTable& policies, const Interface& out,
    const IpAddress& destination, const IpAddress& next_hop,
    TemporaryAddresses temporary = TemporaryAddresses::kByInterface);

// Was the prefix of the address advertised by `router`?
bool AdvertisedBy(const AssignedAddress& assigned, const IpAddress& router);

// RFC 6724 3.1, 3.2: 1 interface-local, 2 link-local, 5 site-local, 14 global.
int ScopeOf(const IpAddress& address);

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_SOURCE_SELECTION_H_
