// What IP has to know of the transport header inside a packet: to leave checksums and segments to a
// link, and to count what a link has merged.
#ifndef MOAT_NETSTACK_IP_TRANSPORT_SHAPE_H_
#define MOAT_NETSTACK_IP_TRANSPORT_SHAPE_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "netstack/link/link.h"

namespace moat::netstack {

// Where a transport keeps its checksum and how long its header is; size 0: unknown or cut.
struct TransportShape {
  size_t header_size = 0;
  size_t checksum = 0;
  GsoType gso = GsoType::kNone;
};

// `transport`: the offset of the transport header in `packet`, an IP packet; 0: there is none.
TransportShape ShapeOf(std::span<const uint8_t> packet, uint8_t protocol, size_t transport);

// Of how many segments with `gso_size` octets of payload a packet was merged; at least one.
uint64_t SegmentsOf(std::span<const uint8_t> packet, uint8_t protocol, size_t transport,
                    uint16_t gso_size);

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_TRANSPORT_SHAPE_H_
