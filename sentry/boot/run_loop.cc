#include "sentry/boot/run_loop.h"

#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

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

}  // namespace

void RunLoop(Sandbox& sandbox, const SpinPolicy& spin, absl::FunctionRef<bool()> ended) {
  std::array<epoll_event, kBatch> events;
  sandbox.mutex().Lock();
  TimerEvents timer(sandbox);
  sandbox.mutex().Unlock();
  bool active = false;
  for (;;) {
    int count = 0;
    bool spun = false;
    if (active && spin.microseconds > 0) {
      const int64_t until = MonotonicMicroseconds() + spin.microseconds;
      spun = true;
      do {
        count = sandbox.loop().Wait(events, 0);
      } while (count == 0 && MonotonicMicroseconds() < until);
    }
    if (count == 0) {
      active = false;
      count = sandbox.loop().Wait(events, -1);
    } else {
      active = true;
    }
    SandboxEntry entry(sandbox);
    if (spun) ++(active ? sandbox.counters().spins_hit : sandbox.counters().spins_missed);
    active = true;
    sandbox.loop().Dispatch({events.data(), static_cast<size_t>(count)});
    if (ended()) return;
  }
}

}  // namespace moat::sentry
