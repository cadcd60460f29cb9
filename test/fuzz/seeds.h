// Well-formed inputs to start from, for targets whose inputs are easier made than kept in files. A target may
// define FuzzSeeds(); the bounded runs of driver.cc begin with them, as with the files of a corpus.
#ifndef MOAT_TEST_FUZZ_SEEDS_H_
#define MOAT_TEST_FUZZ_SEEDS_H_

#include <cstdint>
#include <vector>

std::vector<std::vector<uint8_t>> FuzzSeeds() __attribute__((weak));

#endif  // MOAT_TEST_FUZZ_SEEDS_H_
