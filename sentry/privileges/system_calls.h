// The sentry's own seccomp filter: an allow-list of system calls by number, so that the kernel
// decides most of them without running it (its cache of constant answers).
#ifndef MOAT_SENTRY_PRIVILEGES_SYSTEM_CALLS_H_
#define MOAT_SENTRY_PRIVILEGES_SYSTEM_CALLS_H_

#include <linux/filter.h>

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"

namespace moat::sentry {

// In order, without repetitions.
std::vector<int> AllowedSystemCalls();

// A program that allows `calls` of this architecture and returns `otherwise` (SECCOMP_RET_*) for
// all else.
std::vector<sock_filter> AllowListProgram(std::span<const int> calls, uint32_t otherwise);

// Loads the program for all threads; no_new_privs must be set. `log`: the kernel logs what is
// refused.
absl::Status LoadFilter(std::span<const sock_filter> program, bool log);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_PRIVILEGES_SYSTEM_CALLS_H_
