#include "netstack/base/timer.h"

#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace moat::netstack {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Notes when it fired, on the test's own time line.
struct Probe {
  Probe(TimerQueue& queue, const Time& now)
      : now(now), timer(queue, MemberTimer<&Probe::OnTimer>, this) {}
  void OnTimer() {
    fired.push_back(now);
    if (action) action();
  }
  const Time& now;
  std::vector<Time> fired;
  std::function<void()> action;
  Timer timer;
};

class TimerTest : public testing::Test {
 protected:
  void RunAt(Time time) {
    now_ = time;
    queue_.RunExpired(now_);
  }
  // Drives the queue as an event loop does: to every deadline that it names, until `end`.
  void RunUntil(Time end) {
    while (queue_.NextDeadline() <= end) RunAt(std::max(now_, queue_.NextDeadline()));
    RunAt(end);
  }

  Time now_ = kTimeZero + milliseconds(12345);
  TimerQueue queue_{now_};
};

TEST_F(TimerTest, EmptyQueueHasNoDeadline) {
  EXPECT_EQ(queue_.NextDeadline(), kNever);
  RunAt(now_ + hours(1));
  EXPECT_EQ(queue_.size(), 0u);
}

TEST_F(TimerTest, FiresOnceAtItsDeadline) {
  Probe probe(queue_, now_);
  const Time deadline = now_ + milliseconds(10);
  probe.timer.Arm(deadline);
  EXPECT_TRUE(probe.timer.armed());
  EXPECT_LE(queue_.NextDeadline(), deadline);
  EXPECT_GT(queue_.NextDeadline(), now_);
  RunAt(deadline - milliseconds(1));
  EXPECT_TRUE(probe.fired.empty());
  RunAt(deadline);
  EXPECT_THAT(probe.fired, testing::ElementsAre(deadline));
  EXPECT_FALSE(probe.timer.armed());
  RunAt(deadline + hours(10));
  EXPECT_EQ(probe.fired.size(), 1u);
}

TEST_F(TimerTest, NeverFiresBeforeADeadlineBetweenTwoTicks) {
  Probe probe(queue_, now_);
  probe.timer.Arm(now_ + microseconds(1500));
  RunAt(now_ + microseconds(1000));
  RunAt(now_ + microseconds(499));
  EXPECT_TRUE(probe.fired.empty());
  RunAt(now_ + microseconds(501));
  EXPECT_EQ(probe.fired.size(), 1u);
}

TEST_F(TimerTest, PastDeadlineFiresOnTheNextRunEvenWhenTimeStandsStill) {
  Probe probe(queue_, now_);
  probe.timer.Arm(now_ - seconds(5));
  EXPECT_LE(queue_.NextDeadline(), now_);
  RunAt(now_);
  EXPECT_EQ(probe.fired.size(), 1u);
}

TEST_F(TimerTest, RearmingMovesTheDeadline) {
  Probe probe(queue_, now_);
  const Time start = now_;
  probe.timer.Arm(start + milliseconds(5));
  probe.timer.Arm(start + seconds(100));
  EXPECT_EQ(queue_.size(), 1u);
  RunAt(start + milliseconds(50));
  EXPECT_TRUE(probe.fired.empty());
  probe.timer.Arm(start + milliseconds(60));
  RunAt(start + milliseconds(60));
  EXPECT_EQ(probe.fired.size(), 1u);
}

TEST_F(TimerTest, CancelAndDestructionDisarm) {
  Probe probe(queue_, now_);
  probe.timer.Arm(now_ + milliseconds(1));
  probe.timer.Cancel();
  probe.timer.Cancel();
  {
    Probe gone(queue_, now_);
    gone.timer.Arm(now_ + milliseconds(1));
    EXPECT_EQ(queue_.size(), 1u);
  }
  EXPECT_EQ(queue_.size(), 0u);
  RunAt(now_ + seconds(1));
  EXPECT_TRUE(probe.fired.empty());
}

TEST_F(TimerTest, HandlerThatRearmsForNowFiresOncePerRun) {
  Probe probe(queue_, now_);
  probe.action = [&] { probe.timer.Arm(now_); };
  probe.timer.Arm(now_);
  RunAt(now_);
  EXPECT_EQ(probe.fired.size(), 1u);
  EXPECT_LE(queue_.NextDeadline(), now_);
  RunAt(now_);
  EXPECT_EQ(probe.fired.size(), 2u);
}

TEST_F(TimerTest, HandlerMayDestroyItself) {
  auto probe = std::make_unique<Probe>(queue_, now_);
  probe->action = [&] { probe.reset(); };
  probe->timer.Arm(now_ + milliseconds(3));
  RunAt(now_ + milliseconds(3));
  EXPECT_EQ(probe, nullptr);
  EXPECT_EQ(queue_.size(), 0u);
}

TEST_F(TimerTest, HandlerMayDestroyAnotherTimerOfTheSameTick) {
  auto second = std::make_unique<Probe>(queue_, now_);
  Probe first(queue_, now_);
  first.action = [&] { second.reset(); };
  first.timer.Arm(now_ + milliseconds(3));
  second->timer.Arm(now_ + milliseconds(3));
  RunAt(now_ + milliseconds(3));
  EXPECT_EQ(first.fired.size(), 1u);
  EXPECT_EQ(queue_.size(), 0u);
}

TEST_F(TimerTest, QueueMayEndBeforeItsTimersDo) {
  auto queue = std::make_unique<TimerQueue>(now_);
  Probe probe(*queue, now_);
  probe.timer.Arm(now_ + seconds(1));
  queue.reset();
  EXPECT_FALSE(probe.timer.armed());
}

TEST_F(TimerTest, DeadlinesYearsAwayAndForever) {
  Probe years(queue_, now_);
  Probe never(queue_, now_);
  const Time deadline = now_ + hours(24 * 365 * 50);
  years.timer.Arm(deadline);
  never.timer.Arm(kNever);
  RunUntil(deadline - hours(1));
  EXPECT_TRUE(years.fired.empty());
  RunUntil(deadline);
  EXPECT_THAT(years.fired, testing::ElementsAre(deadline));
  EXPECT_TRUE(never.timer.armed());
}

TEST_F(TimerTest, NextDeadlineIsNeverLate) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    Probe probe(queue_, now_);
    const Time deadline = now_ + Duration(random() >> (24 + random() % 38));
    probe.timer.Arm(deadline);
    int steps = 0;
    while (probe.fired.empty()) {
      const Time next = queue_.NextDeadline();
      ASSERT_LT(next, deadline + TimerQueue::kTick);
      RunAt(std::max(now_, next));
      ASSERT_LT(++steps, 20);
    }
    EXPECT_GE(probe.fired[0], deadline);
    EXPECT_LT(probe.fired[0], deadline + TimerQueue::kTick);
  }
}

TEST_F(TimerTest, OneLongJumpFiresEverythingInOrder) {
  std::mt19937_64 random(2);
  std::vector<Time> order;
  struct Entry {
    Entry(TimerQueue& queue, std::vector<Time>& order)
        : order(order), timer(queue, MemberTimer<&Entry::OnTimer>, this) {}
    void OnTimer() { order.push_back(timer.deadline()); }
    std::vector<Time>& order;
    Timer timer;
  };
  std::vector<std::unique_ptr<Entry>> entries;
  for (int i = 0; i < 5000; ++i) {
    entries.push_back(std::make_unique<Entry>(queue_, order));
    entries.back()->timer.Arm(now_ + microseconds(random() % 100'000'000'000));
  }
  RunAt(now_ + hours(48));
  ASSERT_EQ(order.size(), entries.size());
  for (size_t i = 1; i < order.size(); ++i) ASSERT_LT(order[i - 1], order[i] + TimerQueue::kTick);
}

TEST_F(TimerTest, AMillionTimersEachInItsTick) {
  constexpr int kTimers = 1'000'000;
  struct Entry {
    Entry(TimerQueue& queue, const Time& now, int& wrong)
        : now(now), wrong(wrong), timer(queue, MemberTimer<&Entry::OnTimer>, this) {}
    void OnTimer() {
      if (now < timer.deadline() || now >= timer.deadline() + TimerQueue::kTick) ++wrong;
    }
    const Time& now;
    int& wrong;
    Timer timer;
  };
  int wrong = 0;
  std::mt19937_64 random(3);
  std::vector<std::unique_ptr<Entry>> entries;
  entries.reserve(kTimers);
  for (int i = 0; i < kTimers; ++i) {
    entries.push_back(std::make_unique<Entry>(queue_, now_, wrong));
    entries.back()->timer.Arm(now_ + microseconds(random() % 30'000'000));
  }
  // Half of them move, as retransmission timers do, and a few are cancelled.
  for (int i = 0; i < kTimers; i += 2) {
    entries[i]->timer.Arm(now_ + microseconds(random() % 30'000'000));
  }
  for (int i = 0; i < kTimers; i += 100) entries[i]->timer.Cancel();
  EXPECT_EQ(queue_.size(), kTimers - kTimers / 100u);
  RunUntil(now_ + seconds(31));
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(queue_.size(), 0u);
}

}  // namespace
}  // namespace moat::netstack
