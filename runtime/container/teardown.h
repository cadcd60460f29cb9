// Taking a container back, whole or half made, also after a crash at any point. Every step goes on
// where an earlier one failed, and does nothing where there is nothing.
#ifndef MOAT_RUNTIME_CONTAINER_TEARDOWN_H_
#define MOAT_RUNTIME_CONTAINER_TEARDOWN_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "runtime/config/hooks.h"
#include "runtime/state/container_dir.h"
#include "runtime/state/container_state.h"

namespace moat::runtime {

// SIGTERM, so that last bytes can leave; SIGKILL when that takes too long. A sentry that state.json
// does not know yet is found by who listens at sentry.sock.
void StopSentry(const ContainerDir& dir, const ContainerState& state);

// Kills every process of the container and waits until they are gone.
void KillProcesses(const ContainerState& state);

// Processes, sentry, control groups, directory. The first error is returned.
absl::Status DestroyContainer(ContainerDir& dir, const ContainerState& state);

// The same for a directory whose state cannot be read.
absl::Status DestroyUnknown(ContainerDir& dir);

// The configuration's poststop hooks, from the directory's copy of it. Before DestroyContainer.
struct PoststopHooks {
  std::vector<Hook> hooks;
  std::string state_json;
};
PoststopHooks LoadPoststopHooks(const ContainerDir& dir, const ContainerState& state);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_CONTAINER_TEARDOWN_H_
