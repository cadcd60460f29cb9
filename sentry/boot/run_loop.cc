#include "sentry/boot/run_loop.h"

#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <span>

#include "sentry/boot/pacing.h"

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

// A wake-up of an idle CPU costs some 40 us, an event that comes while one looks for it none.
// Between looks the CPU is offered to whoever wants it (sched_yield(2)), so that the peer can run
// on this CPU, too.
class Waiting {
 public:
  Waiting(Sandbox& sandbox, int spin_microseconds)
      : sandbox_(sandbox), spin_microseconds_(spin_microseconds) {}

  // Blocks until there are events; not under the lock.
  std::span<epoll_event> NextEvents() {
    if (paused_) nanosleep(&kPause, nullptr);
    int count = 0;
    spun_ = spin_microseconds_ > 0 && spin_.Wanted();
    if (spun_) count = Spin();
    spin_paid_ = count != 0;
    if (count == 0) count = sandbox_.loop().Wait(events_, -1);
    return {events_.data(), static_cast<size_t>(count)};
  }

  // After these events were dispatched, under the lock: learns what paid, and plans the next wait.
  void Learn() {
    if (spun_) {
      spin_paid_ ? spin_.Paid() : spin_.Missed();
      ++(spin_paid_ ? sandbox_.counters().spins_hit : sandbox_.counters().spins_missed);
    }
    AnswerGauge& answers = sandbox_.answers();
    if (paused_) {
      const bool paid = answers.answered() - answered_before_ >= kWorthAPause;
      paid ? pause_.Paid() : pause_.Missed();
      ++(paid ? sandbox_.counters().pauses_hit : sandbox_.counters().pauses_missed);
      if (!paid) answers.Forget();
    }
    answered_before_ = answers.answered();
    paused_ = answers.open() >= kManyAnswers && pause_.Wanted();
  }

 private:
  static constexpr timespec kPause = {.tv_sec = 0, .tv_nsec = 50'000};
  static constexpr uint32_t kManyAnswers = 5;   // that are open, for a pause to be tried
  static constexpr uint64_t kWorthAPause = 3;   // answers that came during it

  int Spin() {
    const int64_t until = MonotonicMicroseconds() + spin_microseconds_;
    for (;;) {
      const int count = sandbox_.loop().Wait(events_, 0);
      if (count != 0 || MonotonicMicroseconds() >= until) return count;
      sched_yield();
    }
  }

  Sandbox& sandbox_;
  const int spin_microseconds_;
  std::array<epoll_event, kBatch> events_;
  Gamble spin_;
  Gamble pause_;
  bool spun_ = false;
  bool spin_paid_ = false;
  bool paused_ = false;  // before the events that come next
  uint64_t answered_before_ = 0;
};

}  // namespace

void RunLoop(Sandbox& sandbox, int spin_microseconds, absl::FunctionRef<bool()> ended) {
  // Pauses are shorter than the default slack of timers (50 us).
  prctl(PR_SET_TIMERSLACK, 1'000);
  sandbox.mutex().Lock();
  TimerEvents timer(sandbox);
  sandbox.mutex().Unlock();
  Waiting waiting(sandbox, spin_microseconds);
  for (;;) {
    const std::span<epoll_event> events = waiting.NextEvents();
    SandboxEntry entry(sandbox);
    sandbox.loop().Dispatch(events);
    waiting.Learn();
    if (ended()) return;
  }
}

}  // namespace moat::sentry
