// struct virtio_net_hdr (VIRTIO 1.2, 5.1.6) as AF_PACKET (PACKET_VNET_HDR) and TAP (IFF_VNET_HDR)
// use it: ten bytes before every frame, in host byte order, that say which checksum is left to do
// and how the frame may be segmented.
#ifndef MOAT_NETSTACK_LINK_VNET_HEADER_H_
#define MOAT_NETSTACK_LINK_VNET_HEADER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "netstack/link/link.h"

namespace moat::netstack {

inline constexpr size_t kVnetHeaderSize = 10;

// For sending.
std::array<uint8_t, kVnetHeaderSize> EncodeVnetHeader(const TxFrame& frame);

// For receiving: fills everything of `frame` but its bytes. False when the header contradicts
// itself or names a kind of segmentation that this stack does not know; the frame must be dropped.
bool DecodeVnetHeader(std::span<const uint8_t, kVnetHeaderSize> header, RxFrame& frame);

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_LINK_VNET_HEADER_H_
