// IPv4 options between programs and packets (RFC 1122 3.2.1.8, 4.1.3.2): what a program gave goes
// into each packet with this node's entries, and what came goes up with them, as on Linux.
#ifndef MOAT_NETSTACK_TRANSPORT_IP_OPTIONS_H_
#define MOAT_NETSTACK_TRANSPORT_IP_OPTIONS_H_

#include <cstdint>
#include <span>

#include "netstack/ip/ip_sender.h"
#include "netstack/transport/environment.h"
#include "netstack/transport/transport_protocol.h"
#include "netstack/wire/ipv4_options.h"

namespace moat::netstack {

// `given` as they leave by `route`: in `room`, which the result points into.
std::span<const uint8_t> LeavingIpOptions(const TransportEnvironment& environment,
                                          const Route& route, const Ipv4Options& given,
                                          Ipv4Options& room);

// Those of a packet with an entry of ours in record route and timestamp options; null: it has none.
Ipv4OptionsRef RecordArrivedIpOptions(const TransportEnvironment& environment,
                                      const IpPacketIn& packet);
inline Ipv4OptionsRef ArrivedIpOptions(const TransportEnvironment& environment,
                                       const IpPacketIn& packet) {
  if (packet.ip_options_size == 0) [[likely]] return nullptr;
  return RecordArrivedIpOptions(environment, packet);
}

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TRANSPORT_IP_OPTIONS_H_
