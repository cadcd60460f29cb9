// The last step of sending: a finished frame onto an interface's link, counted.
#ifndef MOAT_NETSTACK_IP_FRAME_OUTPUT_H_
#define MOAT_NETSTACK_IP_FRAME_OUTPUT_H_

#include "netstack/base/error.h"
#include "netstack/ip/frame_taps.h"
#include "netstack/ip/interface.h"
#include "netstack/ip/ip_state.h"

namespace moat::netstack {

// kNoBuffers when the link is full, kNetworkDown when the interface is down. Without carrier the
// frame is dropped in silence, as a queueing discipline would. `origin`: the packet socket that
// sends it.
inline Error TransmitFrame(Interface& interface, const TxFrame& frame, IpState& state,
                           const void* origin = nullptr) {
  DropCounters& drops = state.drops;
  if (!interface.active() || interface.link == nullptr) {
    drops.Count(DropReason::kInterfaceDown);
    return Error::kNetworkDown;
  }
  if (!interface.running) {
    ++interface.counters.tx_dropped;
    drops.Count(DropReason::kNoCarrier);
    return Error::kOk;
  }
  if (state.tapped()) [[unlikely]] TapSent(*state.tap, interface, frame, origin);
  if (!interface.link->Transmit(frame)) {
    ++interface.counters.tx_dropped;
    drops.Count(DropReason::kLinkFull);
    return Error::kNoBuffers;
  }
  ++interface.counters.tx_packets;
  interface.counters.tx_bytes += frame.size();
  return Error::kOk;
}

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_FRAME_OUTPUT_H_
