// DHCP messages (RFC 2131 2, options of RFC 2132), as a client writes and reads them.
#ifndef MOAT_NETSTACK_DHCP_MESSAGE_H_
#define MOAT_NETSTACK_DHCP_MESSAGE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "netstack/wire/address.h"

namespace moat::netstack {

inline constexpr uint16_t kDhcpServerPort = 67;
inline constexpr uint16_t kDhcpClientPort = 68;

enum class DhcpType : uint8_t {  // RFC 2132 9.6
  kDiscover = 1, kOffer = 2, kRequest = 3, kDecline = 4, kAck = 5, kNak = 6, kRelease = 7,
  kInform = 8,
};

// What a client says.
struct DhcpRequest {
  DhcpType type = DhcpType::kDiscover;
  uint32_t transaction = 0;
  uint16_t seconds = 0;
  bool broadcast = false;               // answers cannot be unicast yet (RFC 2131 4.1)
  IpAddress client{};                   // ciaddr
  MacAddress mac;
  std::optional<IpAddress> requested;   // option 50
  std::optional<IpAddress> server;      // option 54
  std::string host_name;                // option 12; empty: left out
};

// What a server says, as far as a client wants to know.
struct DhcpReply {
  DhcpType type = DhcpType::kOffer;
  uint32_t transaction = 0;
  IpAddress yours{};                    // yiaddr
  MacAddress mac;                       // chaddr
  std::optional<IpAddress> server;
  std::optional<IpAddress> mask;
  std::vector<IpAddress> routers;
  std::vector<IpAddress> name_servers;
  std::string domain;
  std::optional<uint16_t> mtu;
  std::optional<uint32_t> lease, renewal, rebinding;  // seconds; 0xffffffff: forever
};

// Padded to the 300 bytes that old relays want (RFC 1542 2.1).
std::vector<uint8_t> EmitDhcp(const DhcpRequest& request);

// Empty when it is no well-formed reply: cut, not BOOTREPLY, another hardware type, a bad cookie,
// an option beyond the end, no message type. Options in `file` and `sname` are read when overloaded
// (RFC 2131 4.1); parts of one option are joined (RFC 3396).
std::optional<DhcpReply> ParseDhcp(std::span<const uint8_t> bytes);

// The length of a subnet mask, or nothing when it is none.
std::optional<int> PrefixLengthOf(const IpAddress& mask);

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_DHCP_MESSAGE_H_
