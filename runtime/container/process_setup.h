// What the runtime does to a container process from outside, in create and in exec.
#ifndef MOAT_RUNTIME_CONTAINER_PROCESS_SETUP_H_
#define MOAT_RUNTIME_CONTAINER_PROCESS_SETUP_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "runtime/config/process.h"
#include "runtime/init/channel.h"

namespace moat::runtime {

// Lowering it, and raising hard limits, takes privileges that the process itself may not have in
// its user namespace.
absl::Status SetOomScore(pid_t pid, std::optional<int> score);
absl::Status SetRlimits(pid_t pid, const std::vector<Rlimit>& rlimits);

// Announces the process to the sentry of `state_dir` and sends it the descriptor for its filter.
absl::Status SendHandover(Channel& channel, const std::string& state_dir, pid_t pid, bool first);

// Waits until the process runs its program, which closes the channel.
absl::Status WaitForProgram(Channel& channel);

// Sends the terminal's master to whoever listens at `path`, as runc does it: the message is the
// name of the device.
absl::Status SendTerminal(const std::string& path, int master);

// Atomic: a reader sees a whole number or no file.
absl::Status WritePidFile(const std::string& path, pid_t pid);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_CONTAINER_PROCESS_SETUP_H_
