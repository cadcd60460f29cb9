// What packet sockets are shown: frames and looped packets, put into the terms of packet(7). Called
// only while somebody listens.
#ifndef MOAT_NETSTACK_IP_FRAME_TAPS_H_
#define MOAT_NETSTACK_IP_FRAME_TAPS_H_

#include <cstddef>
#include <cstdint>

#include "netstack/ip/interface.h"
#include "netstack/ip/loopback_queue.h"
#include "netstack/link/link.h"
#include "netstack/transport/frame_tap.h"
#include "netstack/wire/ethernet.h"

namespace moat::netstack {

inline uint16_t LinkTypeOf(const Interface& interface) {
  if (interface.loopback) return link_type::kLoopback;
  return interface.capabilities.has_ethernet_header ? link_type::kEthernet : link_type::kNone;
}

// As packet sockets see it: loopback has an Ethernet header there.
inline size_t LinkHeaderSize(const Interface& interface) {
  return interface.loopback || interface.capabilities.has_ethernet_header ? kEthernetHeaderSize : 0;
}

void TapReceived(FrameTap& tap, const Interface& in, const RxFrame& frame);
void TapSent(FrameTap& tap, const Interface& out, const TxFrame& frame, const void* origin);
// A packet of the loopback interface, on its way out or back in.
void TapLooped(FrameTap& tap, const Interface& loopback, const LoopedPacket& looped,
               FrameType type);

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_FRAME_TAPS_H_
