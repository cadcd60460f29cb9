// Carries out config.json's "mounts", in order, inside a root file system that is not yet the
// process's own. Runs in the container's namespaces with the host's files still reachable.
#ifndef MOAT_RUNTIME_ROOTFS_MOUNTS_H_
#define MOAT_RUNTIME_ROOTFS_MOUNTS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/owned_fd.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/config/mount.h"

namespace moat::runtime {

// Mounts that become read-only only when the container's files are complete ("ro" on a tmpfs, whose
// device nodes or mount points are still to be made).
using LateReadOnly = std::vector<OwnedFd>;

struct MountContext {
  int root_fd = -1;              // of the new root
  std::string bundle;            // relative bind sources start here
  std::string mount_label;       // SELinux; empty: none
  const cgroup::Cgroup* cgroup;  // what a mount of type "cgroup" shows; null: none
};

// Each error is prefixed with "config.json: mounts[i] (destination): ".
absl::Status MountAll(const std::vector<Mount>& mounts, const MountContext& context,
                      LateReadOnly* late);

absl::Status MakeReadOnly(const LateReadOnly& mounts);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_ROOTFS_MOUNTS_H_
