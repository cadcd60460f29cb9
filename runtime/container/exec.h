// One more process in a container: `moat exec`.
#ifndef MOAT_RUNTIME_CONTAINER_EXEC_H_
#define MOAT_RUNTIME_CONTAINER_EXEC_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/owned_fd.h"
#include "runtime/config/process.h"
#include "runtime/container/options.h"

namespace moat::runtime {

struct ExecOptions {
  std::string root;
  std::string id;
  ProcessOptions process;
  bool ignore_paused = false;
  std::string cgroup;  // --cgroup; see README
};

struct ExecutedProcess {
  pid_t pid = 0;     // the caller's child; its program runs
  OwnedFd terminal;  // master, with a terminal and without a console socket
};

// `edit` turns the configuration's process into the one to run.
absl::StatusOr<ExecutedProcess> ExecInContainer(
    const ExecOptions& options, const std::function<absl::Status(Process*)>& edit);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_CONTAINER_EXEC_H_
