// The directed broadcast addresses of an IPv4 address (RFC 922, RFC 1122 3.2.1.3).
#ifndef MOAT_NETSTACK_IP_BROADCAST_H_
#define MOAT_NETSTACK_IP_BROADCAST_H_

#include <vector>

#include "netstack/ip/interface.h"
#include "netstack/wire/bytes.h"

namespace moat::netstack {

// {net, -1}, or what was configured. None for /31 (RFC 3021) and /32.
inline std::vector<IpAddress> BroadcastsOf(const AssignedAddress& assigned) {
  if (!assigned.prefix.address.is_v4()) return {};
  if (assigned.options.broadcast.has_value()) {
    if (assigned.options.broadcast->IsUnspecified()) return {};
    return {*assigned.options.broadcast};
  }
  if (assigned.prefix.length >= 31 || assigned.options.peer.has_value()) return {};
  uint8_t bytes[4];
  const uint32_t host_mask =
      assigned.prefix.length == 0 ? 0xffffffffu : (1u << (32 - assigned.prefix.length)) - 1;
  StoreBe32(bytes, LoadBe32(assigned.prefix.address.data()) | host_mask);
  return {IpAddress::V4(bytes)};
}

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_BROADCAST_H_
