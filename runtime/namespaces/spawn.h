// Makes the first process of a container, or one more (exec), in its namespaces and control group.
//
// Without anything to join, one clone3(2) makes the process in all new namespaces at once; the
// kernel makes the user namespace first, so that it owns the others. Otherwise a stage process in
// between joins, and clones the real one as its own sibling (CLONE_PARENT), which is so the
// caller's child:
//
//   caller --clone3--> stage: control groups, setns(...), time offsets
//          stage --clone3(CLONE_PARENT)--> child
//
// The stage is needed because joining a PID namespace, and setting time offsets, only takes effect
// for children, and because the caller itself must stay where it is.
//
// Control groups: v2 by CLONE_INTO_CGROUP, v1 by the process writing "0" to "tasks" through a file
// that the caller opened (the opener's rights count). Both avoid cgroup.procs, whose first use
// after a quiet time waits 10 to 20 ms for an RCU grace period.
#ifndef MOAT_RUNTIME_NAMESPACES_SPAWN_H_
#define MOAT_RUNTIME_NAMESPACES_SPAWN_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "base/owned_fd.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/namespaces/join.h"

namespace moat::runtime {

struct CgroupEntry {
  OwnedFd v2_directory;            // may be none
  std::vector<OwnedFd> v1_tasks;
};
absl::StatusOr<CgroupEntry> OpenCgroupEntry(const cgroup::Cgroup& cgroup);

struct SpawnPlan {
  CgroupEntry cgroup;
  // CLONE_NEW* to make. A control group namespace is not among them: it shows the cgroup in which
  // it was made, so the process makes it itself once it is there.
  int new_namespaces = 0;
  std::vector<NamespaceToJoin> join;
  int join_process = -1;             // a pidfd whose namespaces are joined, all at once; -1: none
  int join_process_namespaces = 0;   // CLONE_NEW*, which of them
  std::string time_offsets;          // text of /proc/PID/timens_offsets; time_namespaces(7)
};

// Runs `body` in the new process, which ends with its result. Returns the process, a child of the
// caller's. The caller has one thread.
absl::StatusOr<pid_t> Spawn(const SpawnPlan& plan, absl::FunctionRef<int()> body);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_NAMESPACES_SPAWN_H_
