#include "netstack/link/vnet_header.h"

#include <cstring>

namespace moat::netstack {
namespace {

constexpr uint8_t kNeedsChecksum = 1;  // VIRTIO_NET_HDR_F_NEEDS_CSUM
constexpr uint8_t kDataValid = 2;      // VIRTIO_NET_HDR_F_DATA_VALID
constexpr uint8_t kGsoEcn = 0x80;      // VIRTIO_NET_HDR_GSO_ECN: CWR is set on the first segment

struct GsoRow {
  GsoType type;
  uint8_t wire;
};
constexpr GsoRow kGsoTypes[] = {
    {GsoType::kNone, 0},
    {GsoType::kTcpV4, 1},
    {GsoType::kTcpV6, 4},
    {GsoType::kUdp, 5},  // VIRTIO_NET_HDR_GSO_UDP_L4
};

// Offsets of the fields.
constexpr size_t kFlags = 0, kGsoType = 1, kHeaderLength = 2, kGsoSize = 4, kChecksumStart = 6,
                 kChecksumOffset = 8;

void Store(std::span<uint8_t> out, size_t offset, uint16_t value) {
  std::memcpy(out.data() + offset, &value, sizeof(value));
}

}  // namespace

std::array<uint8_t, kVnetHeaderSize> EncodeVnetHeader(const TxFrame& frame) {
  std::array<uint8_t, kVnetHeaderSize> header{};
  const TxOffload& offload = frame.offload;
  if (offload.needs_checksum) {
    header[kFlags] = kNeedsChecksum;
    Store(header, kChecksumStart, offload.checksum_start);
    Store(header, kChecksumOffset, offload.checksum_offset);
  }
  // What fits one segment is none: the kernel refuses some of those.
  if (offload.gso == GsoType::kNone || frame.payload_size() <= offload.gso_size) return header;
  for (const GsoRow& row : kGsoTypes) {
    if (row.type == offload.gso) header[kGsoType] = row.wire;
  }
  Store(header, kHeaderLength, static_cast<uint16_t>(frame.headers.size()));
  Store(header, kGsoSize, offload.gso_size);
  return header;
}

bool DecodeVnetHeader(std::span<const uint8_t, kVnetHeaderSize> header, RxFrame& frame) {
  const bool good = (header[kFlags] & (kNeedsChecksum | kDataValid)) != 0;
  frame.checksum = good ? RxChecksum::kVerified : RxChecksum::kUnverified;
  frame.checksum_missing = (header[kFlags] & kNeedsChecksum) != 0;
  frame.gso = GsoType::kNone;
  frame.gso_size = 0;
  const uint8_t wire = header[kGsoType] & static_cast<uint8_t>(~kGsoEcn);
  if (wire == 0) return true;
  for (const GsoRow& row : kGsoTypes) {
    if (row.wire != wire) continue;
    frame.gso = row.type;
    std::memcpy(&frame.gso_size, header.data() + kGsoSize, sizeof(frame.gso_size));
    return frame.gso_size != 0;
  }
  return false;
}

}  // namespace moat::netstack
