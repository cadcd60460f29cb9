#include "netstack/wire/seqnum.h"

#include <gtest/gtest.h>

namespace moat::netstack {
namespace {

TEST(SeqNum, ComparesAcrossTheWrap) {
  const SeqNum before(0xfffffff0u);
  const SeqNum after = before + 0x20;
  EXPECT_EQ(after.value(), 0x10u);
  EXPECT_LT(before, after);
  EXPECT_LE(before, after);
  EXPECT_GT(after, before);
  EXPECT_GE(after, before);
  EXPECT_EQ(after - before, 0x20u);
  EXPECT_EQ(Max(before, after), after);
  EXPECT_EQ(Min(before, after), before);
}

TEST(SeqNum, HalfOfTheCircleIsAhead) {
  const SeqNum zero(0);
  EXPECT_GT(SeqNum(0x7fffffffu), zero);
  EXPECT_LT(SeqNum(0x80000001u), zero);
}

TEST(SeqNum, WindowIsHalfOpen) {
  const SeqNum start(0xffffffffu);
  EXPECT_TRUE(start.InWindow(start, 1));
  EXPECT_FALSE(start.InWindow(start, 0));
  EXPECT_TRUE(SeqNum(0).InWindow(start, 2));
  EXPECT_FALSE(SeqNum(1).InWindow(start, 2));
  EXPECT_FALSE((start - 1).InWindow(start, 100));
}

}  // namespace
}  // namespace moat::netstack
