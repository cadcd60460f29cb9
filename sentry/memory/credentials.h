// What a container's thread may do.
#ifndef MOAT_SENTRY_MEMORY_CREDENTIALS_H_
#define MOAT_SENTRY_MEMORY_CREDENTIALS_H_

#include <sys/types.h>

namespace moat::sentry {

// Whether `capability` (CAP_*) is in the thread's effective set, in its own user namespace. False
// when the thread is gone.
bool HasCapability(pid_t tid, int capability);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_MEMORY_CREDENTIALS_H_
