// lwIP on the interfaces eth0 and eth1 of the network namespace that the program is in, through
// AF_PACKET; and what an operator does to them. A request is one line, as for the agent
// (conform/agent/agent.h):
//
//   interface PORT                -> 0    starts to use ethPORT, with its link address and MTU
//   address add|del PORT IP BITS  -> 0
//   gateway IP                    -> 0    the IPv4 default; by the interface whose prefix it is in
//   flush                         -> 0    what the ARP cache and the neighbour tables know
//   mtu PORT OCTETS               -> 0
//   link PORT 0|1                 -> 0
//   frame PORT HEX                -> 0    as if it had arrived
//
// A negative answer is a negative errno.
#ifndef MOAT_CONFORM_LWIP_LWIP_PORTS_H_
#define MOAT_CONFORM_LWIP_LWIP_PORTS_H_

#include <cstdint>
#include <optional>
#include <string>

namespace moat::conform {

void StartLwip();
// Empty when the line is none of these.
std::optional<std::string> ConfigureLwip(const std::string& line);

uint32_t InterfaceAddress(int port);  // IPv4, in network order; 0: none
int InterfaceIndex(int port);         // 0: not in use

}  // namespace moat::conform

#endif  // MOAT_CONFORM_LWIP_LWIP_PORTS_H_
