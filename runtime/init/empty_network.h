// The kernel's network namespace that a container's processes live in: empty, as their sockets are
// the sentry's. Whatever slips past the filter finds no interface that is up.
#ifndef MOAT_RUNTIME_INIT_EMPTY_NETWORK_H_
#define MOAT_RUNTIME_INIT_EMPTY_NETWORK_H_

#include "absl/status/status.h"

namespace moat::runtime {

// Moves the caller into a new one. Its loopback interface is down but has ::1, for programs (Java)
// that take an empty /proc/net/if_inet6 for a machine without IPv6; on such a machine it stays
// empty.
absl::Status EnterEmptyNetwork();

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_INIT_EMPTY_NETWORK_H_
