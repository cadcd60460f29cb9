// The words of a mount's "options" as what mount_setattr(2), fsconfig(2) and mount(2) take.
// Words that are not known here are the file system's own data. Source: mount(8); OCI runtime-spec,
// config.md, "Linux mount options".
#ifndef MOAT_RUNTIME_ROOTFS_MOUNT_OPTIONS_H_
#define MOAT_RUNTIME_ROOTFS_MOUNT_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace moat::runtime {

struct MountOptions {
  uint64_t attr_set = 0;  // MOUNT_ATTR_*, of the mount itself
  uint64_t attr_clear = 0;
  uint64_t recursive_set = 0;  // MOUNT_ATTR_*, of it and all below ("rro")
  uint64_t recursive_clear = 0;
  bool bind = false;
  bool recursive_bind = false;
  bool remount = false;
  bool copy_up = false;             // "tmpcopyup": a tmpfs begins with what it hides
  uint64_t propagation = 0;         // MS_SHARED, _PRIVATE, _SLAVE or _UNBINDABLE; 0: none given
  bool recursive_propagation = false;
  std::vector<std::string> super_flags;  // "sync": of the file system, by name
  std::vector<std::string> data;         // "mode=755"
};

// `field` begins the error: "mounts[3].options".
absl::StatusOr<MountOptions> ParseMountOptions(const std::vector<std::string>& options,
                                               const std::string& field);

// MS_* of "rslave" and the like, 0 for an empty word; *recursive says whether MS_REC goes with it.
uint64_t PropagationFlag(const std::string& word, bool* recursive);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_ROOTFS_MOUNT_OPTIONS_H_
