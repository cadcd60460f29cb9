#include "runtime/fd/inherited.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "absl/strings/str_cat.h"

namespace moat::runtime {
namespace {

constexpr int kFirst = 3;

}  // namespace

absl::Status CheckPreservedFds(int count) {
  for (int fd = kFirst; fd < kFirst + count; ++fd) {
    if (fcntl(fd, F_GETFD) < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("--preserve-fds: file descriptor ", fd, " is not open"));
    }
  }
  return absl::OkStatus();
}

absl::Status CloseOthersOnExec(int count) {
  if (syscall(SYS_close_range, kFirst + count, UINT_MAX, CLOSE_RANGE_CLOEXEC) != 0) {
    return absl::ErrnoToStatus(errno, "close_range");
  }
  return absl::OkStatus();
}

void CloseForeignSockets(int count) {
  for (int fd = kFirst; fd < kFirst + count; ++fd) {
    int domain = AF_UNIX;
    socklen_t size = sizeof domain;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain != AF_UNIX) {
      close(fd);
    }
  }
}

}  // namespace moat::runtime
