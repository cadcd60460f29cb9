// Which mount a path lies on. proc(5), /proc/self/mountinfo.
#ifndef MOAT_RUNTIME_ROOTFS_PARENT_MOUNT_H_
#define MOAT_RUNTIME_ROOTFS_PARENT_MOUNT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace moat::runtime {

absl::StatusOr<std::string> MountPointOf(const std::string& path);

// The same, told by a text in mountinfo's form: the longest mount point that contains `path`.
std::string LongestMountPoint(absl::string_view mountinfo, absl::string_view path);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_ROOTFS_PARENT_MOUNT_H_
