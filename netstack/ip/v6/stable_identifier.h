// Interface identifiers: what follows the prefix in an autoconfigured address.
#ifndef MOAT_NETSTACK_IP_V6_STABLE_IDENTIFIER_H_
#define MOAT_NETSTACK_IP_V6_STABLE_IDENTIFIER_H_

#include <string_view>

#include "netstack/base/random.h"
#include "netstack/base/siphash.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

// `prefix`/64 with `identifier` behind it.
IpAddress WithIdentifier(const IpAddress& prefix, uint64_t identifier);

// The modified EUI-64 of a link address (RFC 4291 appendix A).
uint64_t EuiIdentifier(const MacAddress& mac);

// RFC 7217 5: the same for the same network and interface, unrelated between networks. The pseudo
// random function is SipHash-2-4 under `secret`; `dad_counter` counts duplicates so far.
uint64_t StableIdentifier(const SipHashKey& secret, const IpAddress& prefix,
                          std::string_view interface, const MacAddress& mac, uint32_t dad_counter);

// RFC 8981 3.3.1, RFC 5453: random, and none of the reserved ones.
uint64_t RandomIdentifier(Random& random);

// RFC 5453: reserved for anycast and the like.
bool IsReservedIdentifier(uint64_t identifier);

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_V6_STABLE_IDENTIFIER_H_
