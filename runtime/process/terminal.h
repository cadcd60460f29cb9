// A container's terminal: a pseudoterminal of the container's own devpts, so that its programs find
// their terminal under the name they expect. pts(4), ioctl_tty(2).
#ifndef MOAT_RUNTIME_PROCESS_TERMINAL_H_
#define MOAT_RUNTIME_PROCESS_TERMINAL_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/owned_fd.h"
#include "runtime/config/process.h"

namespace moat::runtime {

struct Terminal {
  OwnedFd master;
  OwnedFd slave;
};

// Run with the container's root as "/". The slave belongs to `owner`, the master has the given
// size.
absl::StatusOr<Terminal> OpenTerminal(const Process& process);

// Binds the slave to /dev/console, made if need be. For a container's first process only.
absl::Status BindConsole(int slave_fd);

// Makes the slave the controlling terminal of this session and its standard files. Call after
// setsid.
absl::Status UseTerminal(int slave_fd);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_PROCESS_TERMINAL_H_
