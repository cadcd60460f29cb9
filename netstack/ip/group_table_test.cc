// How the filters of sockets become that of their interface: RFC 3376 3.2, RFC 3810 4.2.
#include "netstack/ip/group_table.h"

#include <gtest/gtest.h>

namespace moat::netstack {
namespace {

const IpAddress kGroup = IpAddress::V4(239, 1, 1, 1);
IpAddress S(uint8_t n) { return IpAddress::V4(10, 0, 0, n); }

class Merging : public testing::Test {
 protected:
  // The interface's filter when sockets have these.
  SourceFilter Of(const std::vector<SourceFilter>& sockets) {
    GroupTable table;
    for (const SourceFilter& filter : sockets) {
      EXPECT_TRUE(table.Change(kGroup, nullptr, &filter));
    }
    const SourceFilter merged =
        table.FilterOf(kGroup) == nullptr ? SourceFilter{} : *table.FilterOf(kGroup);
    for (const SourceFilter& filter : sockets) {
      EXPECT_TRUE(table.Change(kGroup, &filter, nullptr));
    }
    EXPECT_FALSE(table.contains(kGroup));
    return merged;
  }
  static SourceFilter Include(std::vector<IpAddress> sources) { return {false, sources}; }
  static SourceFilter Exclude(std::vector<IpAddress> sources) { return {true, sources}; }
};

// The examples of the RFC.
TEST_F(Merging, Rfc3376_S3_2_Examples) {
  EXPECT_EQ(Of({Include({S(1), S(2), S(3)}), Include({S(2), S(3), S(4)}),
                Include({S(4), S(5)})}),
            Include({S(1), S(2), S(3), S(4), S(5)}));
  EXPECT_EQ(Of({Exclude({S(1), S(2), S(3), S(4)}), Exclude({S(2), S(3), S(4), S(5)}),
                Include({S(4), S(5), S(6)})}),
            Exclude({S(2), S(3)}));
}

TEST_F(Merging, EverythingWins) {
  EXPECT_EQ(Of({Include({S(1)}), SourceFilter::Everything()}), SourceFilter::Everything());
  EXPECT_EQ(Of({Exclude({S(1)}), SourceFilter::Everything()}), SourceFilter::Everything());
}

TEST_F(Merging, AChangedFilterReplacesTheOldOne) {
  GroupTable table;
  const SourceFilter one = Include({S(1)}), two = Include({S(1), S(2)}), not_two = Exclude({S(2)});
  ASSERT_TRUE(table.Change(kGroup, nullptr, &one));
  ASSERT_TRUE(table.Change(kGroup, &one, &two));
  EXPECT_EQ(*table.FilterOf(kGroup), two);
  EXPECT_TRUE(table.Accepts(kGroup, S(2)));
  EXPECT_FALSE(table.Accepts(kGroup, S(3)));
  ASSERT_TRUE(table.Change(kGroup, &two, &not_two));
  EXPECT_EQ(*table.FilterOf(kGroup), not_two);
  EXPECT_FALSE(table.Accepts(kGroup, S(2)));
  EXPECT_TRUE(table.Accepts(kGroup, S(3)));
}

TEST_F(Merging, GroupsAndSourcesAreBounded) {
  GroupTable table;
  SourceFilter many{true, {}};
  for (size_t i = 0; i <= kMaxSourcesPerGroup; ++i) {
    many.sources.push_back(
        IpAddress::V4(10, 0, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)));
  }
  EXPECT_FALSE(table.Change(kGroup, nullptr, &many));
  EXPECT_FALSE(table.contains(kGroup));
  many.sources.pop_back();
  EXPECT_TRUE(table.Change(kGroup, nullptr, &many));
  const SourceFilter another = Include({IpAddress::V4(11, 0, 0, 1)});
  EXPECT_FALSE(table.Change(kGroup, nullptr, &another));
  EXPECT_EQ(*table.FilterOf(kGroup), many);

  const SourceFilter all = SourceFilter::Everything();
  for (size_t i = 0; i + 1 < kMaxGroupsPerInterface; ++i) {
    const IpAddress group =
        IpAddress::V4(238, 0, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i));
    ASSERT_TRUE(table.Change(group, nullptr, &all));
  }
  EXPECT_FALSE(table.Change(IpAddress::V4(239, 9, 9, 9), nullptr, &all));
  EXPECT_TRUE(table.Change(kGroup, nullptr, &all));  // is there already
}

}  // namespace
}  // namespace moat::netstack
