// Which file a command's first word means, found in the container's root, with the messages that
// Docker and containerd look for ("executable file not found in $PATH", "permission denied").
#ifndef MOAT_RUNTIME_PROCESS_FIND_EXECUTABLE_H_
#define MOAT_RUNTIME_PROCESS_FIND_EXECUTABLE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace moat::runtime {

// A shell's exit codes for a command that could not be run.
inline constexpr int kExitNotFound = 127;
inline constexpr int kExitNotExecutable = 126;

// `path` is PATH's value. Errors carry the exit code (runtime/verb.h).
absl::StatusOr<std::string> FindExecutable(const std::string& command, absl::string_view path);

// The error of an execve(2) that failed with `error`, with its exit code.
absl::Status ExecError(const std::string& file, int error);

// The value of `name` in an environment; the last one counts. Empty when it is not there.
absl::string_view FindEnv(const std::vector<std::string>& env, absl::string_view name);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_PROCESS_FIND_EXECUTABLE_H_
