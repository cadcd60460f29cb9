#include "sentry/testing/fuzz_driver.h"

#include <random>

namespace moat::sentry {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes RandomBytes(std::mt19937_64& random, size_t max_size) {
  Bytes bytes(random() % (max_size + 1));
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  return bytes;
}

// Values that sit on edges of lengths and counts.
constexpr uint8_t kEdges[] = {0, 1, 2, 4, 15, 16, 17, 0x7f, 0x80, 0xfe, 0xff};

void MutateOnce(Bytes& bytes, std::mt19937_64& random) {
  if (bytes.empty()) {
    bytes.push_back(static_cast<uint8_t>(random()));
    return;
  }
  const size_t at = random() % bytes.size();
  switch (random() % 5) {
    case 0: bytes[at] ^= static_cast<uint8_t>(1u << (random() % 8)); break;
    case 1: bytes[at] = kEdges[random() % sizeof(kEdges)]; break;
    case 2: bytes.resize(at); break;
    case 3: bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(at),
                         static_cast<uint8_t>(random())); break;
    default: bytes.erase(bytes.begin() + static_cast<ptrdiff_t>(at)); break;
  }
}

// A heap block of exactly the input's size, so that a sanitizer sees every read past the end.
void Run(FuzzTarget target, const Bytes& bytes) {
  const Bytes exact(bytes.begin(), bytes.end());
  target(exact.data(), exact.size());
}

}  // namespace

void RunFuzzTarget(FuzzTarget target, const FuzzPlan& plan) {
  std::mt19937_64 random(plan.random_seed);
  Run(target, {});
  for (const Bytes& seed : plan.seeds) Run(target, seed);
  for (int i = 0; i < plan.rounds; ++i) {
    if (plan.seeds.empty() || i % 4 == 0) {
      Run(target, RandomBytes(random, plan.max_size));
      continue;
    }
    Bytes bytes = plan.seeds[random() % plan.seeds.size()];
    for (uint64_t n = random() % 6 + 1; n > 0; --n) MutateOnce(bytes, random);
    Run(target, bytes);
  }
}

}  // namespace moat::sentry
