// sentry/client.h for tests of the runtime: a process that listens at sentry.sock and serves
// nothing, and no filter. Containers have no network then.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/owned_fd.h"
#include "sentry/client.h"

namespace moat::sentry {
namespace {


// Lives until the runtime ends it. `ready` is closed when it serves.
[[noreturn]] void Serve(int listening, OwnedFd ready) {
  setsid();
  listen(listening, 16);  // again: SO_PEERCRED names the last process that did
  ready.reset();
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd <= 2; ++fd) dup2(null, fd);
  while (true) {
    const int connection = accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) _exit(1);
  }
}

sockaddr_un Address(int directory) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string path = absl::StrCat("/proc/self/fd/", directory, "/sentry.sock");
  memcpy(address.sun_path, path.c_str(), path.size());
  return address;
}

}  // namespace

absl::StatusOr<pid_t> StartSentry(const SentryOptions& options) {
  OwnedFd directory(open(options.state_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  OwnedFd listening(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  const sockaddr_un address = Address(directory.get());
  if (bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(listening.get(), 16) != 0) {
    return absl::ErrnoToStatus(errno, "listen at sentry.sock");
  }
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe");
  OwnedFd wait(ends[0]), ready(ends[1]);
  const pid_t child = fork();
  if (child < 0) return absl::ErrnoToStatus(errno, "fork");
  if (child == 0) Serve(listening.get(), std::move(ready));
  ready.reset();
  char nothing;
  if (read(wait.get(), &nothing, 1) != 0) return absl::ErrnoToStatus(errno, "start");
  return child;
}

absl::StatusOr<int> OpenHandover(const std::string& state_dir, int pidfd, bool first) {
  OwnedFd directory(open(state_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  OwnedFd connection(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  const sockaddr_un address = Address(directory.get());
  if (connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return absl::ErrnoToStatus(errno, "connect to sentry.sock");
  }
  return connection.release();
}

int InstallFilterAndHandOver(int handover_fd, const char** step) {
  *step = "close the connection";
  return close(handover_fd) == 0 ? 0 : errno;
}

int BootMain(int argc, char** argv) { return 1; }

}  // namespace moat::sentry
