// What a container sees at /sys/fs/cgroup: its own cgroup, in the layout that the host has. Under
// v2 the one directory; otherwise a tmpfs with a directory per hierarchy and a link per controller
// of a shared one ("cpu" -> "cpu,cpuacct"). Source: cgroups(7).
#ifndef MOAT_RUNTIME_ROOTFS_CGROUP_MOUNT_H_
#define MOAT_RUNTIME_ROOTFS_CGROUP_MOUNT_H_

#include <string>

#include "absl/status/status.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/rootfs/mount_options.h"

namespace moat::runtime {

// The directories are bound, not mounted anew: inside a cgroup namespace the kernel shows such a
// bind as a mount of the namespace's root all the same.
absl::Status MountCgroups(const std::string& destination, const MountOptions& options, int root_fd,
                          const cgroup::Cgroup* cgroup);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_ROOTFS_CGROUP_MOUNT_H_
