// Well-formed inputs to start from, for targets whose inputs are easier made than kept in files. A
// target may define FuzzSeeds(); the bounded runs of driver.cc begin with them, as with the files
// of a corpus.
#ifndef MOAT_TEST_FUZZ_SEEDS_H_
#define MOAT_TEST_FUZZ_SEEDS_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

std::vector<std::vector<uint8_t>> FuzzSeeds() __attribute__((weak));

// A fuzzer that does not reach what it is for proves nothing. A target may define FuzzUnreached():
// asked at the end of a bounded run, it names what should have been reached and was not; the run
// fails when there is anything.
std::vector<std::string> FuzzUnreached() __attribute__((weak));

// Only bounded runs have it.
void FuzzIsBounded() __attribute__((weak));

// A seed for targets whose first two bytes choose what the rest is given to.
inline std::vector<uint8_t> FuzzSeed(uint8_t target, uint8_t choice,
                                     std::span<const uint8_t> bytes) {
  std::vector<uint8_t> seed = {target, choice};
  seed.insert(seed.end(), bytes.begin(), bytes.end());
  return seed;
}

#endif  // MOAT_TEST_FUZZ_SEEDS_H_
