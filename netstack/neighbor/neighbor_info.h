// What the outside sees of a neighbour (ip neigh).
#ifndef MOAT_NETSTACK_NEIGHBOR_NEIGHBOR_INFO_H_
#define MOAT_NETSTACK_NEIGHBOR_NEIGHBOR_INFO_H_

#include <cstdint>

#include "netstack/wire/address.h"

namespace moat::netstack {

// RFC 4861 7.3.2; kFailed as in Linux, kept to be seen and retried; kPermanent and kNoArp never
// change by themselves.
enum class NeighborState : uint8_t {
  kIncomplete, kReachable, kStale, kDelay, kProbe, kFailed, kPermanent, kNoArp,
};

struct NeighborInfo {
  InterfaceIndex interface = 0;
  IpAddress address;
  MacAddress mac;
  NeighborState state = NeighborState::kIncomplete;
  bool router = false;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_NEIGHBOR_NEIGHBOR_INFO_H_
