// One ping socket (icmp(7), "ICMP echo sockets"): SOCK_DGRAM with IPPROTO_ICMP or IPPROTO_ICMPV6.
// What is written and read are ICMP messages; identifier and checksum are the stack's.
#ifndef MOAT_NETSTACK_TRANSPORT_ICMP_PING_SOCKET_H_
#define MOAT_NETSTACK_TRANSPORT_ICMP_PING_SOCKET_H_

#include <cstdint>
#include <span>

#include "netstack/transport/datagram/datagram_base.h"

namespace moat::netstack {

class PingProtocol;

class PingSocket final : public DatagramBase {
 public:
  PingSocket(PingProtocol& protocol, Family family, uint64_t id);
  ~PingSocket() override;

  // kInvalid for anything but an echo request of the socket's family.
  Error Send(std::span<const std::span<const uint8_t>> payload,
             const SendControl& control) override;
  void SetReceiveOffload(bool) override {}

 private:
  void Insert() override;
  void Remove() override;
  bool can_be_dual_stack() const override { return false; }
  void OnSendDropped(Family) override {}

  PingProtocol& protocol_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TRANSPORT_ICMP_PING_SOCKET_H_
