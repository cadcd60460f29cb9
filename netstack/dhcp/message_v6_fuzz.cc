// Bytes from a DHCPv6 server: parsing never reads beyond them, and what it gives is sensible.

#include <cstdlib>

#include "netstack/dhcp/message_v6.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace moat::netstack;
  // With a valid header, so that the options are reached; and the bytes as they are.
  std::vector<uint8_t> message = {7, 0, 0, 1};
  message.insert(message.end(), data, data + size);
  for (const std::span<const uint8_t> bytes :
       {std::span<const uint8_t>(message), std::span<const uint8_t>(data, size)}) {
    const auto reply = ParseDhcpv6(bytes);
    if (!reply.has_value()) continue;
    if (reply->name_servers.size() > kMaxDhcpv6NameServers) std::abort();
    if (reply->domains.size() > kMaxDhcpv6Domains) std::abort();
    for (const std::string& domain : reply->domains) {
      if (domain.empty() || domain.size() > 255) std::abort();
    }
  }
  return 0;
}
