// Neighbor discovery messages (RFC 4861 4), from the ICMPv6 header on. Parsing covers the message's
// own validity rules; those about the IPv6 header around it (hop limit 255, ...) are the
// receiver's.
#ifndef MOAT_NETSTACK_WIRE_NDP_H_
#define MOAT_NETSTACK_WIRE_NDP_H_

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "netstack/wire/address.h"

namespace moat::netstack {

inline constexpr uint8_t kNdpHopLimit = 255;
inline constexpr int kMaxNdpOptions = 32;   // per message
inline constexpr int kMaxNdpPrefixes = 16;  // per router advertisement
inline constexpr int kMaxNdpRoutes = 16;
inline constexpr int kMaxNdpNameServers = 8;

struct NdpPrefix {  // RFC 4861 4.6.2
  IpAddress prefix;
  uint8_t length = 0;
  bool on_link = false;
  bool autonomous = false;
  uint32_t valid_lifetime = 0;      // seconds; 0xffffffff: forever
  uint32_t preferred_lifetime = 0;
};

struct NdpRoute {  // RFC 4191 2.3
  IpAddress prefix;
  uint8_t length = 0;
  uint8_t preference = 0;  // as RouterAdvertisement's
  uint32_t lifetime = 0;
};

struct NdpNameServer {  // RFC 8106 5.1
  IpAddress address;
  uint32_t lifetime = 0;
};

struct NdpOptions {
  std::optional<MacAddress> source_link_address;
  std::optional<MacAddress> target_link_address;
  std::optional<uint32_t> mtu;
  std::optional<std::array<uint8_t, 6>> nonce;  // RFC 3971 5.3.2, as RFC 7527 uses it
  std::array<NdpPrefix, kMaxNdpPrefixes> prefixes;
  int prefix_count = 0;
  std::array<NdpRoute, kMaxNdpRoutes> routes;
  int route_count = 0;
  std::array<NdpNameServer, kMaxNdpNameServers> name_servers;
  int name_server_count = 0;
};

struct NeighborSolicitation {  // RFC 4861 4.3
  IpAddress target;
  NdpOptions options;
};

struct NeighborAdvertisement {  // RFC 4861 4.4
  IpAddress target;
  bool router = false;
  bool solicited = false;
  bool override_ = false;
  NdpOptions options;
};

struct RouterAdvertisement {  // RFC 4861 4.2
  uint8_t hop_limit = 0;
  bool managed = false;
  bool other = false;
  uint8_t preference = 0;  // RFC 4191 2.2: 0 medium, 1 high, 3 low
  uint16_t router_lifetime = 0;   // seconds
  uint32_t reachable_time = 0;    // milliseconds
  uint32_t retransmit_timer = 0;  // milliseconds
  NdpOptions options;
};

struct RedirectMessage {  // RFC 4861 4.5
  IpAddress target;
  IpAddress destination;
  NdpOptions options;
};

// Empty when too short, code not 0, or an option has length 0 or reaches beyond the message.
std::optional<NeighborSolicitation> ParseNeighborSolicitation(std::span<const uint8_t> icmp);
std::optional<NeighborAdvertisement> ParseNeighborAdvertisement(std::span<const uint8_t> icmp);
std::optional<RouterAdvertisement> ParseRouterAdvertisement(std::span<const uint8_t> icmp);
// Empty also when the destination is a group, or the target neither it nor link-local (8.1).
std::optional<RedirectMessage> ParseRedirect(std::span<const uint8_t> icmp);
// The options alone; whether the solicitation is well-formed.
std::optional<NdpOptions> ParseRouterSolicitation(std::span<const uint8_t> icmp);

// Emitters write the whole ICMPv6 message with a zero checksum and return its size, at most
// kMaxNdpEmit. The link address option is left out when empty.
inline constexpr size_t kMaxNdpEmit = 40;
size_t EmitNeighborSolicitation(const IpAddress& target, const std::optional<MacAddress>& source,
                                const std::optional<std::array<uint8_t, 6>>& nonce, uint8_t* out);
size_t EmitNeighborAdvertisement(const IpAddress& target, bool router, bool solicited,
                                 bool override_, const std::optional<MacAddress>& link_address,
                                 uint8_t* out);
// RFC 4861 4.5. `packet` is quoted as far as the whole fits into the minimum MTU; at most
// kMaxNdpRedirect bytes are written.
inline constexpr size_t kMaxNdpRedirect = 1240;
size_t EmitRedirect(const IpAddress& target, const IpAddress& destination,
                    const std::optional<MacAddress>& target_mac, std::span<const uint8_t> packet,
                    uint8_t* out);
size_t EmitRouterSolicitation(const std::optional<MacAddress>& source, uint8_t* out);

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_WIRE_NDP_H_
