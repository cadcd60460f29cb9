#include "sentry/intercept/replay_cache.h"

#include "gtest/gtest.h"

namespace moat::sentry {
namespace {

seccomp_notif CallOf(uint32_t thread, int number, uint64_t argument = 0, uint64_t ip = 7) {
  seccomp_notif call{};
  call.pid = thread;
  call.data.nr = number;
  call.data.instruction_pointer = ip;
  call.data.args[5] = argument;
  return call;
}

TEST(ReplayCache, AnswersTheRepetitionOnce) {
  ReplayCache cache;
  cache.Keep(CallOf(10, 42, 3), -115);
  EXPECT_EQ(cache.Take(CallOf(10, 42, 3)), -115);
  EXPECT_EQ(cache.Take(CallOf(10, 42, 3)), std::nullopt);
}

TEST(ReplayCache, AnotherCallOfTheThreadDropsTheEntry) {
  for (const seccomp_notif& other : {CallOf(10, 43, 3), CallOf(10, 42, 4), CallOf(10, 42, 3, 8)}) {
    ReplayCache cache;
    cache.Keep(CallOf(10, 42, 3), 5);
    EXPECT_EQ(cache.Take(other), std::nullopt);
    EXPECT_EQ(cache.Take(CallOf(10, 42, 3)), std::nullopt);
  }
}

TEST(ReplayCache, ThreadsAreApart) {
  ReplayCache cache;
  cache.Keep(CallOf(10, 42), 1);
  cache.Keep(CallOf(11, 42), 2);
  EXPECT_EQ(cache.Take(CallOf(12, 42)), std::nullopt);
  EXPECT_EQ(cache.Take(CallOf(11, 42)), 2);
  EXPECT_EQ(cache.Take(CallOf(10, 42)), 1);
}

TEST(ReplayCache, IsBounded) {
  ReplayCache cache;
  for (uint32_t thread = 1; thread <= 3 * ReplayCache::kMaxEntries; ++thread) {
    cache.Keep(CallOf(thread, 42), 1);
  }
  EXPECT_EQ(cache.size(), ReplayCache::kMaxEntries);
}

}  // namespace
}  // namespace moat::sentry
