// The one crossing from netstack's errors to errno values.
#ifndef MOAT_SENTRY_ABI_ERRNO_MAP_H_
#define MOAT_SENTRY_ABI_ERRNO_MAP_H_

#include "netstack/base/error.h"

namespace moat::sentry {

// Positive errno; 0 for kOk. Total: a new Error does not compile until it has its errno here.
int ToErrno(netstack::Error error);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_ABI_ERRNO_MAP_H_
