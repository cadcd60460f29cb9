#include "netstack/base/siphash.h"

#include <array>

#include "gtest/gtest.h"

namespace moat::netstack {
namespace {

// The reference vectors' key 00 01 .. 0f and messages 00 01 02 ..
constexpr SipHashKey kKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};

uint64_t HashOfFirst(size_t count) {
  std::array<uint8_t, 64> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i);
  return SipHash(kKey, {bytes.data(), count});
}

TEST(SipHashTest, ReferenceVectors) {
  EXPECT_EQ(HashOfFirst(0), 0x726fdb47dd0e0e31u);
  EXPECT_EQ(HashOfFirst(1), 0x74f839c593dc67fdu);
  EXPECT_EQ(HashOfFirst(7), 0xab0200f58b01d137u);
  EXPECT_EQ(HashOfFirst(8), 0x93f5f5799a932462u);
  EXPECT_EQ(HashOfFirst(15), 0xa129ca6149be45e5u);  // the paper's appendix A
}

}  // namespace
}  // namespace moat::netstack
