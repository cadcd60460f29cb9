// The container's /dev: the nodes that every container has, those of linux.devices, and the links
// of convention. Source: OCI runtime-spec, config-linux.md, "Default Devices"; runc's links.
#ifndef MOAT_RUNTIME_ROOTFS_DEVICES_H_
#define MOAT_RUNTIME_ROOTFS_DEVICES_H_

#include <vector>

#include "absl/status/status.h"
#include "runtime/config/linux.h"

namespace moat::runtime {

// In a user namespace nodes cannot be made; the host's are bound instead (`bind_nodes`), as they
// are when mknod fails with EPERM.
absl::Status MakeDevices(int root_fd, const std::vector<Device>& devices, bool bind_nodes);

// /dev/fd, /dev/stdin, ..., /dev/ptmx.
absl::Status MakeDeviceLinks(int root_fd);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_ROOTFS_DEVICES_H_
