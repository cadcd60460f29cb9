// A link: where frames leave the stack. Frames enter it by Stack::Receive(), called by whoever read
// them, so a link needs no back pointer and no thread.
#ifndef MOAT_NETSTACK_LINK_LINK_H_
#define MOAT_NETSTACK_LINK_LINK_H_

#include <cstdint>
#include <span>

#include "netstack/packet/slice.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

enum class GsoType : uint8_t { kNone, kTcpV4, kTcpV6, kUdp };

// Work that a sender leaves to the link, in the terms of virtio_net_hdr (VIRTIO 1.2, 5.1.6).
struct TxOffload {
  // The checksum field at checksum_start + checksum_offset holds the pseudo-header sum; the link
  // (or the receiver beyond a virtual one) completes it over all bytes from checksum_start.
  bool needs_checksum = false;
  uint16_t checksum_start = 0;   // from the start of the frame
  uint16_t checksum_offset = 0;
  GsoType gso = GsoType::kNone;  // segment the payload into gso_size pieces, repeating the headers
  uint16_t gso_size = 0;         // payload bytes per segment
};

// A frame to send. All spans are borrowed until Transmit() returns.
struct TxFrame {
  std::span<const uint8_t> headers{};                 // from the link header up to the payload
  std::span<const std::span<const uint8_t>> payload{};  // gathered; may be empty
  TxOffload offload{};

  size_t payload_size() const {
    size_t size = 0;
    for (const auto& piece : payload) size += piece.size();
    return size;
  }
  size_t size() const { return headers.size() + payload_size(); }
};

enum class RxChecksum : uint8_t {
  kUnverified,  // the stack must verify
  kVerified,  // the device verified it, or it never left memory (needs_checksum on a virtual link)
};

// A received frame, possibly a super-segment (GRO) of up to 64 KiB.
struct RxFrame {
  Slice bytes{};  // from the link header on; from the IP header on links without one
  // Of the transport header; IPv4's own is always checked.
  RxChecksum checksum = RxChecksum::kUnverified;
  GsoType gso = GsoType::kNone;
  uint16_t gso_size = 0;  // size of the segments that were merged; 0 when the frame is one segment
  // kVerified because it never was computed: the field holds the pseudo-header sum.
  bool checksum_missing = false;
};

struct LinkCapabilities {
  bool has_ethernet_header = true;  // false: loopback, point-to-point IP links
  bool tx_checksum_offload = false;
  // Largest IP packet accepted with gso set; 0 when the link cannot segment.
  uint32_t max_gso_bytes = 0;
};

class Link {
 public:
  virtual ~Link() = default;

  virtual LinkCapabilities capabilities() const = 0;

  // Sends one frame, now or with others at the next Flush(), in order. False: dropped because the
  // queue below is full (counted by the caller); the caller never retries by itself, protocols do.
  virtual bool Transmit(const TxFrame& frame) = 0;

  // Sends what Transmit() kept. The stack calls it at the end of its own Flush().
  virtual void Flush() {}
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_LINK_LINK_H_
