// Sending: from a transport's packet to frames on a link, or onto the loopback queue.
#ifndef MOAT_NETSTACK_IP_OUTPUT_H_
#define MOAT_NETSTACK_IP_OUTPUT_H_

#include "netstack/ip/ip_sender.h"
#include "netstack/ip/ip_state.h"
#include "netstack/ip/next_hops.h"
#include "netstack/ip/route_handle.h"

namespace moat::netstack {

class IpOutput {
 public:
  // Longest transport header that a packet may have; more belongs into the payload.
  static constexpr size_t kMaxTransportHeader = 60;

  IpOutput(IpState& state, NextHops& next_hops);

  // As IpSender::Send().
  Error Send(const RouteHandle& route, const IpPacketOut& packet);
  // As IpSender::SendPacket().
  Error SendPacket(const RouteHandle& route, Slice packet, size_t header_size);

 private:
  Error SendWhole(const RouteHandle& route, const IpPacketOut& packet, size_t payload_size,
                  bool gso);
  Error SendFragments(const RouteHandle& route, const IpPacketOut& packet, size_t payload_size);
  // Puts `packet` and its whole transport header on the loopback queue.
  Error Loop(const RouteHandle& route, const IpPacketOut& packet, size_t payload_size,
             InterfaceIndex interface);
  Error PushLooped(LoopedPacket looped, Family family);
  bool HearsItself(const RouteHandle& route, bool multicast_loop) const;
  void LoopGroupCopy(const RouteHandle& route, const IpPacketOut& packet, size_t payload_size);
  Error ToLink(const RouteHandle& route, const LinkPacket& packet);
  void FillChecksum(const RouteHandle& route, const IpPacketOut& packet, size_t payload_size,
                    uint8_t* transport, TxOffload* offload) const;
  // Writes the IP header for `size` bytes behind it; returns its length.
  size_t EmitIp(const RouteHandle& route, const IpPacketOut& packet, size_t size, uint8_t* out);
  uint8_t HopLimit(const RouteHandle& route, const IpPacketOut& packet) const;
  void CountGroup(const RouteHandle& route, IpCounters& counters) const;

  IpState& state_;
  NextHops& next_hops_;
  uint32_t identification_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_OUTPUT_H_
