#include "sentry/boot/pacing.h"

#include "gtest/gtest.h"

namespace moat::sentry {
namespace {

// How often a gamble is tried in `turns` turns when it never pays.
int TriesInVain(Gamble& gamble, int turns) {
  int tries = 0;
  for (int i = 0; i < turns; ++i) {
    if (!gamble.Wanted()) continue;
    ++tries;
    gamble.Missed();
  }
  return tries;
}

TEST(GambleTest, GoesOnWhileItPays) {
  Gamble gamble;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(gamble.Wanted());
    gamble.Paid();
  }
}

TEST(GambleTest, IsTriedRarelyWhenItDoesNotPay) {
  Gamble gamble;
  EXPECT_LT(TriesInVain(gamble, 1000), 20);
  EXPECT_EQ(TriesInVain(gamble, 2570), 10);  // one of 257
}

TEST(GambleTest, AFewMissesAreForgiven) {
  Gamble gamble;
  for (int i = 0; i < 1000; ++i) {
    for (int miss = 0; miss < 4; ++miss) {
      ASSERT_TRUE(gamble.Wanted());
      gamble.Missed();
    }
    ASSERT_TRUE(gamble.Wanted());
    gamble.Paid();
  }
}

TEST(GambleTest, PaysAgainAtOnceAfterOneThatPaid) {
  Gamble gamble;
  TriesInVain(gamble, 2000);
  while (!gamble.Wanted()) {
  }
  gamble.Paid();
  EXPECT_TRUE(gamble.Wanted());
}

}  // namespace
}  // namespace moat::sentry
