// Small steps that every container process takes, first process or exec.
#ifndef MOAT_RUNTIME_INIT_SESSION_H_
#define MOAT_RUNTIME_INIT_SESSION_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/owned_fd.h"

namespace moat::runtime {

// Exit status of a container process that failed before its program, without a better one.
inline constexpr int kSetUpFailed = 255;

// Root of the user namespace that the process is in now, without supplementary groups.
absl::Status BecomeRoot();

// A session of its own, and a session keyring (keyrings(7)) named after the container.
absl::Status NewSession(const std::string& id, bool new_keyring);

// The procfs that is mounted at /proc now, kept for when it is not there any more.
struct HostProc {
  OwnedFd proc;  // /proc
  OwnedFd self;  // /proc/self of this process
};
absl::StatusOr<HostProc> OpenHostProc();

// This process's id as that procfs counts: the host's, not the container's.
pid_t PidInProc(const HostProc& proc);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_INIT_SESSION_H_
