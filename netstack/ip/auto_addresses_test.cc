// Addresses that an interface gives itself: what happens when the identifiers run out. How they
// come and go with what routers say is told in netstack/stack/autoconfiguration_test.cc.
#include "netstack/ip/v6/auto_addresses.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "netstack/ip/interface_sysctls.h"
#include "netstack/ip/v6/stable_identifier.h"
#include "netstack/testing/fake_clock.h"

namespace moat::netstack {
namespace {

constexpr InterfaceIndex kEth0 = 2;
constexpr int64_t kEui64 = 0, kRandom = 3;  // addr_gen_mode

// Draws the same number for ever, or one number after the other.
class Numbers final : public Random {
 public:
  void Fill(std::span<uint8_t> out) override {
    std::memcpy(out.data(), &next, std::min(out.size(), sizeof(next)));
    next += step;
  }
  uint64_t next = 42;
  uint64_t step = 0;
};

class AutoAddressesTest : public testing::Test,
                          private AutoAddresses::Host,
                          private InterfaceSysctls::Listener {
 protected:
  AutoAddressesTest() {
    interface->index = kEth0;
    interface->name = "eth0";
    interface->mac = MacAddress{{2, 0, 0, 0, 0, 1}};
    interfaces.Add(interface);
    conf.Register(*interface);
    prefix.prefix = network;
    prefix.length = 64;
    prefix.on_link = prefix.autonomous = true;
    prefix.valid_lifetime = prefix.preferred_lifetime = 86400;
  }
  void Give(uint64_t identifier) {
    interface->addresses.push_back({{WithIdentifier(network, identifier), 64}, {}});
  }
  uint64_t GivenUp() const { return counters.Value("Ndp.AutoAddressesGivenUp"); }
  IpAddress Newest() const { return interface->addresses.back().prefix.address; }

  FakeClock clock;
  Numbers random;
  SysctlTable sysctls;
  CounterTable counters;
  TableCounters tables{counters};
  InterfaceTable interfaces;
  InterfaceSysctls conf{sysctls, interfaces, *this};
  std::shared_ptr<Interface> interface = std::make_shared<Interface>();
  AutoAddresses::Context context{clock, random, sysctls, tables, *this};
  AutoAddresses addresses{context, kEth0};
  const IpAddress network = *IpAddress::Parse("2001:db8:5::");
  NdpPrefix prefix{};

 private:
  bool AddAutoAddress(InterfaceIndex, const Prefix& added, const AddressOptions& options) override {
    interface->addresses.push_back({added, options});
    return true;
  }
  void RemoveAutoAddress(InterfaceIndex, const Prefix& removed) override {
    std::erase_if(interface->addresses,
                  [&](const AssignedAddress& row) { return row.prefix == removed; });
  }
  void SetDeprecated(InterfaceIndex, const IpAddress&, bool) override {}
  void SetAdvertiser(InterfaceIndex, const IpAddress&, const IpAddress&, bool) override {}
  void ConfChanged(Conf, Interface*) override {}
};

TEST_F(AutoAddressesTest, Rfc8981_S3_3_1_WithoutAFreeIdentifierThereIsNoTemporaryAddress) {
  conf.Set(*interface, Conf::kUseTempAddr, 2);
  Give(42);
  addresses.Update(*interface, prefix);
  ASSERT_EQ(interface->addresses.size(), 2u);
  EXPECT_EQ(Newest(), WithIdentifier(network, EuiIdentifier(interface->mac)));
  EXPECT_EQ(GivenUp(), 1u);
}

TEST_F(AutoAddressesTest, Rfc8981_S3_3_1_OneThatTheInterfaceHasIsDrawnAnew) {
  conf.Set(*interface, Conf::kUseTempAddr, 2);
  random.step = 1;
  Give(43);  // the first draw is how much sooner than others it is deprecated
  addresses.Update(*interface, prefix);
  ASSERT_EQ(interface->addresses.size(), 3u);
  EXPECT_EQ(Newest(), WithIdentifier(network, 44));
  EXPECT_TRUE(interface->addresses.back().options.temporary);
  EXPECT_EQ(GivenUp(), 0u);
}

TEST_F(AutoAddressesTest, Rfc7217_S6_WithoutAFreeIdentifierThereIsNoAddress) {
  conf.Set(*interface, Conf::kAddrGenMode, kRandom);
  Give(42);
  addresses.Update(*interface, prefix);
  EXPECT_EQ(interface->addresses.size(), 1u);
  EXPECT_EQ(GivenUp(), 1u);
  EXPECT_EQ(addresses.NextChange(), kNever);
}

TEST_F(AutoAddressesTest, Rfc7217_S6_AfterThreeDuplicatesItIsGivenUp) {
  conf.Set(*interface, Conf::kAddrGenMode, kRandom);
  random.step = 1;
  addresses.Update(*interface, prefix);
  for (int duplicates = 1; duplicates <= 3; ++duplicates) {
    const IpAddress before = Newest();
    addresses.Duplicate(*interface, before);
    ASSERT_EQ(interface->addresses.size(), 1u);
    EXPECT_NE(Newest(), before);
  }
  EXPECT_EQ(GivenUp(), 0u);
  const IpAddress last = Newest();
  addresses.Duplicate(*interface, last);
  EXPECT_EQ(Newest(), last);  // marked
  EXPECT_EQ(GivenUp(), 1u);
}

TEST_F(AutoAddressesTest, TheAddressOfTheLinkAddressMayBeThereAlready) {
  conf.Set(*interface, Conf::kAddrGenMode, kEui64);
  Give(EuiIdentifier(interface->mac));
  addresses.Update(*interface, prefix);
  EXPECT_EQ(interface->addresses.size(), 1u);
  EXPECT_EQ(GivenUp(), 0u);
}

}  // namespace
}  // namespace moat::netstack
