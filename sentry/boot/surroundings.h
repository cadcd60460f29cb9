// Everything that a sandbox has besides sockets and calls: the links of the configured namespace, netlink,
// interface ioctls, the control service, and the loss of privileges after all that is open.
#ifndef MOAT_SENTRY_BOOT_SURROUNDINGS_H_
#define MOAT_SENTRY_BOOT_SURROUNDINGS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "sentry/counters.h"
#include "sentry/sandbox.h"

namespace moat::sentry {

class Surroundings {
 public:
  // With the sandbox's lock held, in the configured network namespace, with full privileges; drops them.
  static absl::StatusOr<std::unique_ptr<Surroundings>> Attach(Sandbox& sandbox,
                                                              const std::string& id,
                                                              const std::string& state_dir);
  virtual ~Surroundings() = default;
};

// For the log.
std::string DescribeCounters(const SentryCounters& counters);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_BOOT_SURROUNDINGS_H_
