// Paths inside a root file system that nobody trusts: a symbolic link in it must not lead out of
// it, whoever changes it meanwhile. The kernel resolves (openat2(2), RESOLVE_IN_ROOT); nothing here
// compares strings. Paths are the container's; with or without a leading slash.
#ifndef MOAT_RUNTIME_ROOTFS_IN_ROOT_H_
#define MOAT_RUNTIME_ROOTFS_IN_ROOT_H_

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/owned_fd.h"

namespace moat::runtime {

// Opens an existing path. `resolve` adds RESOLVE_ flags, such as RESOLVE_NO_SYMLINKS. NotFound when
// it is not there. Always CLOEXEC.
absl::StatusOr<OwnedFd> OpenInRoot(int root_fd, const std::string& path, int flags,
                                   uint64_t resolve = 0);

// Makes the directory and its parents where missing, mode 0755, and opens it with O_PATH. A
// dangling link is followed and its target made.
absl::StatusOr<OwnedFd> MakeDirectoryInRoot(int root_fd, const std::string& path);

// Makes an empty file, for a file to be mounted on; opens it with O_PATH.
absl::StatusOr<OwnedFd> MakeFileInRoot(int root_fd, const std::string& path);

// The directory of `path`, made where missing, and *name, its last component.
absl::StatusOr<OwnedFd> MakeParentInRoot(int root_fd, const std::string& path, std::string* name);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_ROOTFS_IN_ROOT_H_
