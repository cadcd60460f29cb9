// linux.maskedPaths and linux.readonlyPaths. Run with the container's root as "/", before its
// program could have changed anything there. A path that does not exist is left out.
#ifndef MOAT_RUNTIME_ROOTFS_HIDE_PATHS_H_
#define MOAT_RUNTIME_ROOTFS_HIDE_PATHS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace moat::runtime {

// A file is covered with /dev/null, a directory with an empty read-only tmpfs.
absl::Status MaskPaths(const std::vector<std::string>& paths);

// Each path, with everything mounted below, is bound onto itself read-only.
absl::Status MakePathsReadOnly(const std::vector<std::string>& paths);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_ROOTFS_HIDE_PATHS_H_
