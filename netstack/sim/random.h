// One seed makes the randomness of every part: each has a stream of its own, so that a frame more
// here does not change what happens there.
#ifndef MOAT_NETSTACK_SIM_RANDOM_H_
#define MOAT_NETSTACK_SIM_RANDOM_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "netstack/base/random.h"

namespace moat::netstack::sim {

// SplitMix64 (Steele, Lea, Flood 2014). Not for secrets.
class Stream : public Random {
 public:
  // `name` tells the streams of one seed apart (FNV-1a).
  Stream(uint64_t seed, std::string_view name) : state_(seed * 0x9e3779b97f4a7c15) {
    uint64_t hash = 0xcbf29ce484222325;
    for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
    state_ ^= hash;
    (void)Next();
  }

  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  void Fill(std::span<uint8_t> out) override {
    uint64_t word = 0;
    for (size_t i = 0; i < out.size(); ++i) {
      if (i % 8 == 0) word = Next();
      out[i] = static_cast<uint8_t>(word >> (8 * (i % 8)));
    }
  }
  // True for `ppm` of a million. A share of zero takes nothing from the stream.
  bool Roll(uint32_t ppm) {
    return ppm != 0 && static_cast<uint32_t>(((Next() >> 32) * 1'000'000) >> 32) < ppm;
  }
  // Uniform in [0, bound).
  uint64_t Uniform(uint64_t bound) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(Next()) * bound) >> 64);
  }

 private:
  uint64_t state_;
};

}  // namespace moat::netstack::sim

#endif  // MOAT_NETSTACK_SIM_RANDOM_H_
