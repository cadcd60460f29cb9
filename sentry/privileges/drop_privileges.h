// What a sentry gives up once everything it needs is open: its view of the file system,
// capabilities, system calls. Called once, in the process's only thread, before anything of a
// container is served.
#ifndef MOAT_SENTRY_PRIVILEGES_DROP_PRIVILEGES_H_
#define MOAT_SENTRY_PRIVILEGES_DROP_PRIVILEGES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace moat::sentry {

enum class ForbiddenCall : unsigned char {
  kFails,  // EPERM, and a line in the kernel's audit log
  kKills,  // the whole process, with SIGSYS
};

struct PrivilegeOptions {
  // An existing directory that the empty root is mounted on (in a mount namespace of the sentry's
  // own). Empty: the root stays as it is.
  std::string mount_point;
  ForbiddenCall forbidden_call = ForbiddenCall::kFails;
  // For the kernel's choice of a victim when memory is short: containers lose their network with
  // their sentry, so it should be among the last. Not being allowed to set it is no error.
  int oom_score_adjustment = -999;
};

// In this order: OOM score, not dumpable, empty root, capabilities, no_new_privs, system call
// filter. The first thing that fails is reported and the rest is not done: the caller should exit.
absl::Status DropPrivileges(const PrivilegeOptions& options);

// The capabilities that stay:
//   CAP_SYS_PTRACE      pidfd_getfd, process_vm_readv of the containers' processes
//   CAP_DAC_READ_SEARCH /proc/PID/fd of processes of other users
//   CAP_SETUID, _SETGID tags in SCM_CREDENTIALS
//   CAP_NET_RAW, _ADMIN links that appear later: AF_PACKET, silencing the kernel, larger buffers
const std::vector<int>& KeptCapabilities();

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_PRIVILEGES_DROP_PRIVILEGES_H_
