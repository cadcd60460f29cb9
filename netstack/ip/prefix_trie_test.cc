#include "netstack/ip/prefix_trie.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace moat::netstack {
namespace {

TrieKey Key(const char* text) { return TrieKey::Of(*IpAddress::Parse(text)); }

// The longest accepted value for `address`, 0 when there is none.
int Longest(const PrefixTrie<int>& trie, const TrieKey& address) {
  int found = 0;
  trie.Match(address, [&](int value) {
    found = value;
    return true;
  });
  return found;
}

TEST(PrefixTrie, LongestPrefixFirst) {
  PrefixTrie<int> trie;
  trie.GetOrInsert(Key("0.0.0.0"), 0) = 1;
  trie.GetOrInsert(Key("10.0.0.0"), 8) = 2;
  trie.GetOrInsert(Key("10.1.0.0"), 16) = 3;
  trie.GetOrInsert(Key("10.1.2.3"), 32) = 4;
  EXPECT_EQ(Longest(trie, Key("10.1.2.3")), 4);
  EXPECT_EQ(Longest(trie, Key("10.1.2.4")), 3);
  EXPECT_EQ(Longest(trie, Key("10.2.0.0")), 2);
  EXPECT_EQ(Longest(trie, Key("11.0.0.0")), 1);
  std::vector<int> order;
  trie.Match(Key("10.1.2.3"), [&](int value) {
    order.push_back(value);
    return false;
  });
  EXPECT_EQ(order, (std::vector<int>{4, 3, 2, 1}));
}

TEST(PrefixTrie, ErasedPrefixesAndTheirForksAreGone) {
  PrefixTrie<int> trie;
  trie.GetOrInsert(Key("2001:db8::"), 32) = 1;
  trie.GetOrInsert(Key("2001:db8:1::"), 48) = 2;
  trie.GetOrInsert(Key("2001:db8:2::"), 48) = 3;
  trie.Erase(Key("2001:db8:1::"), 48);
  EXPECT_EQ(Longest(trie, Key("2001:db8:1::1")), 1);
  EXPECT_EQ(Longest(trie, Key("2001:db8:2::1")), 3);
  trie.Erase(Key("2001:db8::"), 32);
  EXPECT_EQ(Longest(trie, Key("2001:db8:1::1")), 0);
  EXPECT_EQ(trie.Find(Key("2001:db8::"), 32), nullptr);
  EXPECT_EQ(trie.size(), 1u);
  trie.Erase(Key("::"), 0);  // what is not there
  EXPECT_EQ(trie.size(), 1u);
}

struct Scale {
  bool v6;
  int max_length;
};

class PrefixTrieRandom : public testing::TestWithParam<Scale> {};
INSTANTIATE_TEST_SUITE_P(Families, PrefixTrieRandom,
                         testing::Values(Scale{false, 32}, Scale{true, 128}));

// Against the definition, through thousands of insertions and removals.
TEST_P(PrefixTrieRandom, AgreesWithALinearSearch) {
  std::mt19937_64 random(11);
  auto address = [&] {
    // Few distinct bits, so that prefixes nest and collide.
    TrieKey key{(random() & 0x8181000000000001) << (random() % 3), random() & 0x8000000000000003};
    if (!GetParam().v6) key = key.Masked(32);
    return key;
  };
  PrefixTrie<int> trie;
  std::map<std::tuple<int, uint64_t, uint64_t>, int> model;
  for (int step = 1; step < 5000; ++step) {
    const int length = static_cast<int>(random() % (GetParam().max_length + 1));
    const TrieKey key = address().Masked(length);
    if (random() % 3 == 0) {
      trie.Erase(key, length);
      model.erase({length, key.high, key.low});
    } else {
      trie.GetOrInsert(key, length) = step;
      model[{length, key.high, key.low}] = step;
    }
    ASSERT_EQ(trie.size(), model.size());
    const TrieKey probe = address();
    int expected = 0;
    for (const auto& [prefix, value] : model) {  // sorted by length: the last match is the longest
      const auto& [bits, high, low] = prefix;
      if (probe.SharesBits({high, low}, bits)) expected = value;
    }
    ASSERT_EQ(Longest(trie, probe), expected) << "step " << step;
    const auto at_probe = model.find({length, probe.Masked(length).high, probe.Masked(length).low});
    const int* found = trie.Find(probe, length);
    ASSERT_EQ(found == nullptr ? 0 : *found, at_probe == model.end() ? 0 : at_probe->second);
  }
  std::map<std::tuple<uint64_t, uint64_t, int>, int> by_address;
  for (const auto& [prefix, value] : model) {
    const auto& [bits, high, low] = prefix;
    by_address[{high, low, bits}] = value;
  }
  std::vector<int> expected, listed;
  for (const auto& [prefix, value] : by_address) expected.push_back(value);
  trie.ForEach([&](int value) { listed.push_back(value); });
  EXPECT_EQ(listed, expected);
  for (const auto& [prefix, value] : model) {
    const auto& [bits, high, low] = prefix;
    trie.Erase({high, low}, bits);
  }
  EXPECT_TRUE(trie.empty());
}

// Each length, on both sides of where the trie's steps and the key's words meet.
TEST(PrefixTrie, EveryLengthOfOneAddress) {
  const TrieKey key{0xfedcba9876543210, 0x0123456789abcdef};
  PrefixTrie<int> trie;
  for (int length = 128; length >= 0; --length) trie.GetOrInsert(key, length) = length + 1;
  for (int length = 0; length <= 128; ++length) {
    ASSERT_NE(trie.Find(key, length), nullptr);
    EXPECT_EQ(*trie.Find(key, length), length + 1);
    if (length == 128) break;
    TrieKey other = key;  // the first bit that differs is the one behind `length`
    (length < 64 ? other.high : other.low) ^= uint64_t{1} << (63 - length % 64);
    EXPECT_EQ(Longest(trie, other), length + 1);
  }
  for (int length = 128; length > 0; --length) {
    trie.Erase(key, length);
    EXPECT_EQ(Longest(trie, key), length);
  }
}

}  // namespace
}  // namespace moat::netstack
