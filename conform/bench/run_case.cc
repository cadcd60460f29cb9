#include "conform/bench/run_case.h"

namespace moat::conform {

const char* OutcomeName(Outcome outcome) {
  static constexpr const char* kNames[] = {"pass", "fail", "n/a", "waived", "unexpected-pass"};
  return kNames[static_cast<size_t>(outcome)];
}

Report RunCase(const Case& c, Device& device, Cable& cable, bool waivers) {
  Report report;
  const uint32_t missing = c.options.needs & ~device.abilities();
  if (missing != 0) {
    report.outcome = Outcome::kNotApplicable;
    report.reason = "the device lacks: " + NeedNames(missing);
    return report;
  }
  Bench bench(device, cable);
  c.run(bench);
  const bool waived = waivers && !WaiverOf(c).empty();
  report.reason = bench.reason();
  report.trace = bench.trace();
  switch (bench.verdict()) {
    case Verdict::kNotApplicable:
      report.outcome = Outcome::kNotApplicable;
      break;
    case Verdict::kFailed:
      report.outcome = waived ? Outcome::kWaived : Outcome::kFailed;
      break;
    case Verdict::kPassed:
      report.outcome = waived ? Outcome::kPassedWaived : Outcome::kPassed;
      if (waived) report.reason = "passes, but is waived: " + std::string(WaiverOf(c));
      break;
  }
  return report;
}

}  // namespace moat::conform
