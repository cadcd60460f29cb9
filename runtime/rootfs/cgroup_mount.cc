#include "runtime/rootfs/cgroup_mount.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "runtime/rootfs/in_root.h"
#include "runtime/rootfs/new_mount.h"

namespace moat::runtime {
namespace {

using cgroup::CgroupDir;

constexpr uint64_t kAlways = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

absl::Status BindDirectory(const CgroupDir& entry, int target_fd, const MountOptions& options) {
  absl::StatusOr<OwnedFd> clone = CloneMount(AT_FDCWD, entry.dir.path(), false);
  if (!clone.ok()) return clone.status();
  absl::Status status = ApplyMountOptions(clone->get(), options);
  if (status.ok()) status = AttachMount(clone->get(), target_fd);
  return status;
}

absl::Status AddHierarchy(const CgroupDir& entry, int tmpfs_fd, const MountOptions& options) {
  if (mkdirat(tmpfs_fd, entry.name.c_str(), 0755) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("mkdir ", entry.name));
  }
  OwnedFd target(openat(tmpfs_fd, entry.name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!target.ok()) return absl::ErrnoToStatus(errno, absl::StrCat("open ", entry.name));
  if (entry.version == cgroup::Version::kV1 && entry.controllers.size() > 1) {
    for (const std::string& controller : entry.controllers) {
      if (symlinkat(entry.name.c_str(), tmpfs_fd, controller.c_str()) != 0) {
        return absl::ErrnoToStatus(errno, absl::StrCat("symlink ", controller));
      }
    }
  }
  return BindDirectory(entry, target.get(), options);
}

}  // namespace

absl::Status MountCgroups(const std::string& destination, const MountOptions& options, int root_fd,
                          const cgroup::Cgroup* cgroup) {
  if (cgroup == nullptr || cgroup->dirs().empty()) {
    return absl::FailedPreconditionError("the container has no control group to show");
  }
  absl::StatusOr<OwnedFd> target = MakeDirectoryInRoot(root_fd, destination);
  if (!target.ok()) return target.status();
  if (cgroup->dirs().size() == 1 && cgroup->Unified() != nullptr) {
    return BindDirectory(*cgroup->Unified(), target->get(), options);
  }
  absl::StatusOr<OwnedFd> tmpfs = NewFilesystem("tmpfs", "tmpfs", {}, {"mode=755"}, kAlways);
  if (!tmpfs.ok()) return tmpfs.status();
  absl::Status status = AttachMount(tmpfs->get(), target->get());
  for (const CgroupDir& entry : cgroup->dirs()) {
    if (status.ok() && entry.dir.Exists()) status = AddHierarchy(entry, tmpfs->get(), options);
  }
  if (status.ok() && (options.attr_set & MOUNT_ATTR_RDONLY) != 0) {
    status = SetMountAttributes(tmpfs->get(), MOUNT_ATTR_RDONLY, 0, 0, false);
  }
  return status;
}

}  // namespace moat::runtime
