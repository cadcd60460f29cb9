// Brings what the kernel's own sockets ask name servers to this process.
//
// dockerd asks from the configured network namespace, where the kernel is kept silent. A rule there
// sends its UDP datagrams for port 53 to a routing table whose only route says that every address
// is local, by the loopback: they arrive at whoever is bound to that port. Addresses that are the
// namespace's own are found before that, as ever. TCP and IPv6 are not brought.
#ifndef MOAT_SENTRY_RESOLVER_KERNEL_DETOUR_H_
#define MOAT_SENTRY_RESOLVER_KERNEL_DETOUR_H_

#include "absl/status/status.h"

namespace moat::sentry {

// In the network namespace of the calling thread. What a predecessor left is no error.
absl::Status LayDetour();

// Takes both back. What is not there is no error.
absl::Status TakeUpDetour();

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_RESOLVER_KERNEL_DETOUR_H_
