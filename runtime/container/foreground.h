// A command that stays in front of its container process: signals go through, terminal input and
// output too, and its exit status becomes the command's.
#ifndef MOAT_RUNTIME_CONTAINER_FOREGROUND_H_
#define MOAT_RUNTIME_CONTAINER_FOREGROUND_H_

#include <signal.h>
#include <sys/types.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/owned_fd.h"

namespace moat::runtime {

class Foreground {
 public:
  // Blocks the signals that will be forwarded, so that none is lost between the making of the
  // process and Wait. Container processes reset their mask themselves. `reap_orphans`: become the
  // parent of orphans (PR_SET_CHILD_SUBREAPER), so that those of a container without a PID
  // namespace of its own are waited for.
  explicit Foreground(bool reap_orphans);
  ~Foreground();

  // Until the child `pid` ends: its exit status, or 128 plus the signal that killed it. `terminal`
  // is the master of its terminal, or none; ours is raw meanwhile.
  absl::StatusOr<int> Wait(pid_t pid, OwnedFd terminal);

 private:
  OwnedFd signals_;
  sigset_t old_mask_;
};

// 128 + signal, or the exit code, of a status of waitpid(2).
int ExitCodeOfStatus(int status);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_CONTAINER_FOREGROUND_H_
