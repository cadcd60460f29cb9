#include "conform/bench/both_versions.h"

#include <set>
#include <string>

namespace moat::conform {
namespace {

// Kept for ever, as the names of suites are.
const char* NameV6(const char* suite) {
  static auto* names = new std::set<std::string>();
  return names->insert(std::string(suite) + "-v6").first->c_str();
}

}  // namespace

RegisterBoth::RegisterBoth(Case c, void (*run_v6)(Bench&)) {
  RegisterCase{c};
  c.suite = NameV6(c.suite);
  c.options.needs |= kIpv6;
  c.run = run_v6;
  RegisterCase{c};
}

RegisterBothWaivers::RegisterBothWaivers(const char* suite, int number, const char* reason) {
  RegisterWaiver(suite, number, reason);
  RegisterWaiver(NameV6(suite), number, reason);
}

}  // namespace moat::conform
