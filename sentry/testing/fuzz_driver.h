// Drives a fuzz target for a bounded number of inputs inside an ordinary test: seeded random bytes, and
// mutations of given seeds. Long runs belong to libFuzzer, which uses the same entry points.
#ifndef MOAT_SENTRY_TESTING_FUZZ_DRIVER_H_
#define MOAT_SENTRY_TESTING_FUZZ_DRIVER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace moat::sentry {

using FuzzTarget = int (*)(const uint8_t* data, size_t size);

struct FuzzPlan {
  std::vector<std::vector<uint8_t>> seeds;  // well-formed inputs
  int rounds = 20000;
  size_t max_size = 512;
  uint64_t random_seed = 1;
};

void RunFuzzTarget(FuzzTarget target, const FuzzPlan& plan);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_TESTING_FUZZ_DRIVER_H_
