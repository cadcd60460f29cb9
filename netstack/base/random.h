// Randomness as an input: initial sequence numbers, ephemeral ports, fragment identifiers and
// jitter come from here, so that a seed reproduces a run.
#ifndef MOAT_NETSTACK_BASE_RANDOM_H_
#define MOAT_NETSTACK_BASE_RANDOM_H_

#include <cstdint>
#include <span>

namespace moat::netstack {

class Random {
 public:
  virtual ~Random() = default;

  // Fills `out`. In the sentry the bytes are cryptographically strong (getrandom(2)).
  virtual void Fill(std::span<uint8_t> out) = 0;

  uint32_t U32() {
    uint32_t value = 0;
    Fill({reinterpret_cast<uint8_t*>(&value), sizeof(value)});
    return value;
  }
  uint64_t U64() {
    uint64_t value = 0;
    Fill({reinterpret_cast<uint8_t*>(&value), sizeof(value)});
    return value;
  }
  // Uniform in [0, bound); bound must not be 0.
  uint32_t Below(uint32_t bound) {
    return static_cast<uint32_t>((static_cast<uint64_t>(U32()) * bound) >> 32);
  }
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_BASE_RANDOM_H_
