#include "netstack/ip/transport_shape.h"

#include "netstack/ip/ip_sender.h"

namespace moat::netstack {
namespace {

constexpr size_t kTcpHeader = 20, kTcpDataOffset = 12, kTcpChecksum = 16;
constexpr size_t kUdpHeader = 8, kUdpChecksum = 6;

}  // namespace

TransportShape ShapeOf(std::span<const uint8_t> packet, uint8_t protocol, size_t transport) {
  if (transport == 0 || transport > packet.size()) return {};
  const std::span<const uint8_t> bytes = packet.subspan(transport);
  if (protocol == ip_protocol::kTcp && bytes.size() >= kTcpHeader) {
    const size_t size = static_cast<size_t>(bytes[kTcpDataOffset] >> 4) * 4;
    if (size < kTcpHeader || size > bytes.size()) return {};
    const bool v4 = packet[0] >> 4 == 4;
    return {size, kTcpChecksum, v4 ? GsoType::kTcpV4 : GsoType::kTcpV6};
  }
  if (protocol == ip_protocol::kUdp && bytes.size() >= kUdpHeader) {
    return {kUdpHeader, kUdpChecksum, GsoType::kUdp};
  }
  return {};
}

uint64_t SegmentsOf(std::span<const uint8_t> packet, uint8_t protocol, size_t transport,
                    uint16_t gso_size) {
  const size_t headers = transport + ShapeOf(packet, protocol, transport).header_size;
  if (gso_size == 0 || packet.size() <= headers + gso_size) return 1;
  return (packet.size() - headers - 1) / gso_size + 1;
}

}  // namespace moat::netstack
