// DHCPv6 messages (RFC 8415 8, 21) of stateless configuration, as a client writes and reads them.
#ifndef MOAT_NETSTACK_DHCP_MESSAGE_V6_H_
#define MOAT_NETSTACK_DHCP_MESSAGE_V6_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "netstack/wire/address.h"

namespace moat::netstack {

inline constexpr uint16_t kDhcpv6ClientPort = 546;
inline constexpr uint16_t kDhcpv6ServerPort = 547;
inline constexpr size_t kMaxDhcpv6NameServers = 16;
inline constexpr size_t kMaxDhcpv6Domains = 16;

// RFC 8415 11.4: a unique identifier made of a link address.
std::vector<uint8_t> DuidOf(const MacAddress& mac);

// An Information-request (RFC 8415 18.2.6). Asks for name servers, domains (RFC 3646), the
// refresh time and INF_MAX_RT.
struct Dhcpv6Request {
  uint32_t transaction = 0;     // 24 bits
  std::vector<uint8_t> client;  // DUID
  uint16_t elapsed = 0;         // hundredths of a second
};
std::vector<uint8_t> EmitDhcpv6(const Dhcpv6Request& request);

// A Reply.
struct Dhcpv6Reply {
  uint32_t transaction = 0;
  std::vector<uint8_t> client, server;  // DUIDs; empty: not there
  uint16_t status = 0;
  std::vector<IpAddress> name_servers;
  std::vector<std::string> domains;
  std::optional<uint32_t> refresh;  // seconds; 0xffffffff: never
  std::optional<uint32_t> max_retransmission;  // INF_MAX_RT, seconds, within its bounds
};

// Empty when it is no well-formed Reply: cut, another type, an option beyond the end or of a wrong
// size. Options that are not known are skipped; of lists, what is over the limits above is.
std::optional<Dhcpv6Reply> ParseDhcpv6(std::span<const uint8_t> bytes);

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_DHCP_MESSAGE_V6_H_
