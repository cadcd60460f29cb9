// Packet sockets and who is shown what (packet(7); net/packet/af_packet.c of Linux as behaviour).
//
// While no socket has a protocol the interfaces do not call here (FrameTap::listening()).
#ifndef MOAT_NETSTACK_TRANSPORT_PACKET_PACKET_PROTOCOL_H_
#define MOAT_NETSTACK_TRANSPORT_PACKET_PACKET_PROTOCOL_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "netstack/base/counters.h"
#include "netstack/ip/configuration.h"
#include "netstack/socket/packet_socket.h"
#include "netstack/transport/datagram/settings.h"
#include "netstack/transport/environment.h"
#include "netstack/transport/frame_tap.h"

namespace moat::netstack {

class PacketEndpoint;

// Outlives its sockets. To be made an observer of the stack's interfaces.
class PacketProtocol final : public FrameTap, public StackObserver {
 public:
  // `frames` is borrowed.
  PacketProtocol(const TransportEnvironment& environment, FrameSender& frames);
  ~PacketProtocol() override;

  std::unique_ptr<PacketSocket> NewSocket(bool raw, uint16_t protocol);
  // Whether somebody would see IP packets on `interface`.
  bool WatchesIp(InterfaceIndex interface) const;

  // --- FrameTap --------------------------------------------------------------------------------
  void See(const TappedFrame& frame) override;

  // --- StackObserver ---------------------------------------------------------------------------
  void OnInterfaceChanged(const InterfaceInfo& interface, bool removed) override;
  void OnAddressChanged(const AddressInfo&, bool) override {}
  void OnRouteChanged(const RouteInfo&, bool) override {}
  void OnNeighborChanged(const NeighborInfo&, bool) override {}

 private:
  friend class PacketEndpoint;

  void Insert(PacketEndpoint* socket);
  void Remove(PacketEndpoint* socket);
  // A socket's protocol has changed.
  void Reconsider();

  TransportEnvironment environment_;
  FrameSender& frames_;
  DatagramSettings settings_;
  Counter captured_;  // Packet.Captured: frames put into a socket's queue
  Counter dropped_;   // Packet.Dropped: that a full queue, or the memory budget, refused
  std::vector<PacketEndpoint*> sockets_;
  uint64_t next_id_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TRANSPORT_PACKET_PACKET_PROTOCOL_H_
