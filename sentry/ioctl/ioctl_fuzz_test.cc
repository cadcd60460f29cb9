#include <gtest/gtest.h>
#include <linux/sockios.h>

#include <cstring>
#include <string>

#include "sentry/testing/fuzz_driver.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace moat::sentry {
namespace {

TEST(IoctlFuzz, Bounded) {
  FuzzPlan plan;
  for (int number : {SIOCGIFCONF, SIOCGIFNAME, SIOCGIFFLAGS, SIOCGIFADDR, SIOCGIFHWADDR, SIOCGARP}) {
    for (const char* name : {"lo", "eth0", "eth0:1"}) {
      std::vector<uint8_t> seed(3 + 128);
      seed[0] = static_cast<uint8_t>(number);
      seed[1] = 1;
      std::memcpy(seed.data() + 3, name, strlen(name));
      plan.seeds.push_back(seed);
    }
  }
  RunFuzzTarget(LLVMFuzzerTestOneInput, plan);
}

}  // namespace
}  // namespace moat::sentry
