// SipHash-2-4 (Aumasson, Bernstein 2012): a keyed hash that an outsider cannot predict. For initial
// sequence numbers (RFC 6528), ephemeral ports (RFC 6056), flow labels (RFC 6437), SYN cookies, and
// hash tables that the network can fill.
#ifndef MOAT_NETSTACK_BASE_SIPHASH_H_
#define MOAT_NETSTACK_BASE_SIPHASH_H_

#include <cstdint>
#include <span>

#include "netstack/base/random.h"

namespace moat::netstack {

struct SipHashKey {
  uint64_t k0 = 0;
  uint64_t k1 = 0;

  static SipHashKey Random(netstack::Random& random) {
    SipHashKey key;
    key.k0 = random.U64();
    key.k1 = random.U64();
    return key;
  }
};

uint64_t SipHash(const SipHashKey& key, std::span<const uint8_t> bytes);

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_BASE_SIPHASH_H_
