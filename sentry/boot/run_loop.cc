#include "sentry/boot/run_loop.h"

#include <sched.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace moat::sentry {
namespace {

constexpr size_t kBatch = 128;

// The timerfd: something of the stack or of the sentry is due.
class TimerEvents final : public EventHandler {
 public:
  explicit TimerEvents(Sandbox& sandbox) : sandbox_(sandbox) {
    token_ = sandbox_.loop().Add(sandbox_.timer_fd(), EPOLLIN, this);
  }
  ~TimerEvents() override { sandbox_.loop().Remove(token_); }

  void OnEvents(uint32_t) override {
    uint64_t expirations = 0;
    (void)!read(sandbox_.timer_fd(), &expirations, sizeof(expirations));
    sandbox_.OnTimerFired();
    sandbox_.RunTimers();
  }

 private:
  Sandbox& sandbox_;
  EventLoop::Token token_;
};

int64_t MonotonicMicroseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000 + now.tv_nsec / 1'000;
}

// Until there are events or the time is over.
int Spin(EventLoop& loop, std::span<epoll_event> events, int microseconds) {
  const int64_t until = MonotonicMicroseconds() + microseconds;
  for (;;) {
    const int count = loop.Wait(events, 0);
    if (count != 0 || MonotonicMicroseconds() >= until) return count;
    sched_yield();
  }
}

}  // namespace

bool Spinner::Wanted() {
  if (microseconds_ <= 0) return false;
  if (skip_ == 0) return true;
  --skip_;
  return false;
}

void Spinner::Hit() {
  misses_ = 0;
  penalty_ = 1;
}

void Spinner::Missed() {
  if (++misses_ <= kPatience) return;
  skip_ = penalty_;
  penalty_ = std::min(2 * penalty_, kMostSkipped);
}

void RunLoop(Sandbox& sandbox, int spin_microseconds, absl::FunctionRef<bool()> ended) {
  std::array<epoll_event, kBatch> events;
  sandbox.mutex().Lock();
  TimerEvents timer(sandbox);
  sandbox.mutex().Unlock();
  Spinner spinner(spin_microseconds);
  for (;;) {
    const bool spin = spinner.Wanted();
    int count = spin ? Spin(sandbox.loop(), events, spin_microseconds) : 0;
    const bool hit = count != 0;
    if (!hit) count = sandbox.loop().Wait(events, -1);
    SandboxEntry entry(sandbox);
    if (spin) {
      hit ? spinner.Hit() : spinner.Missed();
      ++(hit ? sandbox.counters().spins_hit : sandbox.counters().spins_missed);
    }
    sandbox.loop().Dispatch({events.data(), static_cast<size_t>(count)});
    if (ended()) return;
  }
}

}  // namespace moat::sentry
