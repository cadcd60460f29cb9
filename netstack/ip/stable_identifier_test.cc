// Interface identifiers: those that are never used.
#include "netstack/ip/v6/stable_identifier.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace moat::netstack {
namespace {

// Draws what it was told to, then 42.
class Scripted : public Random {
 public:
  explicit Scripted(std::vector<uint64_t> draws) : draws_(std::move(draws)) {}
  void Fill(std::span<uint8_t> out) override {
    const uint64_t value = next_ < draws_.size() ? draws_[next_++] : 42;
    std::memcpy(out.data(), &value, std::min(out.size(), sizeof(value)));
  }

 private:
  std::vector<uint64_t> draws_;
  size_t next_ = 0;
};

constexpr uint64_t kSubnetRouters = 0;
constexpr uint64_t kEthernetBlock = 0x02005efffe000000, kEthernetBlockEnd = 0x02005efffeffffff;
constexpr uint64_t kSubnetAnycast = 0xfdffffffffffff80, kSubnetAnycastEnd = 0xfdffffffffffffff;

TEST(Identifiers, Rfc5453_TheReservedOnes) {
  for (const uint64_t reserved : {kSubnetRouters, kEthernetBlock, kEthernetBlock + 0x5213,
                                  kEthernetBlockEnd, kSubnetAnycast, kSubnetAnycastEnd}) {
    EXPECT_TRUE(IsReservedIdentifier(reserved)) << std::hex << reserved;
  }
  for (const uint64_t free : {kSubnetRouters + 1, kEthernetBlock - 1, kEthernetBlockEnd + 1,
                              kSubnetAnycast - 1, kSubnetAnycastEnd + 1, ~uint64_t{0}}) {
    EXPECT_FALSE(IsReservedIdentifier(free)) << std::hex << free;
  }
}

TEST(Identifiers, Rfc8981_S3_3_1_AReservedOneIsDrawnAnew) {
  Scripted random({kSubnetRouters, kEthernetBlock + 7, kSubnetAnycast + 3, kSubnetAnycastEnd});
  EXPECT_EQ(RandomIdentifier(random), 42u);
}

// What says which interface, network and try it is makes another identifier, and the same the same.
TEST(Identifiers, Rfc7217_S5_EachParameterCounts) {
  const SipHashKey secret{1, 2};
  const IpAddress prefix = *IpAddress::Parse("2001:db8::");
  const MacAddress mac{{2, 0, 0, 0, 0, 1}};
  const uint64_t id = StableIdentifier(secret, prefix, "eth0", mac, 0);
  EXPECT_EQ(StableIdentifier(secret, prefix, "eth0", mac, 0), id);
  EXPECT_NE(StableIdentifier({1, 3}, prefix, "eth0", mac, 0), id);
  EXPECT_NE(StableIdentifier({2, 2}, prefix, "eth0", mac, 0), id);
  EXPECT_NE(StableIdentifier(secret, *IpAddress::Parse("2001:db8:1::"), "eth0", mac, 0), id);
  EXPECT_NE(StableIdentifier(secret, prefix, "eth1", mac, 0), id);
  EXPECT_NE(StableIdentifier(secret, prefix, "eth0", mac, 1), id);
}

}  // namespace
}  // namespace moat::netstack
