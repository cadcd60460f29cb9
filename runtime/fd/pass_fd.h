// One message, with at most one descriptor beside it, over an AF_UNIX socket. unix(7), SCM_RIGHTS.
#ifndef MOAT_RUNTIME_FD_PASS_FD_H_
#define MOAT_RUNTIME_FD_PASS_FD_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/owned_fd.h"

namespace moat::runtime {

// `fd` stays the caller's; -1 sends none.
absl::Status SendWithFd(int socket, absl::string_view text, int fd);

struct Received {
  std::string text;  // empty: the other side has closed
  OwnedFd fd;
};
// Waits for one message of at most `limit` bytes. The descriptor is CLOEXEC.
absl::StatusOr<Received> ReceiveWithFd(int socket, size_t limit);

// Connects a socket of `type` (SOCK_STREAM, ...) to a path of any length; AF_UNIX names hold 107
// bytes. CLOEXEC.
absl::StatusOr<OwnedFd> ConnectUnix(const std::string& path, int type);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_FD_PASS_FD_H_
