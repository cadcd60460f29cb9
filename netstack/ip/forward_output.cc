#include "netstack/ip/forward_output.h"

#include <algorithm>

#include "netstack/ip/transport_shape.h"
#include "netstack/link/segment.h"
#include "netstack/wire/checksum.h"
#include "netstack/wire/ethernet.h"
#include "netstack/wire/ipv4.h"
#include "netstack/wire/ipv6.h"

namespace moat::netstack {

void ForwardOutput::MakeWritable(Slice& packet) {
  if (packet.unique() && packet.headroom() >= kEthernetHeaderSize) return;
  Slice copy = Slice::Allocate(kEthernetHeaderSize + packet.size());
  copy.RemovePrefix(kEthernetHeaderSize);
  std::memcpy(copy.mutable_data(), packet.data(), packet.size());
  packet = std::move(copy);
}

size_t ForwardOutput::WireSize(const IpPacketIn& packet, size_t transport) {
  if (packet.gso_size == 0) return packet.ip_packet.size();
  const std::span<const uint8_t> bytes = packet.ip_packet.span();
  const uint8_t protocol = bytes[0] >> 4 == 4 ? bytes[9] : packet.protocol;
  const TransportShape shape = ShapeOf(bytes, protocol, transport);
  return std::min(bytes.size(), transport + shape.header_size + packet.gso_size);
}

void ForwardOutput::ToLink(const RouteHandle& route, const IpAddress& source,
                           const LinkPacket& packet) {
  if (route.is_broadcast) {
    (void)next_hops_.SendTo(*route.out, route.group_mac, source.family(), packet);
  } else {
    (void)next_hops_.Send(*route.out, route.next_hop, source, route.neighbor, packet);
  }
}

void ForwardOutput::SendPiece(const RouteHandle& route, const IpAddress& source, uint8_t* header,
                              size_t header_size, std::span<const uint8_t> payload) {
  ToLink(route, source, {header, header_size, {&payload, payload.empty() ? 0u : 1u}, {}});
}

// A packet whose checksum was not verified here is carried as it came. One that was may hold only
// the pseudo header's sum (it never left this machine), so it is completed or left to the link.
void ForwardOutput::Send(const RouteHandle& route, IpPacketIn& packet, uint8_t protocol,
                         size_t transport) {
  Slice& bytes = packet.ip_packet;
  const TransportShape shape = ShapeOf(bytes.span(), protocol, transport);
  LinkPacket out{bytes.mutable_data(), bytes.size(), {}, {}};
  const bool super = packet.gso_size != 0 && shape.header_size != 0 &&
                     bytes.size() - transport - shape.header_size > packet.gso_size;
  if (shape.header_size == 0 || (!super && packet.checksum != RxChecksum::kVerified)) {
    return ToLink(route, packet.source, out);
  }
  uint8_t* field = bytes.mutable_data() + transport + shape.checksum;
  const bool none = protocol == ip_protocol::kUdp && !super && LoadBe16(field) == 0;
  if (none) return ToLink(route, packet.source, out);
  Checksum sum;
  sum.AddPseudoHeader(packet.source, packet.destination, protocol,
                      static_cast<uint32_t>(bytes.size() - transport));
  if (super || route.out->capabilities.tx_checksum_offload) {
    StoreBe16(field, sum.Sum());
    out.offload.needs_checksum = true;
    out.offload.checksum_start = static_cast<uint16_t>(transport);
    out.offload.checksum_offset = static_cast<uint16_t>(shape.checksum);
  } else {
    StoreBe16(field, 0);
    sum.Add(bytes.span().subspan(transport));
    const uint16_t checksum = sum.Finish();
    const bool escape = protocol == ip_protocol::kUdp && checksum == 0;
    StoreBe16(field, escape ? 0xffff : checksum);
  }
  if (!super) return ToLink(route, packet.source, out);
  out.offload.gso = shape.gso;
  out.offload.gso_size = packet.gso_size;
  const size_t headers = transport + shape.header_size;
  const std::span<const uint8_t> payload = bytes.span().subspan(headers);
  out.header_size = headers;
  out.payload = {&payload, 1};
  const LinkCapabilities& link = route.out->capabilities;
  if (link.tx_checksum_offload && bytes.size() <= link.max_gso_bytes) {
    return ToLink(route, packet.source, out);
  }
  SendSegments(route, packet, {bytes.span().first(headers), out.payload, out.offload});
}

void ForwardOutput::SendSegments(const RouteHandle& route, IpPacketIn& packet,
                                 const TxFrame& frame) {
  EmitWireFrames(frame, /*link_header_size=*/0, [&](std::span<const uint8_t> segment) {
    Slice copy = Slice::Allocate(kEthernetHeaderSize + segment.size());
    uint8_t* to = copy.mutable_data() + kEthernetHeaderSize;
    std::memcpy(to, segment.data(), segment.size());
    ToLink(route, packet.source, {to, segment.size(), {}, {}});
  });
}

}  // namespace moat::netstack
