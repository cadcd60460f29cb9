// What every container may do with devices, whatever its linux.resources.devices say.
// Source: OCI runtime-spec, config-linux.md, "Default Devices".
#ifndef MOAT_RUNTIME_CGROUP_DEFAULT_DEVICES_H_
#define MOAT_RUNTIME_CGROUP_DEFAULT_DEVICES_H_

#include "runtime/config/resources.h"

namespace moat::runtime::cgroup {

// Appends rules for null, zero, full, random, urandom, tty, console, ptmx, the ptys, and mknod of
// anything (which opens nothing). For create; an update leaves the device list alone.
void AddDefaultDevices(Resources* resources);

}  // namespace moat::runtime::cgroup

#endif  // MOAT_RUNTIME_CGROUP_DEFAULT_DEVICES_H_
