// The v2 counterpart of devices.allow and devices.deny: a small eBPF program
// (BPF_PROG_TYPE_CGROUP_DEVICE) that the kernel asks at each open and mknod of a device node.
// bpf(2), cgroup-v2.rst "Device controller".
#ifndef MOAT_RUNTIME_CGROUP_DEVICE_PROGRAM_H_
#define MOAT_RUNTIME_CGROUP_DEVICE_PROGRAM_H_

#include <linux/bpf.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "runtime/config/resources.h"

namespace moat::runtime::cgroup {

// The last rule that matches decides; none: deny. An allowing rule matches when it covers all of
// the access that is asked for, a denying one when it covers any of it.
std::vector<bpf_insn> CompileDeviceProgram(const std::vector<DeviceRule>& rules);

// Loads the program and attaches it to the cgroup directory. Programs that were attached to this
// very cgroup before are taken off afterwards, so there is no moment without one. Needs CAP_BPF and
// CAP_NET_ADMIN (or CAP_SYS_ADMIN); kernel 4.15.
absl::Status AttachDeviceProgram(const std::string& cgroup_directory,
                                 const std::vector<bpf_insn>& program);

}  // namespace moat::runtime::cgroup

#endif  // MOAT_RUNTIME_CGROUP_DEVICE_PROGRAM_H_
