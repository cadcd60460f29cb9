#include "sentry/socket/answer_gauge.h"

#include "gtest/gtest.h"

namespace moat::sentry {
namespace {

TEST(AnswerGaugeTest, CountsAConnectionOnce) {
  AnswerGauge gauge;
  AnswerGauge::Mark a, b;
  gauge.Delivered(a);
  gauge.Delivered(a);
  gauge.Delivered(b);
  EXPECT_EQ(gauge.open(), 2u);
  gauge.Answered(a);
  gauge.Answered(a);
  EXPECT_EQ(gauge.open(), 1u);
  EXPECT_EQ(gauge.answered(), 1u);
}

TEST(AnswerGaugeTest, WhatNobodyAskedForIsNoAnswer) {
  AnswerGauge gauge;
  AnswerGauge::Mark mark;
  gauge.Answered(mark);
  EXPECT_EQ(gauge.open(), 0u);
  EXPECT_EQ(gauge.answered(), 0u);
}

TEST(AnswerGaugeTest, ForgottenOnesMayAnswerLateAndBeAskedAgain) {
  AnswerGauge gauge;
  AnswerGauge::Mark late, again;
  gauge.Delivered(late);
  gauge.Delivered(again);
  gauge.Forget();
  EXPECT_EQ(gauge.open(), 0u);
  gauge.Answered(late);
  EXPECT_EQ(gauge.open(), 0u);
  EXPECT_EQ(gauge.answered(), 0u);
  gauge.Delivered(again);
  EXPECT_EQ(gauge.open(), 1u);
}

}  // namespace
}  // namespace moat::sentry
