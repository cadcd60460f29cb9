// The sending half of forwarding, for both families: a packet of somebody else, its IP header
// final, onto the next link. What the receiving link left undone (checksums, super-segments) is
// handed on to a link that can do it, and done here otherwise.
#ifndef MOAT_NETSTACK_IP_FORWARD_OUTPUT_H_
#define MOAT_NETSTACK_IP_FORWARD_OUTPUT_H_

#include "netstack/ip/ip_state.h"
#include "netstack/ip/next_hops.h"
#include "netstack/ip/route_handle.h"

namespace moat::netstack {

class ForwardOutput {
 public:
  ForwardOutput(IpState& state, NextHops& next_hops) : state_(state), next_hops_(next_hops) {}

  // Makes `packet` writable, with room for a link header in front of it.
  static void MakeWritable(Slice& packet);

  // Largest IP packet that `packet` would be on a wire: of a super-segment, one segment.
  // `transport` is the offset of its transport header.
  static size_t WireSize(const IpPacketIn& packet, size_t transport);

  // Sends `packet.ip_packet`, which is writable. `transport` as above; 0: nothing behind the IP
  // header may be looked at (a fragment).
  void Send(const RouteHandle& route, IpPacketIn& packet, uint8_t protocol, size_t transport);
  // Sends one finished packet of `header` (kEthernetHeaderSize writable bytes precede it) and
  // `payload`.
  void SendPiece(const RouteHandle& route, const IpAddress& source, uint8_t* header,
                 size_t header_size, std::span<const uint8_t> payload);

 private:
  void ToLink(const RouteHandle& route, const IpAddress& source, const LinkPacket& packet);
  void SendSegments(const RouteHandle& route, IpPacketIn& packet, const TxFrame& frame);

  IpState& state_;
  NextHops& next_hops_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_FORWARD_OUTPUT_H_
