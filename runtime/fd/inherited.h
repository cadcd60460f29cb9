// What a process takes along over execve(2) besides its standard files.
#ifndef MOAT_RUNTIME_FD_INHERITED_H_
#define MOAT_RUNTIME_FD_INHERITED_H_

#include "absl/status/status.h"

namespace moat::runtime {

// Fails unless descriptors 3 .. 3+count-1 are open: those named by --preserve-fds and LISTEN_FDS.
absl::Status CheckPreservedFds(int count);

// Marks every descriptor from 3+count up CLOEXEC.
absl::Status CloseOthersOnExec(int count);

// Closes those of the preserved ones that are sockets of any family but AF_UNIX: they belong to the
// host's network stack, out of the sentry's reach, and would lead around it. Standard files stay
// what the caller chose: under inetd or ssh they may well be such sockets.
void CloseForeignSockets(int count);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_FD_INHERITED_H_
