#include "netstack/transport/packet/packet_protocol.h"

#include <algorithm>

#include "netstack/transport/packet/packet_endpoint.h"
#include "netstack/wire/ethernet.h"

namespace moat::netstack {
namespace {

constexpr uint64_t kFirstId = uint64_t{17} << 48 | 1;  // AF_PACKET; raw sockets begin at 255 << 56

}  // namespace

PacketProtocol::PacketProtocol(const TransportEnvironment& environment, FrameSender& frames)
    : environment_(environment),
      frames_(frames),
      settings_(*environment.sysctls, *environment.counters),
      captured_(*environment.counters, "Packet.Captured"),
      dropped_(*environment.counters, "Packet.Dropped"),
      next_id_(kFirstId) {}

PacketProtocol::~PacketProtocol() = default;

std::unique_ptr<PacketSocket> PacketProtocol::NewSocket(bool raw, uint16_t protocol) {
  return std::make_unique<PacketEndpoint>(*this, raw, protocol, next_id_++);
}

void PacketProtocol::Insert(PacketEndpoint* socket) {
  sockets_.push_back(socket);
  Reconsider();
}

void PacketProtocol::Remove(PacketEndpoint* socket) {
  std::erase(sockets_, socket);
  Reconsider();
}

void PacketProtocol::Reconsider() {
  listening_ = std::any_of(sockets_.begin(), sockets_.end(),
                           [](const PacketEndpoint* socket) { return socket->listening(); });
}

bool PacketProtocol::WatchesIp(InterfaceIndex interface) const {
  return listening_ &&
         std::any_of(sockets_.begin(), sockets_.end(), [interface](const PacketEndpoint* socket) {
           return socket->Takes(interface, ethertype::kIpv4) ||
                  socket->Takes(interface, ethertype::kIpv6);
         });
}

void PacketProtocol::See(const TappedFrame& frame) {
  for (PacketEndpoint* socket : sockets_) socket->See(frame);
}

void PacketProtocol::OnInterfaceChanged(const InterfaceInfo& interface, bool removed) {
  for (PacketEndpoint* socket : sockets_) socket->InterfaceChanged(interface, removed);
}

}  // namespace moat::netstack
