// What a coverage-guided run is not to see: a world that every input begins with is made by the
// same code each time, often more of it than the input reaches.
//
//   FuzzWorld world;
//   ForgetFuzzCoverage();
//   world.Run(input);
#ifndef MOAT_TEST_FUZZ_COVERAGE_H_
#define MOAT_TEST_FUZZ_COVERAGE_H_

// Only binaries with libFuzzer have it (coverage.cc).
void ClearFuzzCounters() __attribute__((weak));

inline void ForgetFuzzCoverage() {
  if (ClearFuzzCounters != nullptr) ClearFuzzCounters();
}

#endif  // MOAT_TEST_FUZZ_COVERAGE_H_
