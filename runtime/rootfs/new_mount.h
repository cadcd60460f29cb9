// Mounts as descriptors: made detached, given their attributes, and only then attached, to a place
// that is a descriptor too. So no path is resolved twice, and nobody sees a mount half set up.
// Source: fsopen(2), open_tree(2), mount_setattr(2), move_mount(2); Linux 5.12.
#ifndef MOAT_RUNTIME_ROOTFS_NEW_MOUNT_H_
#define MOAT_RUNTIME_ROOTFS_NEW_MOUNT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/owned_fd.h"
#include "runtime/rootfs/mount_options.h"

namespace moat::runtime {

// A new instance of a file system, detached. `flags` and `data` are fsconfig's, "name" or
// "name=value". The kernel's own explanation is part of an error.
absl::StatusOr<OwnedFd> NewFilesystem(const std::string& type, const std::string& source,
                                      const std::vector<std::string>& flags,
                                      const std::vector<std::string>& data, uint64_t attributes);

// A detached copy of the mount at `path` (relative to dir_fd; empty: dir_fd itself).
absl::StatusOr<OwnedFd> CloneMount(int dir_fd, const std::string& path, bool recursive);

// Changes attributes and propagation (MS_*, 0: none) of a mount.
absl::Status SetMountAttributes(int mount_fd, uint64_t set, uint64_t clear, uint64_t propagation,
                                bool recursive);
// All that `options` say about the mount itself.
absl::Status ApplyMountOptions(int mount_fd, const MountOptions& options);

// Attaches a detached mount on top of `target_fd`.
absl::Status AttachMount(int mount_fd, int target_fd);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_ROOTFS_NEW_MOUNT_H_
