// The event-loop thread: waits, enters the sandbox, delivers.
#ifndef MOAT_SENTRY_BOOT_RUN_LOOP_H_
#define MOAT_SENTRY_BOOT_RUN_LOOP_H_

#include "absl/functional/function_ref.h"
#include "sentry/sandbox.h"

namespace moat::sentry {

struct SpinPolicy {
  // How long to look for the next event, right after one, before sleeping in epoll_wait(2): a wake-up of an
  // idle CPU costs some 40 us, an event that comes within this time none. 0: never.
  int microseconds = 0;
};

// Until `ended` (asked with the lock held, after each batch) says so.
void RunLoop(Sandbox& sandbox, const SpinPolicy& spin, absl::FunctionRef<bool()> ended);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_BOOT_RUN_LOOP_H_
