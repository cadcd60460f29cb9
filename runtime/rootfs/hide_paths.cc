#include "runtime/rootfs/hide_paths.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "base/owned_fd.h"
#include "runtime/rootfs/new_mount.h"

namespace moat::runtime {
namespace {

// /dev/null of the container, whose image may have put something else there.
absl::StatusOr<OwnedFd> OpenNull() {
  OwnedFd null(open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat info;
  if (!null.ok() || fstat(null.get(), &info) != 0) {
    return absl::ErrnoToStatus(errno, "open /dev/null in the rootfs");
  }
  if (!S_ISCHR(info.st_mode) || info.st_rdev != makedev(1, 3)) {
    return absl::FailedPreconditionError("/dev/null in the rootfs is not the null device");
  }
  return null;
}

absl::Status MaskDirectory(int target_fd) {
  absl::StatusOr<OwnedFd> empty = NewFilesystem(
      "tmpfs", "tmpfs", {}, {"size=0k", "nr_inodes=2"},
      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  if (!empty.ok()) return empty.status();
  return AttachMount(empty->get(), target_fd);
}

absl::Status MaskFile(int target_fd) {
  absl::StatusOr<OwnedFd> null = OpenNull();
  if (!null.ok()) return null.status();
  absl::StatusOr<OwnedFd> clone = CloneMount(null->get(), "", false);
  if (!clone.ok()) return clone.status();
  return AttachMount(clone->get(), target_fd);
}

absl::Status Prefixed(const char* field, const std::string& path, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat("config.json: linux.", field, " (", path,
                                                  "): ", status.message()));
}

}  // namespace

absl::Status MaskPaths(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    OwnedFd target(open(path.c_str(), O_PATH | O_CLOEXEC));
    struct stat info;
    absl::Status status;
    if (!target.ok() || fstat(target.get(), &info) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) continue;
      status = absl::ErrnoToStatus(errno, "open");
    } else {
      status = S_ISDIR(info.st_mode) ? MaskDirectory(target.get()) : MaskFile(target.get());
    }
    if (!status.ok()) return Prefixed("maskedPaths", path, status);
  }
  return absl::OkStatus();
}

absl::Status MakePathsReadOnly(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    OwnedFd target(open(path.c_str(), O_PATH | O_CLOEXEC));
    if (!target.ok()) {
      if (errno == ENOENT || errno == ENOTDIR) continue;
      return Prefixed("readonlyPaths", path, absl::ErrnoToStatus(errno, "open"));
    }
    absl::StatusOr<OwnedFd> clone = CloneMount(target.get(), "", true);
    absl::Status status = clone.status();
    if (status.ok()) status = SetMountAttributes(clone->get(), MOUNT_ATTR_RDONLY, 0, 0, true);
    if (status.ok()) status = AttachMount(clone->get(), target.get());
    if (!status.ok()) return Prefixed("readonlyPaths", path, status);
  }
  return absl::OkStatus();
}

}  // namespace moat::runtime
