// What a router says of itself and its link (RFC 4861 6.2.1), per interface.
#ifndef MOAT_NETSTACK_IP_ROUTER_ADVERTISEMENT_OPTIONS_H_
#define MOAT_NETSTACK_IP_ROUTER_ADVERTISEMENT_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "netstack/wire/address.h"

namespace moat::netstack {

inline constexpr size_t kMaxAdvertisedPrefixes = 16;
inline constexpr size_t kMaxAdvertisedNameServers = 8;

struct AdvertisedPrefix {
  Prefix prefix;                    // not link-local
  bool on_link = true;
  bool autonomous = true;
  uint32_t valid = 2592000;         // seconds; 0xffffffff: forever
  uint32_t preferred = 604800;
};

struct RouterAdvertisementOptions {
  uint16_t max_interval = 600;      // seconds, 4 to 1800
  uint16_t min_interval = 198;      // 3 to three quarters of max_interval
  uint16_t lifetime = 1800;         // 0: not a default router; else max_interval to 9000
  uint8_t preference = 0;           // RFC 4191: 0 medium, 1 high, 3 low
  uint8_t hop_limit = 64;           // 0: unspecified
  bool managed = false;
  bool other = false;
  uint32_t reachable_ms = 0;
  uint32_t retransmit_ms = 0;
  std::optional<uint32_t> mtu;
  std::vector<AdvertisedPrefix> prefixes;
  std::vector<IpAddress> name_servers;    // RFC 8106
  uint32_t name_server_lifetime = 1800;   // seconds; three times max_interval is usual
};

// What an interface is configured to say, and whether it does: it must forward, be up and have a
// link-local address.
struct RouterAdvertisementInfo {
  InterfaceIndex interface = 0;
  RouterAdvertisementOptions options;
  bool advertising = false;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_ROUTER_ADVERTISEMENT_OPTIONS_H_
