// The reassembly engine by itself: any order, any cut, and its bounds. What a host does with it is
// told in netstack/stack/fragments_test.cc.
#include "netstack/ip/reassembly.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "netstack/testing/fake_clock.h"

namespace moat::netstack {
namespace {

class RecordingHost final : public Reassembler::Host {
 public:
  void ReassemblyTimedOut(const FragmentKey&, const Slice& first) override {
    ++timed_out;
    if (!first.empty()) ++with_first;
  }
  void ReassemblyEvicted(const FragmentKey&) override { ++evicted; }
  int timed_out = 0, with_first = 0, evicted = 0;
};

class ReassemblyTest : public testing::TestWithParam<Family> {
 protected:
  using Outcome = Reassembler::Outcome;
  static constexpr size_t kHeader = 48;

  size_t header_size() const { return GetParam() == Family::kIpv4 ? 20 : kHeader; }
  Fragment Make(uint32_t id, uint32_t offset, bool more, const std::vector<uint8_t>& data) const {
    Fragment fragment;
    fragment.key.source = IpAddress::Any(GetParam());
    fragment.key.destination = IpAddress::Any(GetParam());
    fragment.key.identification = id;
    fragment.offset = offset;
    fragment.more = more;
    fragment.header_size = header_size();
    fragment.fragment_header = header_size() - 8;
    fragment.next_header_field = 6;
    std::vector<uint8_t> packet(header_size(), 0x5a);
    packet.insert(packet.end(), data.begin(), data.end());
    fragment.packet = Slice::Copy(packet);
    return fragment;
  }
  static std::vector<uint8_t> Data(size_t size, uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<uint8_t> data(size);
    for (uint8_t& byte : data) byte = static_cast<uint8_t>(random());
    return data;
  }

  FakeClock clock;
  TimerQueue timers{clock.Now()};
  SysctlTable sysctls;
  RecordingHost host;
  MemoryBudget memory{16 << 20};
  Reassembler reassembler{clock, timers, sysctls, memory, host};
};
INSTANTIATE_TEST_SUITE_P(Families, ReassemblyTest,
                         testing::Values(Family::kIpv4, Family::kIpv6));

TEST_P(ReassemblyTest, Rfc815_AnyCutInAnyOrderComesTogether) {
  std::mt19937 random(3);
  for (uint32_t id = 0; id < 200; ++id) {
    const std::vector<uint8_t> data = Data(8 + random() % 20000, id);
    std::vector<Fragment> fragments;
    for (size_t at = 0; at < data.size();) {
      size_t size = 8 * (1 + random() % 200);
      const bool more = at + size < data.size();
      if (!more) size = data.size() - at;
      fragments.push_back(Make(id, static_cast<uint32_t>(at), more,
                               {data.begin() + static_cast<ptrdiff_t>(at),
                                data.begin() + static_cast<ptrdiff_t>(at + size)}));
      at += size;
    }
    if (fragments.size() < 2) continue;
    std::shuffle(fragments.begin(), fragments.end(), random);
    Reassembled whole;
    for (size_t i = 0; i < fragments.size(); ++i) {
      const Outcome outcome = reassembler.Add(fragments[i], &whole);
      ASSERT_EQ(outcome, i + 1 == fragments.size() ? Outcome::kComplete : Outcome::kQueued);
    }
    const auto got = whole.packet.span().subspan(whole.header_size);
    ASSERT_TRUE(std::equal(got.begin(), got.end(), data.begin(), data.end()));
  }
  EXPECT_EQ(reassembler.size(), 0u);
  EXPECT_EQ(reassembler.memory(), 0u);
  EXPECT_FALSE(timers.NextDeadline() != kNever);
}

TEST_P(ReassemblyTest, MemoryIsBoundedAndGivenBack) {
  ASSERT_TRUE(sysctls.Set("ipv4.ipfrag_high_thresh", "65536").ok());
  Reassembled whole;
  for (uint32_t id = 0; id < 500; ++id) {
    (void)reassembler.Add(Make(id, 0, true, Data(1024, id)), &whole);
    ASSERT_LE(reassembler.memory(), 65536u + 2048);
  }
  EXPECT_GT(host.evicted, 400);
  clock.Advance(std::chrono::seconds(61));
  timers.RunExpired(clock.Now());
  EXPECT_EQ(reassembler.memory(), 0u);
  EXPECT_EQ(reassembler.size(), 0u);
  EXPECT_GT(host.with_first, 0);
}

TEST_P(ReassemblyTest, FragmentsPerPacketAreBounded) {
  Reassembled whole;
  Outcome outcome = Outcome::kQueued;
  int accepted = 0;
  for (uint32_t i = 0; i < 4000 && outcome == Outcome::kQueued; ++i) {
    outcome = reassembler.Add(Make(1, 16 * i, true, Data(8, i)), &whole);
    ++accepted;
  }
  EXPECT_EQ(outcome, Outcome::kTooMany);
  EXPECT_EQ(accepted, Reassembler::kMaxFragments + 1);
}

TEST_P(ReassemblyTest, EmptyAndOddFragmentsAreRefused) {
  Reassembled whole;
  EXPECT_EQ(reassembler.Add(Make(1, 0, true, {}), &whole), Outcome::kBadLength);
  EXPECT_EQ(reassembler.Add(Make(1, 0, true, Data(7, 1)), &whole), Outcome::kBadLength);
  EXPECT_EQ(reassembler.size(), 0u);
}

}  // namespace
}  // namespace moat::netstack
