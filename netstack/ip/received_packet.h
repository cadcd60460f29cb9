// What the link layer knows about a packet that it hands to IP.
#ifndef MOAT_NETSTACK_IP_RECEIVED_PACKET_H_
#define MOAT_NETSTACK_IP_RECEIVED_PACKET_H_

#include "netstack/link/link.h"

namespace moat::netstack {

struct LinkMetadata {
  RxChecksum checksum = RxChecksum::kUnverified;
  uint16_t gso_size = 0;
  bool link_group = false;      // broadcast or multicast frame
  bool link_broadcast = false;
  bool looped = false;          // never left this stack
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_RECEIVED_PACKET_H_
