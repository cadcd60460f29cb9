#include "netstack/transport/raw/raw_protocol.h"

#include <algorithm>

#include "netstack/transport/raw/raw_socket.h"

namespace moat::netstack {
namespace {

constexpr uint64_t kFirstId = uint64_t{RawProtocol::kWholePackets} << 56 | 1;

}  // namespace

RawProtocol::RawProtocol(const TransportEnvironment& environment)
    : environment_(environment),
      settings_(*environment.sysctls, *environment.counters),
      receive_buffer_errors_(*environment.counters, "Raw.RcvbufErrors"),
      memory_errors_(*environment.counters, "Raw.MemErrors"),
      next_id_(kFirstId) {}

RawProtocol::~RawProtocol() = default;

std::unique_ptr<DatagramSocket> RawProtocol::NewSocket(Family family, uint8_t protocol) {
  return std::make_unique<RawSocket>(*this, family, protocol, next_id_++);
}

void RawProtocol::Insert(RawSocket* socket) {
  sockets_[KeyOf(socket->family(), socket->protocol())].push_back(socket);
  listening_ = true;
}

void RawProtocol::Remove(RawSocket* socket) {
  const auto entry = sockets_.find(KeyOf(socket->family(), socket->protocol()));
  std::erase(entry->second, socket);
  if (entry->second.empty()) sockets_.erase(entry);
  listening_ = !sockets_.empty();
}

void RawProtocol::AppendSockets(std::vector<SocketInfo>& out) const {
  const size_t first = out.size();
  for (const auto& [key, sockets] : sockets_) {
    for (const RawSocket* socket : sockets) out.push_back(socket->Info(SocketInfo::Type::kRaw));
  }
  std::sort(out.begin() + static_cast<ptrdiff_t>(first), out.end(),
            [](const SocketInfo& a, const SocketInfo& b) { return a.id < b.id; });
}

bool RawProtocol::Receive(const IpPacketIn& packet) {
  const auto entry = sockets_.find(KeyOf(packet.source.family(), packet.protocol));
  if (entry == sockets_.end()) return false;
  bool taken = false;
  for (RawSocket* socket : entry->second) taken |= socket->Take(packet);
  return taken;
}

bool RawProtocol::MayHaveSent(const IcmpErrorIn& error) const {
  for (const uint8_t protocol : {error.protocol, kWholePackets}) {
    const auto entry = sockets_.find(KeyOf(error.source.family(), protocol));
    if (entry == sockets_.end()) continue;
    for (const RawSocket* socket : entry->second) {
      if (socket->Fits(error.source, error.destination, error.interface)) return true;
    }
  }
  return false;
}

void RawProtocol::ReceiveError(const IcmpErrorIn& error) {
  const auto entry = sockets_.find(KeyOf(error.source.family(), error.protocol));
  if (entry == sockets_.end()) return;
  for (RawSocket* socket : entry->second) {
    if (socket->Fits(error.source, error.destination, error.interface)) {
      socket->DeliverError(error, 0, error.quoted_transport);
    }
  }
}

}  // namespace moat::netstack
