// This node's entries in the options of an IPv4 packet.
#ifndef MOAT_NETSTACK_IP_V4_RECORD_HERE_H_
#define MOAT_NETSTACK_IP_V4_RECORD_HERE_H_

#include <span>

#include "netstack/ip/ip_state.h"
#include "netstack/wire/ipv4_options.h"

namespace moat::netstack {

// As RecordInIpv4Options(), with this stack's addresses and time.
inline void RecordHere(const IpState& state, const IpAddress& own, std::span<uint8_t> options) {
  RecordInIpv4Options(
      options, own, InternetTime(state.clock.Now()),
      [](const void* addresses, const IpAddress& address) {
        return static_cast<const AddressTable*>(addresses)->IsLocal(address);
      },
      &state.addresses);
}

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_V4_RECORD_HERE_H_
