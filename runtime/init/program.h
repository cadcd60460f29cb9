// The end of every container process: from a prepared process to the container's program. Used by a
// container's first process (after start) and by exec.
//
// The order of PreparedProgram::Run, and why:
//   1. an empty network namespace      while CAP_SYS_ADMIN is there; the configured one stays with
//                                      the sentry
//   2. inherited inet sockets closed   they belong to the host's stack
//   3. no_new_privs                    a filter needs it or CAP_SYS_ADMIN
//   4. the sentry's filter             before any capability goes
//   5. the OCI filter, if not (3)      needs CAP_SYS_ADMIN
//   6. bounding set, user, other sets
//   7. the OCI filter, if (3)          as late as possible, so that it may forbid what 6 needs
//   8. startContainer hooks            as confined as the program itself
//   9. execve
#ifndef MOAT_RUNTIME_INIT_PROGRAM_H_
#define MOAT_RUNTIME_INIT_PROGRAM_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/owned_fd.h"
#include "runtime/config/hooks.h"
#include "runtime/config/process.h"
#include "runtime/process/capabilities.h"
#include "runtime/seccomp/program.h"

namespace moat::runtime {

// What the command decided before the process was made. Borrowed by it.
struct ProgramPlan {
  Process process;
  std::optional<seccomp::Program> seccomp;
  CapabilitySets capabilities;  // without "capabilities" in the configuration: none, as runc has it
  int preserved_fds = 0;          // from 3 up
  int listen_fds = 0;             // of these, LISTEN_FDS
  bool new_network_namespace = true;
  std::map<std::string, std::string> network_sysctls;  // tried in the new namespace too
  std::vector<Hook> start_hooks;
  std::string hook_state;
};

// The plan of a configuration's process. Warns of unknown capabilities.
ProgramPlan MakeProgramPlan(const Process& process);

class PreparedProgram {
 public:
  // Working directory, environment, the program's file: what can fail early. With the container's
  // root as "/".
  static absl::StatusOr<PreparedProgram> Prepare(const ProgramPlan& plan);

  // Does the steps above; returns only when one fails. `proc_fd` is a descriptor of a procfs.
  // `handover` is closed.
  absl::Status Run(OwnedFd handover, int proc_fd) const;

 private:
  explicit PreparedProgram(const ProgramPlan& plan) : plan_(&plan) {}

  absl::Status Confine(OwnedFd handover, int proc_fd) const;
  absl::Status LoadSeccomp() const;

  const ProgramPlan* plan_;
  std::string file_;
  std::vector<std::string> env_;
};

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_INIT_PROGRAM_H_
