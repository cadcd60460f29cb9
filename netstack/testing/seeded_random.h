// Randomness that a seed reproduces (SplitMix64).
#ifndef MOAT_NETSTACK_TESTING_SEEDED_RANDOM_H_
#define MOAT_NETSTACK_TESTING_SEEDED_RANDOM_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "netstack/base/random.h"

namespace moat::netstack {

class SeededRandom : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}

  void Fill(std::span<uint8_t> out) override {
    uint64_t word = 0;
    for (size_t i = 0; i < out.size(); ++i) {
      if (i % 8 == 0) word = Next();
      out[i] = static_cast<uint8_t>(word >> (8 * (i % 8)));
    }
  }

 private:
  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  uint64_t state_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TESTING_SEEDED_RANDOM_H_
