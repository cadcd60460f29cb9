// Where a container is in its life. Nothing is stored: the answer is made from what is true now.
// Source: OCI runtime-spec, runtime.md, "State"; "paused" is runc's addition.
#ifndef MOAT_RUNTIME_STATE_STATUS_H_
#define MOAT_RUNTIME_STATE_STATUS_H_

#include "absl/status/statusor.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/state/container_dir.h"
#include "runtime/state/container_state.h"

namespace moat::runtime {

enum class ContainerStatus { kCreating, kCreated, kRunning, kPaused, kStopped };

const char* StatusName(ContainerStatus status);

// creating: create is not through; created: init waits at the fifo; paused: the freezer is on;
// stopped: init is gone, or was never there.
ContainerStatus FindStatus(const ContainerDir& dir, const ContainerState& state);

// The container's control group; NotFound when it has none.
absl::StatusOr<cgroup::Cgroup> CgroupOf(const ContainerState& state);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_STATE_STATUS_H_
