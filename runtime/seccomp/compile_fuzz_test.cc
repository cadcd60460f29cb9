// Drives the fuzzer's function a bounded number of times with seeded bytes.
#include <gtest/gtest.h>

#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

TEST(CompileFuzz, RandomProfiles) {
  std::mt19937 random(7);
  for (int round = 0; round < 3000; ++round) {
    std::vector<uint8_t> bytes(random() % 400);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    // Small first bytes keep the words valid more often.
    for (size_t i = 0; i < bytes.size(); i += 1 + random() % 3) bytes[i] %= 5;
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
}
