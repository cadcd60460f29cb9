// Reducing a process's capabilities (capabilities(7)).
#ifndef MOAT_SENTRY_PRIVILEGES_CAPABILITIES_H_
#define MOAT_SENTRY_PRIVILEGES_CAPABILITIES_H_

#include <span>

#include "absl/status/status.h"

namespace moat::sentry {

// Permitted and effective become those of `kept` that the process has; inheritable and ambient
// become empty; the bounding set becomes `kept`. For the calling thread, and those it starts.
absl::Status LimitCapabilities(std::span<const int> kept);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_PRIVILEGES_CAPABILITIES_H_
