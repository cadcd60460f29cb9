// An empty, read-only file system as the process's root.
#ifndef MOAT_SENTRY_PRIVILEGES_EMPTY_ROOT_H_
#define MOAT_SENTRY_PRIVILEGES_EMPTY_ROOT_H_

#include <string>

#include "absl/status/status.h"

namespace moat::sentry {

// Makes a mount namespace, mounts a tmpfs on `mount_point` (an existing directory) and makes it the
// root. Nothing of it is seen outside. Descriptors that are open stay usable. Needs CAP_SYS_ADMIN.
absl::Status EnterEmptyRoot(const std::string& mount_point);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_PRIVILEGES_EMPTY_ROOT_H_
