// Every linked case as a test of its own, against netstack on a fake clock.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "conform/bench/run_case.h"
#include "conform/inprocess/in_process.h"

namespace moat::conform {
namespace {

class Conform : public testing::TestWithParam<const Case*> {};

TEST_P(Conform, Case) {
  const Case& c = *GetParam();
  InProcess stack(c.options.setup, (c.options.needs & kTwoPorts) != 0);
  const Report report = RunCase(c, stack, stack, /*waivers=*/true);
  switch (report.outcome) {
    case Outcome::kPassed:
      return;
    case Outcome::kNotApplicable:  // netstack can do what cases need
      FAIL() << c.id() << " is not applicable: " << report.reason;
    case Outcome::kWaived:
      RecordProperty("waived", std::string(WaiverOf(c)));
      std::printf("waived: %s: %s\n", c.id().c_str(), std::string(WaiverOf(c)).c_str());
      return;
    default:
      FAIL() << c.id() << ": " << c.text << "\n  (" << c.source << ")\n  " << report.reason << "\n"
             << report.trace.Format(40);
  }
}

std::string NameOf(const testing::TestParamInfo<const Case*>& info) {
  std::string name = info.param->id();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, Conform, testing::ValuesIn(AllCases()), NameOf);

}  // namespace
}  // namespace moat::conform
