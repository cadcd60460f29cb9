#include "sentry/privileges/empty_root.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"

namespace moat::sentry {
namespace {

constexpr unsigned long kFlags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

absl::Status Failed(const char* what) {
  return absl::ErrnoToStatus(errno, absl::StrCat("empty root: ", what));
}

}  // namespace

absl::Status EnterEmptyRoot(const std::string& mount_point) {
  if (unshare(CLONE_NEWNS) != 0) return Failed("unshare");
  // Nothing that is mounted here must reach the host, nor the host's changes this process.
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return Failed("make private");
  if (mount("tmpfs", mount_point.c_str(), "tmpfs", kFlags, "size=4k,nr_inodes=2,mode=0555") != 0) {
    return Failed(absl::StrCat("mount on ", mount_point).c_str());
  }
  if (chdir(mount_point.c_str()) != 0) return Failed("chdir");
  // pivot_root(2), NOTES: with both arguments ".", the old root ends up stacked over the new one.
  if (syscall(SYS_pivot_root, ".", ".") != 0) return Failed("pivot_root");
  if (umount2(".", MNT_DETACH) != 0) return Failed("umount2");
  if (chdir("/") != 0) return Failed("chdir to /");
  if (mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | kFlags, nullptr) != 0) {
    return Failed("make read-only");
  }
  return absl::OkStatus();
}

}  // namespace moat::sentry
