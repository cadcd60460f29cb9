// A packet that waits for its next hop's link address.
#ifndef MOAT_NETSTACK_NEIGHBOR_PENDING_PACKET_H_
#define MOAT_NETSTACK_NEIGHBOR_PENDING_PACKET_H_

#include <cstddef>

#include "netstack/link/link.h"
#include "netstack/packet/slice.h"

namespace moat::netstack {

struct PendingPacket {
  // The frame as it will be sent; the link header at its front is not filled yet.
  Slice frame;
  size_t header_size = 0;  // bytes before the payload, as TxFrame::headers
  TxOffload offload;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_NEIGHBOR_PENDING_PACKET_H_
