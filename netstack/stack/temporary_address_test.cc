// Temporary addresses: the rules of RFC 8981 one by one.
#include <set>

#include "netstack/stack/router_discovery_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr uint32_t kForever = 0xffffffff;
constexpr int kDay = 24 * 3600;

class TemporaryAddresses : public Discovery {
 protected:
  TemporaryAddresses() {
    Set("use_tempaddr", "2");
    EXPECT_TRUE(world.stack.RemoveAddress(kEth0, *Prefix::Parse("2001:db8::1/64")).ok());
  }
  void Advertise(uint32_t valid = kForever, uint32_t preferred = kForever) {
    Receive(router,
            Ra(65535, Option({.prefix = "2001:db8:5::", .valid = valid, .preferred = preferred})));
  }
  IpAddress First() {
    Advertise();
    world.Advance(seconds(2));
    EXPECT_EQ(Temporary().size(), 1u);
    return Temporary()[0].prefix.address;
  }
  // For how long the address is preferred, from now on, while the router advertises every 100 s.
  int64_t PreferredFor(const IpAddress& address, int most = 2 * kDay) {
    const Time begin = world.clock.Now();
    while (world.clock.Now() < begin + seconds(most)) {
      const auto info = Address(address);
      if (!info.has_value() || info->options.deprecated) break;
      Advertise();
      world.Advance(seconds(100));
    }
    return (world.clock.Now() - begin) / seconds(1);
  }
  void SayItIsTaken(const IpAddress& address) {
    Bytes advertisement(kMaxNdpEmit);
    advertisement.resize(EmitNeighborAdvertisement(address, false, false, true, kPeerMac,
                                                   advertisement.data()));
    world.ReceiveNdp(address, Ip("ff02::1"), advertisement);
  }
  size_t Usable() const {
    size_t count = 0;
    for (const AddressInfo& info : Temporary())
      count += !info.options.deprecated && !info.duplicate;
    return count;
  }
};

TEST_F(TemporaryAddresses, Rfc8981_S3_4_AdvertisementsDoNotExtendThemBeyondTheirOwnTime) {
  const IpAddress first = First();
  const int64_t preferred = PreferredFor(first);
  EXPECT_LE(preferred, kDay);
  EXPECT_GE(preferred, kDay * 6 / 10 - 100);
  // Deprecated it stays, whatever is advertised; until two days are over.
  world.Advance(seconds(kDay - preferred));
  Advertise();
  EXPECT_TRUE(Address(first)->options.deprecated);
  EXPECT_EQ(Usable(), 1u);
  world.Advance(seconds(kDay - 200));
  EXPECT_TRUE(Address(first).has_value());
  Advertise();
  world.Advance(seconds(300));
  EXPECT_FALSE(Address(first).has_value());
}

TEST_F(TemporaryAddresses, Rfc8981_S3_4_TheyEndWithTheirPrefix) {
  Advertise(7200 + 600, 600);
  world.Advance(seconds(2));
  ASSERT_EQ(Temporary().size(), 1u);
  const IpAddress first = Temporary()[0].prefix.address;
  world.Advance(seconds(600));
  EXPECT_TRUE(Address(first)->options.deprecated);
  EXPECT_EQ(Usable(), 0u);  // the public one is deprecated too
  world.Advance(seconds(7200));
  EXPECT_TRUE(Temporary().empty());
}

// 3.1: it cannot be foretold when an address changes, nor do those that began together change
// together.
TEST_F(TemporaryAddresses, Rfc8981_S3_1_LifetimesDiffer) {
  std::set<int64_t> times;
  IpAddress address = First();
  for (int i = 0; i < 4; ++i) {
    times.insert(PreferredFor(address) / 600);
    ASSERT_EQ(Usable(), 1u);
    for (const AddressInfo& info : Temporary()) {
      if (!info.options.deprecated) address = info.prefix.address;
    }
  }
  EXPECT_GE(times.size(), 3u);
}

TEST_F(TemporaryAddresses, Rfc8981_S3_3_1_IdentifiersDifferByPrefixAndTime) {
  Receive(router, Ra(65535, prefix + Option({.prefix = "2001:db8:6::"})));
  world.Advance(seconds(2));
  std::set<uint64_t> identifiers;
  for (int i = 0; i < 5; ++i) {
    for (const AddressInfo& info : Temporary()) {
      const uint64_t identifier = LoadBe64(info.prefix.address.data() + 8);
      identifiers.insert(identifier);
      EXPECT_NE(identifier, LoadBe64(own.data() + 8));
    }
    world.Advance(hours(24));
    Receive(router, Ra(65535, prefix + Option({.prefix = "2001:db8:6::"})));
  }
  EXPECT_GE(identifiers.size(), 10u);
}

// The same seed draws the same identifier, unless the interface has it already.
class Twin : public TemporaryAddresses {
 public:
  void TestBody() override {}
  IpAddress DrawBeside(const IpAddress& present) {
    AddressOptions options;
    options.no_dad = true;
    EXPECT_TRUE(world.stack.AddAddress(kEth0, {present, 64}, options).ok());
    Advertise();
    return Temporary().size() == 1 ? Temporary()[0].prefix.address : Ip("::");
  }
};

TEST_F(TemporaryAddresses, Rfc8981_S3_3_1_AnIdentifierThatIsInUseIsDrawnAnew) {
  const IpAddress any = Ip("2001:db8:5::77");
  const IpAddress drawn = Twin().DrawBeside(any);
  ASSERT_EQ(Twin().DrawBeside(any), drawn);
  const IpAddress again = Twin().DrawBeside(drawn);
  EXPECT_NE(again, drawn);
  EXPECT_TRUE(again.InPrefix(any, 64));
}

TEST_F(TemporaryAddresses, Rfc8981_S3_4_5_NoneWithoutTimeToBePreferred) {
  Advertise(7200, 0);
  EXPECT_TRUE(Temporary().empty());
  EXPECT_TRUE(Address(own).has_value());
  Advertise(7200, 5);  // REGEN_ADVANCE
  EXPECT_TRUE(Temporary().empty());
  Advertise(7200, 60);
  EXPECT_EQ(Temporary().size(), 1u);
}

TEST_F(TemporaryAddresses, Rfc8981_S3_4_7_DuplicatesAreReplacedThreeTimesAndThenNoMore) {
  Advertise();
  std::set<IpAddress> tried;
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(Temporary().size(), 1u);
    const AddressInfo info = Temporary()[0];
    ASSERT_TRUE(info.tentative);
    ASSERT_FALSE(info.duplicate);
    EXPECT_TRUE(tried.insert(info.prefix.address).second);
    SayItIsTaken(info.prefix.address);
  }
  for (int i = 0; i < 40; ++i) {
    Advertise();
    world.Advance(hours(1));
    for (const AddressInfo& info : Temporary())
      EXPECT_EQ(tried.count(info.prefix.address), 1u) << i;
  }
  EXPECT_EQ(Usable(), 0u);
  EXPECT_EQ(*world.stack.SelectSource(Ip("2001:db8:77::1"), 0), own);
}

TEST_F(TemporaryAddresses, Rfc8981_S3_5_TheSuccessorComesBeforeTheEnd) {
  const IpAddress first = First();
  const Time begin = world.clock.Now();
  while (Temporary().size() == 1 && world.clock.Now() < begin + hours(25))
    world.Advance(seconds(1));
  ASSERT_EQ(Temporary().size(), 2u);
  EXPECT_FALSE(Address(first)->options.deprecated);
  world.Advance(seconds(6));  // REGEN_ADVANCE
  EXPECT_TRUE(Address(first)->options.deprecated);
  EXPECT_EQ(Usable(), 1u);  // one at a time
}

TEST_F(TemporaryAddresses, Rfc8981_S3_6_AnotherLinkBringsOtherAddresses) {
  const IpAddress first = First();
  ASSERT_TRUE(world.stack.SetInterfaceUp(kEth0, false).ok());
  EXPECT_TRUE(Temporary().empty());
  ASSERT_TRUE(world.stack.SetInterfaceUp(kEth0, true).ok());
  const IpAddress second_one = First();
  EXPECT_NE(first, second_one);
}

TEST_F(TemporaryAddresses, Rfc8981_S3_6_TheLifetimesAreConfigurable) {
  Set("temp_prefered_lft", "3600");
  Set("temp_valid_lft", "7200");
  const IpAddress first = First();
  EXPECT_LE(PreferredFor(first), 3600);
  world.Advance(seconds(7200));
  EXPECT_FALSE(Address(first).has_value());
}

TEST_F(TemporaryAddresses, Rfc8981_S3_7_TheyCanBeSwitchedOff) {
  Set("use_tempaddr", "0");
  Advertise();
  world.Advance(seconds(2));
  EXPECT_TRUE(Temporary().empty());
  EXPECT_EQ(*world.stack.SelectSource(Ip("2001:db8:77::1"), 0), own);
}

}  // namespace
}  // namespace moat::netstack
