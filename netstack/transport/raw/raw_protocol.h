// Raw sockets and who gets what: every socket of a packet's family and protocol whose names fit
// gets it, before the transport does (as net/ipv4/raw.c and net/ipv6/raw.c of Linux behave).
#ifndef MOAT_NETSTACK_TRANSPORT_RAW_RAW_PROTOCOL_H_
#define MOAT_NETSTACK_TRANSPORT_RAW_RAW_PROTOCOL_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "netstack/socket/datagram_socket.h"
#include "netstack/transport/datagram/settings.h"
#include "netstack/transport/environment.h"
#include "netstack/transport/transport_protocol.h"

namespace moat::netstack {

class RawSocket;

// Outlives its sockets.
class RawProtocol final : public RawReceiver {
 public:
  // IPPROTO_RAW: receives nothing but packets of this number, and sends whole ones.
  static constexpr uint8_t kWholePackets = 255;

  explicit RawProtocol(const TransportEnvironment& environment);
  ~RawProtocol() override;

  std::unique_ptr<DatagramSocket> NewSocket(Family family, uint8_t protocol);
  void AppendSockets(std::vector<SocketInfo>& out) const;

  bool Receive(const IpPacketIn& packet) override;
  void ReceiveError(const IcmpErrorIn& error) override;
  bool MayHaveSent(const IcmpErrorIn& error) const override;

 private:
  friend class RawSocket;
  using Key = uint16_t;

  static Key KeyOf(Family family, uint8_t protocol) {
    return static_cast<Key>(static_cast<Key>(family) << 8 | protocol);
  }
  void Insert(RawSocket* socket);
  void Remove(RawSocket* socket);

  TransportEnvironment environment_;
  DatagramSettings settings_;
  Counter receive_buffer_errors_;  // packets that a socket lost: SO_RCVBUF
  Counter memory_errors_;          // the stack's budget
  absl::flat_hash_map<Key, std::vector<RawSocket*>> sockets_;
  uint64_t next_id_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TRANSPORT_RAW_RAW_PROTOCOL_H_
