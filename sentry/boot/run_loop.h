// The event-loop thread: waits, enters the sandbox, delivers.
#ifndef MOAT_SENTRY_BOOT_RUN_LOOP_H_
#define MOAT_SENTRY_BOOT_RUN_LOOP_H_

#include "absl/functional/function_ref.h"
#include "sentry/sandbox.h"

namespace moat::sentry {

// Looking for the next event for a while, right after one, before sleeping in epoll_wait(2): a wake-up of an
// idle CPU costs some 40 us, an event that comes within this time none. Between looks the CPU is offered
// to whoever wants it (sched_yield(2)), so that the peer can run on this CPU, too. Whether it pays is
// learned: after misses the next attempts are rarer and rarer.
class Spinner {
 public:
  explicit Spinner(int microseconds) : microseconds_(microseconds) {}

  // Whether to spin this time.
  bool Wanted();
  void Hit();
  void Missed();
  int microseconds() const { return microseconds_; }

 private:
  static constexpr int kMostSkipped = 256;
  static constexpr int kPatience = 4;  // misses in a row that are forgiven

  const int microseconds_;  // 0: never
  int misses_ = 0;          // in a row
  int penalty_ = 1;         // attempts to leave out after a miss
  int skip_ = 0;
};

// Until `ended` (asked with the lock held, after each batch) says so.
void RunLoop(Sandbox& sandbox, int spin_microseconds, absl::FunctionRef<bool()> ended);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_BOOT_RUN_LOOP_H_
