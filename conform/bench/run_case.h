// Runs one case on one device.
#ifndef MOAT_CONFORM_BENCH_RUN_CASE_H_
#define MOAT_CONFORM_BENCH_RUN_CASE_H_

#include <string>

#include "conform/bench/bench.h"
#include "conform/bench/case.h"

namespace moat::conform {

enum class Outcome : uint8_t {
  kPassed,
  kFailed,
  kNotApplicable,
  kWaived,          // failed, as its waiver says
  kPassedWaived,    // passed in spite of its waiver, which counts as a failure: drop the waiver
};
const char* OutcomeName(Outcome outcome);

struct Report {
  Outcome outcome = Outcome::kFailed;
  std::string reason;  // empty when passed
  Trace trace;
};

// `waivers`: whether the project's waivers count for this device. The device and the cable are
// fresh, and the device is set up as the case wants.
Report RunCase(const Case& c, Device& device, Cable& cable, bool waivers);

}  // namespace moat::conform

#endif  // MOAT_CONFORM_BENCH_RUN_CASE_H_
