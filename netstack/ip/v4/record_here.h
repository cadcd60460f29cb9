// This node's entries in the options of an IPv4 packet.
#ifndef MOAT_NETSTACK_IP_V4_RECORD_HERE_H_
#define MOAT_NETSTACK_IP_V4_RECORD_HERE_H_

#include <span>

#include "netstack/ip/ip_state.h"
#include "netstack/wire/ipv4_options.h"

namespace moat::netstack {

// Milliseconds of the day, as ICMP and IP options have them (RFC 792, RFC 791 3.1). DEVIATION: the
// stack has no clock of the day, so they count from its own epoch and carry the bit that says so.
inline uint32_t InternetTime(Time now) {
  constexpr int64_t kMillisecondsPerDay = 86400000;
  const int64_t since = now.time_since_epoch() / std::chrono::milliseconds(1);
  return 0x80000000u | static_cast<uint32_t>(since % kMillisecondsPerDay);
}

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
