// How long what routers advertise lasts.
#ifndef MOAT_NETSTACK_IP_V6_NDP_LIFETIME_H_
#define MOAT_NETSTACK_IP_V6_NDP_LIFETIME_H_

#include <cstdint>

#include "netstack/base/time.h"

namespace moat::netstack {

inline constexpr Duration kForever = Duration::max();

// A lifetime as messages have it, in seconds: all ones are infinity (RFC 4861 4.6.2).
inline Duration NdpLifetime(uint32_t in_seconds) {
  constexpr uint32_t kInfinite = 0xffffffff;
  return in_seconds == kInfinite ? kForever : Duration(std::chrono::seconds(in_seconds));
}

inline Time EndOf(Duration lifetime, Time now) {
  return lifetime == kForever ? kNever : now + lifetime;
}

inline Duration LeftUntil(Time end, Time now) { return end == kNever ? kForever : end - now; }

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_V6_NDP_LIFETIME_H_
