// A bench that does not do what it measures ends at once, optimised or not.
#ifndef MOAT_TEST_BENCH_MICRO_REQUIRE_H_
#define MOAT_TEST_BENCH_MICRO_REQUIRE_H_

#include <cstdlib>

namespace moat::bench {

inline void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace moat::bench

#endif  // MOAT_TEST_BENCH_MICRO_REQUIRE_H_
