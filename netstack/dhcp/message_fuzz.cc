// Bytes from a server: parsing never reads beyond them, and what it gives is sensible.

#include <cstdlib>

#include "netstack/dhcp/message.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace moat::netstack;
  // A valid fixed part, so that the options are reached; and the bytes as they are.
  std::vector<uint8_t> message(240);
  message[0] = 2;
  message[1] = 1;
  message[2] = 6;
  const uint8_t cookie[] = {0x63, 0x82, 0x53, 0x63};
  std::copy(cookie, cookie + 4, message.begin() + 236);
  if (size > 64) std::copy(data, data + 64, message.begin() + 44);
  message.insert(message.end(), data, data + size);
  for (const std::span<const uint8_t> bytes :
       {std::span<const uint8_t>(message), std::span<const uint8_t>(data, size)}) {
    const auto reply = ParseDhcp(bytes);
    if (!reply.has_value()) continue;
    if (reply->routers.size() > 16 || reply->name_servers.size() > 16) std::abort();
    if (reply->mask.has_value()) {
      const auto length = PrefixLengthOf(*reply->mask);
      if (length.has_value() && (*length < 0 || *length > 32)) std::abort();
    }
  }
  return 0;
}
