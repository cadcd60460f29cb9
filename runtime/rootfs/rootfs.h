// The container's root file system, from the bundle's directory to "/". Called by the container's
// first process, in its new mount namespace, in this order:
//
//   1. PrepareRootfs    propagation, the root as a mount of its own, all mounts, /dev
//      (hooks prestart, createRuntime, createContainer run here: the host's files are still there)
//   2. EnterRootfs      pivot_root, or chroot with --no-pivot
//   3. SealRootfs       late read-only mounts, the root itself, masked and read-only paths
//
// What lies between is the caller's: terminal, sysctls and working directory need the new root
// before it is sealed.
#ifndef MOAT_RUNTIME_ROOTFS_ROOTFS_H_
#define MOAT_RUNTIME_ROOTFS_ROOTFS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/owned_fd.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/config/spec.h"
#include "runtime/rootfs/mounts.h"

namespace moat::runtime {

struct PreparedRootfs {
  OwnedFd root;  // O_PATH, the new root's mount
  LateReadOnly late;
};

// `rootfs` and `bundle` are absolute paths. `cgroup` may be null.
absl::StatusOr<PreparedRootfs> PrepareRootfs(const Spec& spec, const std::string& rootfs,
                                             const std::string& bundle,
                                             const cgroup::Cgroup* cgroup);

// Leaves the process with its root and working directory at the new root.
absl::Status EnterRootfs(const Spec& spec, const PreparedRootfs& prepared, bool no_pivot);

absl::Status SealRootfs(const Spec& spec, const PreparedRootfs& prepared);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_ROOTFS_ROOTFS_H_
