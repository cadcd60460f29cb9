// The suite "filtering": what a filter does not refuse must be treated as without it. Filters that
// follow connections put fragments together before the stack sees them, and lose what the RFCs have
// to say about single ones.
#ifndef MOAT_CONFORM_SUITES_FILTERING_FILTERING_H_
#define MOAT_CONFORM_SUITES_FILTERING_FILTERING_H_

#include "conform/bench/bench.h"
#include "conform/bench/case.h"

namespace moat::conform {

// The filter refuses the networks of the remote node, and nothing else.
inline void SwitchFilterOn(Bench& b) {
  b.Filter({{"203.0.113.0", 24}, {"2001:db8:9::", 64}});
}

}  // namespace moat::conform

#endif  // MOAT_CONFORM_SUITES_FILTERING_FILTERING_H_
