#include "runtime/process/terminal.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/rootfs/new_mount.h"

namespace moat::runtime {

absl::StatusOr<Terminal> OpenTerminal(const Process& process) {
  Terminal terminal;
  terminal.master.reset(open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC));
  if (!terminal.master.ok()) {
    return absl::ErrnoToStatus(
        errno, "config.json: process.terminal: open /dev/pts/ptmx (is there a devpts mount?)");
  }
  struct statfs info;
  if (fstatfs(terminal.master.get(), &info) != 0 || info.f_type != DEVPTS_SUPER_MAGIC) {
    return absl::FailedPreconditionError(
        "config.json: process.terminal: /dev/pts in the container is not a devpts");
  }
  int locked = 0;
  if (ioctl(terminal.master.get(), TIOCSPTLCK, &locked) != 0) {
    return absl::ErrnoToStatus(errno, "unlock the terminal");
  }
  // By the master, not by name: a name could be made to lead to somebody else's terminal.
  terminal.slave.reset(ioctl(terminal.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal.slave.ok()) return absl::ErrnoToStatus(errno, "open the terminal's slave");
  if (process.console_size) {
    winsize size = {};
    size.ws_row = process.console_size->height;
    size.ws_col = process.console_size->width;
    if (ioctl(terminal.master.get(), TIOCSWINSZ, &size) != 0) {
      return absl::ErrnoToStatus(errno, "config.json: process.consoleSize");
    }
  }
  struct stat slave;
  if (fstat(terminal.slave.get(), &slave) != 0 ||
      fchown(terminal.slave.get(), process.user.uid, slave.st_gid) != 0) {
    return absl::ErrnoToStatus(errno, "give the terminal to the user");
  }
  return terminal;
}

absl::Status BindConsole(int slave_fd) {
  const int made = open("/dev/console", O_CREAT | O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
                                            O_CLOEXEC, 0666);
  if (made >= 0) close(made);
  OwnedFd target(open("/dev/console", O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!target.ok()) return absl::ErrnoToStatus(errno, "open /dev/console in the rootfs");
  absl::StatusOr<OwnedFd> clone = CloneMount(slave_fd, "", false);
  if (!clone.ok()) return clone.status();
  return AttachMount(clone->get(), target.get());
}

absl::Status UseTerminal(int slave_fd) {
  if (ioctl(slave_fd, TIOCSCTTY, 0) != 0) {
    return absl::ErrnoToStatus(errno, "make the terminal the controlling one");
  }
  for (int fd = 0; fd <= 2; ++fd) {
    if (dup2(slave_fd, fd) < 0) return absl::ErrnoToStatus(errno, "dup2");
  }
  return absl::OkStatus();
}

}  // namespace moat::runtime
