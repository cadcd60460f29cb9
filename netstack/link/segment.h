// Software segmentation and checksum completion: what a device would do with TxOffload, for links
// whose device cannot, and for tests and simulations that want to see the frames of the wire.
#ifndef MOAT_NETSTACK_LINK_SEGMENT_H_
#define MOAT_NETSTACK_LINK_SEGMENT_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/functional/function_ref.h"
#include "netstack/link/link.h"

namespace moat::netstack {

// Calls `emit` with each complete frame that `frame` stands for: one, or one per gso_size bytes of
// payload with lengths, IPv4 identification, TCP sequence and flags advanced (CWR on the first, FIN
// and PSH on the last, RFC 9293, RFC 3168). `link_header_size` bytes precede the IP header. Spans
// are good during the call only. A frame whose headers do not match its offload is emitted as it
// is.
void EmitWireFrames(const TxFrame& frame, size_t link_header_size,
                    absl::FunctionRef<void(std::span<const uint8_t> bytes)> emit);

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_LINK_SEGMENT_H_
