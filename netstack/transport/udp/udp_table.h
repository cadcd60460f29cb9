// Which socket a UDP datagram is for. Sockets are found by hash, so that neither ten thousand
// connected sockets on one port nor ten thousand ports cost anything per packet.
//
// The choice is Linux's (udp4_lib_lookup2(), udp6_lib_lookup2()): a socket connected to the sender,
// else one bound to the destination address, else one bound to the wildcard. Among those, the best
// score wins: a socket of the packet's own family before a dual-stack one, one bound to the device
// before one that is not; then the youngest. Equals with SO_REUSEPORT share by a hash of the flow.
#ifndef MOAT_NETSTACK_TRANSPORT_UDP_UDP_TABLE_H_
#define MOAT_NETSTACK_TRANSPORT_UDP_UDP_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "netstack/base/siphash.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

class UdpSocket;

// A datagram's names, seen from here.
struct UdpFlow {
  IpAddress local;
  uint16_t local_port = 0;
  IpAddress remote;
  uint16_t remote_port = 0;
  InterfaceIndex interface = 0;
};

class UdpTable {
 public:
  explicit UdpTable(const SipHashKey& key) : key_(key) {}

  // Keyed by the socket's names of the moment, which must be the same at Remove().
  void Insert(UdpSocket* socket);
  void Remove(UdpSocket* socket);

  UdpSocket* Find(const UdpFlow& flow) const;  // null: nobody
  // Every socket that a multicast or broadcast datagram is for.
  void ForEachMatch(const UdpFlow& flow, absl::FunctionRef<void(UdpSocket*)> visit) const;
  void ForEach(absl::FunctionRef<void(UdpSocket*)> visit) const;
  size_t size() const { return size_; }

 private:
  struct BoundKey {
    IpAddress address;
    uint16_t port = 0;
    bool operator==(const BoundKey&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const BoundKey& key) {
      return H::combine(std::move(h), key.address, key.port);
    }
  };
  struct ConnectedKey {
    BoundKey local;
    BoundKey remote;
    bool operator==(const ConnectedKey&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const ConnectedKey& key) {
      return H::combine(std::move(h), key.local, key.remote);
    }
  };
  using Sockets = std::vector<UdpSocket*>;  // oldest first

  static BoundKey LocalKey(const UdpSocket& socket);
  static ConnectedKey TupleKey(const UdpSocket& socket);
  const Sockets* Bound(const IpAddress& address, uint16_t port) const;
  UdpSocket* Best(const Sockets* first, const Sockets* second, const UdpFlow& flow) const;
  UdpSocket* AmongReusePort(const std::vector<UdpSocket*>& equals, const UdpFlow& flow) const;

  SipHashKey key_;
  absl::flat_hash_map<BoundKey, Sockets> bound_;          // not connected
  absl::flat_hash_map<ConnectedKey, Sockets> connected_;
  size_t size_ = 0;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TRANSPORT_UDP_UDP_TABLE_H_
