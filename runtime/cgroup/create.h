// Making a container's directory in one hierarchy usable: cpusets of a v1 parent inherited,
// controllers of a v2 tree enabled. Private to the directory.
#ifndef MOAT_RUNTIME_CGROUP_CREATE_H_
#define MOAT_RUNTIME_CGROUP_CREATE_H_

#include "absl/status/status.h"
#include "runtime/cgroup/cgroup.h"

namespace moat::runtime::cgroup {

// Makes entry->dir and its parents. Of the v2 controllers those that could be enabled are left in
// entry->controllers. *existed: it was there before.
absl::Status CreateDirectory(CgroupDir& entry, bool* existed);

}  // namespace moat::runtime::cgroup

#endif  // MOAT_RUNTIME_CGROUP_CREATE_H_
