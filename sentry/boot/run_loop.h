// The event-loop thread: waits, enters the sandbox, delivers.
#ifndef MOAT_SENTRY_BOOT_RUN_LOOP_H_
#define MOAT_SENTRY_BOOT_RUN_LOOP_H_

#include "absl/functional/function_ref.h"
#include "sentry/sandbox.h"

namespace moat::sentry {

// Spins for at most `spin_microseconds` (0: never) before it sleeps, where that pays.
// Until `ended` (asked with the lock held, after each batch) says so.
void RunLoop(Sandbox& sandbox, int spin_microseconds, absl::FunctionRef<bool()> ended);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_BOOT_RUN_LOOP_H_
