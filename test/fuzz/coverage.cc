#include "test/fuzz/coverage.h"

#include <algorithm>
#include <cstdint>

namespace {
// The counters of the program, one octet for each edge (clang's SanitizerCoverage).
uint8_t* g_begin = nullptr;
uint8_t* g_end = nullptr;
}  // namespace

// Where they are is told to libFuzzer when the program starts; the linker's --wrap (fuzz.bzl) lets
// us hear of it. Their section's own symbols cannot be named in code that is instrumented.
extern "C" {
void __real___sanitizer_cov_8bit_counters_init(uint8_t* begin, uint8_t* end);
void __wrap___sanitizer_cov_8bit_counters_init(uint8_t* begin, uint8_t* end) {
  g_begin = begin;
  g_end = end;
  __real___sanitizer_cov_8bit_counters_init(begin, end);
}
}

void ClearFuzzCounters() { std::fill(g_begin, g_end, uint8_t{0}); }
