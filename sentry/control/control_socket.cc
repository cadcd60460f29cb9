#include "sentry/control/control_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace moat::sentry {
namespace {

constexpr int kBacklog = 16;

absl::Status Failed(int error, const char* step, const std::string& path) {
  return absl::ErrnoToStatus(error, absl::StrCat(step, " ", path));
}

}  // namespace

absl::StatusOr<int> ListenControlSocket(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);

  // A state directory under Docker's is longer than the 107 bytes of sun_path, so the socket is
  // bound relative to its directory.
  const int directory_fd = open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory_fd < 0) return Failed(errno, "opening the directory of", path);
  const auto close_directory = absl::MakeCleanup([=] { close(directory_fd); });
  const std::string short_path = absl::StrCat("/proc/self/fd/", directory_fd, "/", name);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.empty() || short_path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat("not a usable socket name: ", path));
  }
  std::memcpy(address.sun_path, short_path.data(), short_path.size());

  struct stat existing {};
  if (fstatat(directory_fd, name.c_str(), &existing, AT_SYMLINK_NOFOLLOW) == 0) {
    if (!S_ISSOCK(existing.st_mode)) {
      return absl::AlreadyExistsError(absl::StrCat("exists and is not a socket: ", path));
    }
    unlinkat(directory_fd, name.c_str(), 0);
  }

  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return Failed(errno, "creating the socket for", path);
  auto close_socket = absl::MakeCleanup([=] { close(fd); });
  // The mode of the inode that bind(2) makes is the socket's own, less the umask: it is never
  // wider.
  if (fchmod(fd, 0600) < 0) return Failed(errno, "setting the mode of", path);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) < 0) {
    return Failed(errno, "binding", path);
  }
  if (listen(fd, kBacklog) < 0) {
    const int error = errno;
    unlinkat(directory_fd, name.c_str(), 0);
    return Failed(error, "listening at", path);
  }
  std::move(close_socket).Cancel();
  return fd;
}

absl::Status CheckControlPeer(int fd, uid_t owner) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
    return absl::ErrnoToStatus(errno, "reading the peer's credentials");
  }
  if (peer.uid == 0 || peer.uid == owner) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat("user ", peer.uid, " does not own the sandbox"));
}

}  // namespace moat::sentry
