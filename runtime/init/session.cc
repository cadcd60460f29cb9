#include "runtime/init/session.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace moat::runtime {

absl::Status BecomeRoot() {
  // EPERM: a namespace where setgroups is denied.
  if (setgroups(0, nullptr) != 0 && errno != EPERM) return absl::ErrnoToStatus(errno, "setgroups");
  if (setresgid(0, 0, 0) != 0 || setresuid(0, 0, 0) != 0) {
    return absl::ErrnoToStatus(errno, "become root of the user namespace (is id 0 mapped?)");
  }
  return absl::OkStatus();
}

absl::Status NewSession(const std::string& id, bool new_keyring) {
  // EPERM: leads a session already.
  if (setsid() < 0 && errno != EPERM) return absl::ErrnoToStatus(errno, "setsid");
  if (!new_keyring) return absl::OkStatus();
  const std::string name = absl::StrCat("_ses.", id);
  if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name.c_str()) < 0 && errno != ENOSYS) {
    return absl::ErrnoToStatus(errno, "make a session keyring");
  }
  return absl::OkStatus();
}

absl::StatusOr<HostProc> OpenHostProc() {
  HostProc result;
  result.proc.reset(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct statfs info;
  if (!result.proc.ok() || fstatfs(result.proc.get(), &info) != 0) {
    return absl::ErrnoToStatus(errno, "open /proc");
  }
  if (info.f_type != PROC_SUPER_MAGIC) {
    return absl::FailedPreconditionError("/proc is not a procfs");
  }
  result.self.reset(openat(result.proc.get(), "self", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!result.self.ok()) return absl::ErrnoToStatus(errno, "open /proc/self");
  return result;
}

pid_t PidInProc(const HostProc& proc) {
  char text[16] = {};
  if (readlinkat(proc.proc.get(), "self", text, sizeof text - 1) <= 0) return 0;
  return atoi(text);
}

}  // namespace moat::runtime
