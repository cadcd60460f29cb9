// Where a container is in its life. Nothing is stored: the answer is made from what is true now.
// Source: OCI runtime-spec, runtime.md, "State"; "paused" is runc's addition.
#ifndef MOAT_RUNTIME_STATE_STATUS_H_
#define MOAT_RUNTIME_STATE_STATUS_H_

#include "runtime/state/container_dir.h"
#include "runtime/state/container_state.h"

namespace moat::runtime {

enum class ContainerStatus { kCreating, kCreated, kRunning, kPaused, kStopped };

const char* StatusName(ContainerStatus status);

// creating: create is not through; created: init waits at the fifo; paused: the freezer is on;
// stopped: init is gone, or was never there.
ContainerStatus FindStatus(const ContainerDir& dir, const ContainerState& state);

// The freezer of either cgroup version is on.
bool IsFrozen(const ContainerState& state);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_STATE_STATUS_H_
