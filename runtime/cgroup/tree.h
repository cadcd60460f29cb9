// A cgroup directory with those below it: a container may make cgroups of its own.
#ifndef MOAT_RUNTIME_CGROUP_TREE_H_
#define MOAT_RUNTIME_CGROUP_TREE_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace moat::runtime::cgroup {

// Nesting beyond this is left out (and makes removal fail).
inline constexpr int kMaxNesting = 64;

// Adds the processes of `path` and below; a directory that is gone has none.
void CollectPids(const std::string& path, std::vector<pid_t>* pids);

// Removes `path` and below, trying again for at most `patience` while one is busy.
absl::Status RemoveTree(const std::string& path, absl::Duration patience);

}  // namespace moat::runtime::cgroup

#endif  // MOAT_RUNTIME_CGROUP_TREE_H_
