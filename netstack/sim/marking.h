// What a router does to an ECN-capable packet instead of dropping it (RFC 3168 5, 23).
#ifndef MOAT_NETSTACK_SIM_MARKING_H_
#define MOAT_NETSTACK_SIM_MARKING_H_

#include "netstack/packet/slice.h"

namespace moat::netstack::sim {

// Sets CE in the Ethernet frame's IP header when it says ECT(0) or ECT(1); the IPv4 checksum stays
// right. A sender may keep the frame, so it is copied. False: not ECN-capable, unchanged.
bool MarkCongestion(Slice& frame);

}  // namespace moat::netstack::sim

#endif  // MOAT_NETSTACK_SIM_MARKING_H_
