#include "runtime/install/reload.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "base/owned_fd.h"

namespace moat::runtime {

absl::Status ReloadDocker(const std::string& pid_file) {
  pid_t pid = 0;
  std::ifstream(pid_file) >> pid;
  if (pid <= 0) return absl::NotFoundError(absl::StrCat("no dockerd runs: no pid in ", pid_file));
  // The descriptor first: the name that is looked at after is then that process's.
  OwnedFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  std::string name;
  std::ifstream(absl::StrCat("/proc/", pid, "/comm")) >> name;
  if (!process.ok() || name != "dockerd") {
    return absl::NotFoundError(
        absl::StrCat("process ", pid, " of ", pid_file, " is not a running dockerd"));
  }
  if (::syscall(SYS_pidfd_send_signal, process.get(), SIGHUP, nullptr, 0) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("signal dockerd, process ", pid));
  }
  return absl::OkStatus();
}

}  // namespace moat::runtime
