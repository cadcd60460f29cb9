// The runtime's side of sentry.sock.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/one_message.h"
#include "base/owned_fd.h"
#include "sentry/client.h"
#include "sentry/handover/protocol.h"

namespace moat::sentry {
namespace {

constexpr int kTimeoutMs = 10'000;

absl::StatusOr<OwnedFd> ConnectSentry(const std::string& state_dir) {
  OwnedFd directory(open(state_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory.ok()) return absl::ErrnoToStatus(errno, absl::StrCat("open ", state_dir));
  const std::string path = absl::StrCat("/proc/self/fd/", directory.get(), "/sentry.sock");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  OwnedFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!fd.ok() ||
      connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("connect to ", SentrySocketPath(state_dir)));
  }
  return fd;
}

absl::Status SendAnnouncement(int fd, int pidfd, bool first) {
  Announcement announcement;
  announcement.first = first ? 1 : 0;
  OneMessage<int> message(&announcement, sizeof(announcement));
  message.Attach(SOL_SOCKET, SCM_RIGHTS, pidfd);
  if (sendmsg(fd, message.header(), MSG_NOSIGNAL) < 0) {
    return absl::ErrnoToStatus(errno, "announce a process to the sentry");
  }
  return absl::OkStatus();
}

absl::Status ReadVerdict(int fd) {
  pollfd readable = {fd, POLLIN, 0};
  int ready;
  while ((ready = poll(&readable, 1, kTimeoutMs)) < 0 && errno == EINTR) {
  }
  if (ready == 0) return absl::DeadlineExceededError("the sentry does not answer");
  Verdict verdict;
  const ssize_t size = recv(fd, &verdict, sizeof(verdict), 0);
  if (size != sizeof(verdict))
    return absl::UnavailableError("the sentry has closed the connection");
  if (verdict.error != 0)
    return absl::ErrnoToStatus(verdict.error, "the sentry refused the process");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<int> OpenHandover(const std::string& state_dir, int pidfd, bool first) {
  auto fd = ConnectSentry(state_dir);
  if (!fd.ok()) return fd.status();
  if (auto status = SendAnnouncement(fd->get(), pidfd, first); !status.ok()) return status;
  if (auto status = ReadVerdict(fd->get()); !status.ok()) return status;
  fcntl(fd->get(), F_SETFD, 0);  // inherited by the process
  return fd->release();
}

}  // namespace moat::sentry
