#include "runtime/fd/pass_fd.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "base/one_message.h"

namespace moat::runtime {

absl::Status SendWithFd(int socket, absl::string_view text, int fd) {
  OneMessage<int> message(text.data(), text.size());
  if (fd >= 0) message.Attach(SOL_SOCKET, SCM_RIGHTS, fd);
  ssize_t n;
  do {
    n = sendmsg(socket, message.header(), MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  return n < 0 ? absl::ErrnoToStatus(errno, "sendmsg") : absl::OkStatus();
}

absl::StatusOr<Received> ReceiveWithFd(int socket, size_t limit) {
  Received result;
  result.text.resize(limit);
  OneMessage<int> message(result.text.data(), limit);
  message.MakeRoom();
  ssize_t n;
  do {
    n = recvmsg(socket, message.header(), MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return absl::ErrnoToStatus(errno, "recvmsg");
  result.text.resize(n);
  result.fd.reset(message.Attached(SOL_SOCKET, SCM_RIGHTS).value_or(-1));
  return result;
}

absl::StatusOr<OwnedFd> ConnectUnix(const std::string& path, int type) {
  OwnedFd target(open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!target.ok()) return absl::ErrnoToStatus(errno, absl::StrCat("open ", path));
  OwnedFd connection(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  if (!connection.ok()) return absl::ErrnoToStatus(errno, "socket");
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", target.get());
  if (connect(connection.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("connect to ", path));
  }
  return connection;
}

}  // namespace moat::runtime
