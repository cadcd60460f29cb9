// Ping sockets: the identifier of an echo request is the socket's port, and echo replies find their
// socket by it (net/ipv4/ping.c of Linux).
//
// IP hands over what ICMP does not answer itself: echo replies (checksum verified), and errors that
// quote an echo request of ours.
#ifndef MOAT_NETSTACK_TRANSPORT_ICMP_PING_PROTOCOL_H_
#define MOAT_NETSTACK_TRANSPORT_ICMP_PING_PROTOCOL_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "netstack/base/counters.h"
#include "netstack/socket/datagram_socket.h"
#include "netstack/transport/datagram/settings.h"
#include "netstack/transport/environment.h"
#include "netstack/transport/transport_protocol.h"

namespace moat::netstack {

class PingSocket;

// Outlives its sockets.
class PingProtocol : public TransportProtocol {
 public:
  // Registers ipv4.ping_group_range (which the sentry enforces).
  explicit PingProtocol(const TransportEnvironment& environment);
  ~PingProtocol() override;

  std::unique_ptr<DatagramSocket> NewSocket(Family family);
  void AppendSockets(std::vector<SocketInfo>& out) const;  // those with an identifier

  Disposition Receive(const IpPacketIn& packet) override;
  void ReceiveError(const IcmpErrorIn& error) override;
  // What is no echo request the stack may have sent by itself, without a socket.
  bool MayHaveSent(const IcmpErrorIn& error) const override;

 private:
  friend class PingSocket;

  void Insert(PingSocket* socket);
  void Remove(PingSocket* socket);
  void CountSent(Family family);
  // The youngest socket with this identifier that takes the address and the interface.
  PingSocket* Find(uint16_t identifier, const IpAddress& local, InterfaceIndex interface) const;

  TransportEnvironment environment_;
  DatagramSettings settings_;
  // IP counts what it sends itself under the same names; a listing shows the sums.
  Counter out_messages_v4_, out_echos_v4_, out_messages_v6_, out_echos_v6_;
  Counter receive_buffer_errors_;  // replies that a socket lost: SO_RCVBUF
  Counter memory_errors_;          // the stack's budget
  absl::flat_hash_map<uint16_t, std::vector<PingSocket*>> sockets_;  // by identifier
  uint64_t next_id_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TRANSPORT_ICMP_PING_PROTOCOL_H_
