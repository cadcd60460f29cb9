#include "netstack/ip/v6/stable_identifier.h"

#include <cstring>
#include <vector>

#include "netstack/wire/bytes.h"

namespace moat::netstack {

IpAddress WithIdentifier(const IpAddress& prefix, uint64_t identifier) {
  uint8_t bytes[16];
  std::memcpy(bytes, prefix.data(), 8);
  StoreBe64(bytes + 8, identifier);
  return IpAddress::V6(bytes);
}

uint64_t EuiIdentifier(const MacAddress& mac) {
  const auto& b = mac.bytes;
  const uint8_t bytes[8] = {static_cast<uint8_t>(b[0] ^ 2), b[1], b[2], 0xff, 0xfe, b[3], b[4],
                            b[5]};
  return LoadBe64(bytes);
}

bool IsReservedIdentifier(uint64_t identifier) {
  if (identifier == 0) return true;                                // subnet-router anycast
  if (identifier >> 24 == 0x02005efffe) return true;               // IANA's Ethernet block
  return identifier >= 0xfdffffffffffff80 && identifier <= 0xfdffffffffffffff;  // RFC 2526
}

uint64_t StableIdentifier(const SipHashKey& secret, const IpAddress& prefix,
                          std::string_view interface, const MacAddress& mac,
                          uint32_t dad_counter) {
  std::vector<uint8_t> input(prefix.data(), prefix.data() + 8);
  input.insert(input.end(), interface.begin(), interface.end());
  input.insert(input.end(), mac.bytes.begin(), mac.bytes.end());
  const size_t counter = input.size();
  input.resize(counter + 4);
  for (uint32_t tries = 0;; ++tries) {
    StoreBe32(input.data() + counter, dad_counter + (tries << 16));
    const uint64_t identifier = SipHash(secret, input);
    if (!IsReservedIdentifier(identifier)) return identifier;
  }
}

uint64_t RandomIdentifier(Random& random) {
  while (true) {
    const uint64_t identifier = random.U64();
    if (!IsReservedIdentifier(identifier)) return identifier;
  }
}

}  // namespace moat::netstack
