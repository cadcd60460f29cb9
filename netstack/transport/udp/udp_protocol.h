// UDP (RFC 768, RFC 8200 8.1, RFC 1122 4.1): from IP to the right sockets.
#ifndef MOAT_NETSTACK_TRANSPORT_UDP_UDP_PROTOCOL_H_
#define MOAT_NETSTACK_TRANSPORT_UDP_UDP_PROTOCOL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "netstack/base/counters.h"
#include "netstack/socket/datagram_socket.h"
#include "netstack/transport/datagram/settings.h"
#include "netstack/transport/environment.h"
#include "netstack/transport/transport_protocol.h"
#include "netstack/transport/udp/udp_table.h"
#include "netstack/wire/udp.h"

namespace moat::netstack {

// /proc/net/snmp's Udp row, and snmp6's Udp6.
struct UdpCounters {
  UdpCounters(CounterTable& table, Family family);

  Counter in_datagrams, no_ports, in_errors, out_datagrams;
  Counter receive_buffer_errors, send_buffer_errors, checksum_errors, ignored_multicast,
      memory_errors;
};

// Outlives its sockets.
class UdpProtocol : public TransportProtocol {
 public:
  explicit UdpProtocol(const TransportEnvironment& environment);
  ~UdpProtocol() override;

  std::unique_ptr<DatagramSocket> NewSocket(Family family);
  void AppendSockets(std::vector<SocketInfo>& out) const;  // those with a port

  Disposition Receive(const IpPacketIn& packet) override;
  void ReceiveError(const IcmpErrorIn& error) override;
  bool MayHaveSent(const IcmpErrorIn& error) const override;

 private:
  friend class UdpSocket;

  UdpCounters& counters(Family family) {
    return family == Family::kIpv4 ? counters_v4_ : counters_v6_;
  }
  bool ChecksumAcceptable(const IpPacketIn& packet, const UdpView& datagram) const;
  UdpSocket* SenderOf(const IcmpErrorIn& error, uint16_t* remote_port) const;
  Disposition ReceiveGroup(const IpPacketIn& packet, const UdpFlow& flow,
                           const UdpView& datagram);
  // `size` counts header and payload.
  void Deliver(UdpSocket& socket, const IpPacketIn& packet, const UdpFlow& flow, size_t size);

  TransportEnvironment environment_;
  DatagramSettings settings_;
  UdpCounters counters_v4_;
  UdpCounters counters_v6_;
  UdpTable table_;
  uint64_t next_id_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TRANSPORT_UDP_UDP_PROTOCOL_H_
