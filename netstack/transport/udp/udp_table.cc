#include "netstack/transport/udp/udp_table.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "netstack/transport/udp/udp_socket.h"

namespace moat::netstack {
namespace {

// -1: not for this socket.
int Score(const UdpSocket& socket, const UdpFlow& flow) {
  if (!socket.TakesFamily(flow.local.family()) || !socket.TakesInterface(flow.interface)) return -1;
  return (socket.family() == flow.local.family() ? 1 : 0) + (socket.device() != 0 ? 4 : 0);
}

template <typename Map, typename Key>
void Erase(Map& map, const Key& key, UdpSocket* socket) {
  const auto entry = map.find(key);
  if (entry == map.end()) return;
  std::erase(entry->second, socket);
  if (entry->second.empty()) map.erase(entry);
}

}  // namespace

UdpTable::BoundKey UdpTable::LocalKey(const UdpSocket& socket) {
  return {socket.local_address(), socket.local_port()};
}

UdpTable::ConnectedKey UdpTable::TupleKey(const UdpSocket& socket) {
  return {LocalKey(socket), {socket.remote()->address, socket.remote()->port}};
}

void UdpTable::Insert(UdpSocket* socket) {
  ++size_;
  if (socket->remote()) {
    connected_[TupleKey(*socket)].push_back(socket);
  } else {
    bound_[LocalKey(*socket)].push_back(socket);
  }
}

void UdpTable::Remove(UdpSocket* socket) {
  --size_;
  if (socket->remote()) {
    Erase(connected_, TupleKey(*socket), socket);
  } else {
    Erase(bound_, LocalKey(*socket), socket);
  }
}

const UdpTable::Sockets* UdpTable::Bound(const IpAddress& address, uint16_t port) const {
  const auto entry = bound_.find(BoundKey{address, port});
  return entry == bound_.end() ? nullptr : &entry->second;
}

UdpSocket* UdpTable::AmongReusePort(const std::vector<UdpSocket*>& equals,
                                    const UdpFlow& flow) const {
  std::array<uint8_t, 36> tuple{};
  std::memcpy(tuple.data(), flow.local.data(), flow.local.size());
  std::memcpy(tuple.data() + 16, flow.remote.data(), flow.remote.size());
  std::memcpy(tuple.data() + 32, &flow.local_port, 2);
  std::memcpy(tuple.data() + 34, &flow.remote_port, 2);
  const uint64_t hash = SipHash(key_, tuple) & 0xffffffff;
  return equals[static_cast<size_t>((hash * equals.size()) >> 32)];
}

UdpSocket* UdpTable::Best(const Sockets* first, const Sockets* second, const UdpFlow& flow) const {
  int best_score = -1;
  UdpSocket* best = nullptr;
  bool shared = false;
  for (const Sockets* sockets : {first, second}) {
    if (sockets == nullptr) continue;
    for (UdpSocket* socket : *sockets) {
      const int score = Score(*socket, flow);
      if (score < 0 || score < best_score) continue;
      shared = score == best_score && best->options().reuse_port && socket->options().reuse_port;
      best_score = score;
      best = socket;
    }
  }
  if (!shared) return best;
  std::vector<UdpSocket*> equals;
  for (const Sockets* sockets : {first, second}) {
    if (sockets == nullptr) continue;
    for (UdpSocket* socket : *sockets) {
      if (socket->options().reuse_port && Score(*socket, flow) == best_score) {
        equals.push_back(socket);
      }
    }
  }
  return AmongReusePort(equals, flow);
}

UdpSocket* UdpTable::Find(const UdpFlow& flow) const {
  if (!connected_.empty()) {
    const auto entry = connected_.find(
        ConnectedKey{{flow.local, flow.local_port}, {flow.remote, flow.remote_port}});
    if (entry != connected_.end()) {
      UdpSocket* socket = Best(&entry->second, nullptr, flow);
      if (socket != nullptr) return socket;
    }
  }
  UdpSocket* socket = Best(Bound(flow.local, flow.local_port), nullptr, flow);
  if (socket != nullptr) return socket;
  return Best(Bound(IpAddress::Any(flow.local.family()), flow.local_port),
              flow.local.is_v4() ? Bound(IpAddress::Any(Family::kIpv6), flow.local_port) : nullptr,
              flow);
}

void UdpTable::ForEachMatch(const UdpFlow& flow, absl::FunctionRef<void(UdpSocket*)> visit) const {
  // Copied: a visitor may make sockets come and go.
  std::vector<UdpSocket*> matches;
  const auto add = [&](const Sockets* sockets) {
    if (sockets == nullptr) return;
    for (UdpSocket* socket : *sockets) {
      if (Score(*socket, flow) >= 0) matches.push_back(socket);
    }
  };
  const auto connected = connected_.find(
      ConnectedKey{{flow.local, flow.local_port}, {flow.remote, flow.remote_port}});
  if (connected != connected_.end()) add(&connected->second);
  add(Bound(flow.local, flow.local_port));
  add(Bound(IpAddress::Any(flow.local.family()), flow.local_port));
  if (flow.local.is_v4()) add(Bound(IpAddress::Any(Family::kIpv6), flow.local_port));
  for (UdpSocket* socket : matches) visit(socket);
}

void UdpTable::ForEach(absl::FunctionRef<void(UdpSocket*)> visit) const {
  for (const auto& [key, sockets] : bound_) {
    for (UdpSocket* socket : sockets) visit(socket);
  }
  for (const auto& [key, sockets] : connected_) {
    for (UdpSocket* socket : sockets) visit(socket);
  }
}

}  // namespace moat::netstack
