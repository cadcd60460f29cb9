// A bounded run of the fuzz target on seeded inputs, so that every test run exercises it.
#include <random>
#include <vector>

#include "gtest/gtest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

TEST(UdpFuzz, SeededInputs) {
  std::mt19937 random(1);
  const std::vector<uint8_t> seed = {0, 0x35, 0x35, 0, 53, 0, 12, 0, 0, 'd', 'a', 't', 'a'};
  for (int i = 0; i < 20000; ++i) {
    std::vector<uint8_t> input = seed;
    input.resize(random() % 40 + 1, static_cast<uint8_t>(random()));
    for (uint32_t flips = random() % 4; flips > 0; --flips) {
      input[random() % input.size()] = static_cast<uint8_t>(random());
    }
    input[0] = static_cast<uint8_t>(random());
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
}

}  // namespace
