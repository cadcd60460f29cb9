// The Unix socket at which a sandbox's operator finds its control service: who may open it, and how
// it is made. No gRPC here, so that an idle sentry holds only one descriptor.
#ifndef MOAT_SENTRY_CONTROL_CONTROL_SOCKET_H_
#define MOAT_SENTRY_CONTROL_CONTROL_SOCKET_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace moat::sentry {

// Creates a listening, non-blocking, close-on-exec stream socket at `path`, mode 0600, in place of
// a socket that is there already. `path` may be longer than sockaddr_un: only its last part must
// fit. Call it before privileges are dropped. Errors name the step and the path.
absl::StatusOr<int> ListenControlSocket(const std::string& path);

// kPermissionDenied unless the peer of the connected Unix socket `fd` is root or `owner`
// (SO_PEERCRED, unix(7): the credentials at the time of its connect).
absl::Status CheckControlPeer(int fd, uid_t owner);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_CONTROL_CONTROL_SOCKET_H_
