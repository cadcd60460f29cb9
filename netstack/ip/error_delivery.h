// ICMP errors on their way up: from type, code and quoted packet to the transport whose packet it
// was (RFC 1122 3.2.2.1, RFC 4443 2.4).
#ifndef MOAT_NETSTACK_IP_ERROR_DELIVERY_H_
#define MOAT_NETSTACK_IP_ERROR_DELIVERY_H_

#include <span>

#include "netstack/ip/ip_state.h"

namespace moat::netstack {

class ErrorDelivery {
 public:
  explicit ErrorDelivery(IpState& state) : state_(state) {}

  // An ICMP message of an error type. `quoted` begins at the quoted IP header and may be cut.
  void Received(const IpAddress& offender, InterfaceIndex interface, uint8_t hop_limit,
                uint8_t type, uint8_t code, uint32_t rest, std::span<const uint8_t> quoted);

  // This host could not reach the next hop: as if a router had said "host unreachable" (code 1) or
  // "address unreachable" (code 3). `packet` begins at the IP header.
  void Unreachable(InterfaceIndex interface, std::span<const uint8_t> packet);

 private:
  // The quoted packet, understood as far as its bytes go.
  struct Quoted {
    IpAddress source;
    IpAddress destination;
    uint8_t protocol = 0;
    uint8_t ttl = 0;
    uint32_t packet_size = 0;  // as its header says
    std::span<const uint8_t> transport;
  };
  static bool ParseV4(std::span<const uint8_t> bytes, Quoted* out);
  static bool ParseV6(std::span<const uint8_t> bytes, Quoted* out);
  void LearnPathMtu(const Quoted& quoted, const TransportProtocol* transport, IcmpErrorIn& error);

  IpState& state_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_ERROR_DELIVERY_H_
