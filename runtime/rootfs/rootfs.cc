#include "runtime/rootfs/rootfs.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "runtime/rootfs/devices.h"
#include "runtime/rootfs/hide_paths.h"
#include "runtime/rootfs/in_root.h"
#include "runtime/rootfs/new_mount.h"
#include "runtime/rootfs/parent_mount.h"

namespace moat::runtime {
namespace {

absl::Status Failure(const std::string& what) { return absl::ErrnoToStatus(errno, what); }

// Nothing mounted from here on may reach the host. The default, "rslave", still lets the host's own
// later mounts in; "shared" is for volumes whose mounts the container is meant to pass on.
absl::Status SetHostPropagation(const std::string& word, const std::string& rootfs) {
  bool recursive = true;
  uint64_t flag = PropagationFlag(word, &recursive);
  if (flag == 0) {
    flag = MS_SLAVE;
    recursive = true;
  }
  if (mount(nullptr, "/", nullptr, flag | (recursive ? MS_REC : 0), nullptr) != 0) {
    return Failure("change the propagation of /");
  }
  if ((flag & MS_SHARED) == 0) return absl::OkStatus();
  // pivot_root(2) refuses a root whose parent mount is shared; and our mounts would show there.
  absl::StatusOr<std::string> parent = MountPointOf(rootfs);
  if (!parent.ok()) return parent.status();
  if (mount(nullptr, parent->c_str(), nullptr, MS_PRIVATE, nullptr) != 0) {
    return Failure(absl::StrCat("make ", *parent, " private"));
  }
  return absl::OkStatus();
}

// pivot_root(2) needs a mount: the directory is bound onto itself.
absl::StatusOr<OwnedFd> BindRoot(const std::string& rootfs) {
  OwnedFd directory(open(rootfs.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory.ok()) return Failure(absl::StrCat("config.json: root.path: open ", rootfs));
  absl::StatusOr<OwnedFd> clone = CloneMount(directory.get(), "", true);
  if (!clone.ok()) return clone.status();
  absl::Status status = AttachMount(clone->get(), directory.get());
  if (!status.ok()) return status;
  return clone;
}

// A /dev that is bound from elsewhere is complete as it is.
bool ProvidesDev(const Spec& spec) {
  for (const Mount& mount : spec.mounts) {
    if (mount.destination != "/dev" && mount.destination != "/dev/") continue;
    if (mount.type == "bind") return true;
    for (const std::string& option : mount.options) {
      if (option == "bind" || option == "rbind") return true;
    }
  }
  return false;
}

absl::Status Pivot(int root_fd) {
  OwnedFd old_root(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!old_root.ok()) return Failure("open /");
  if (fchdir(root_fd) != 0) return Failure("chdir to the rootfs");
  // With both names "." the old root is stacked on top of the new one, and needs no directory of
  // its own in it (pivot_root(2), NOTES).
  if (syscall(SYS_pivot_root, ".", ".") != 0) return Failure("pivot_root");
  if (fchdir(old_root.get()) != 0) return Failure("chdir to the old root");
  // The unmounting must not propagate to the host.
  if (mount(nullptr, ".", nullptr, MS_SLAVE | MS_REC, nullptr) != 0) {
    return Failure("change the propagation of the old root");
  }
  if (umount2(".", MNT_DETACH) != 0) return Failure("unmount the old root");
  return chdir("/") == 0 ? absl::OkStatus() : Failure("chdir to /");
}

// For a root in the initramfs, which pivot_root cannot leave: the new root is moved over "/".
absl::Status MoveRoot(int root_fd) {
  if (fchdir(root_fd) != 0) return Failure("chdir to the rootfs");
  if (mount(".", "/", nullptr, MS_MOVE, nullptr) != 0) return Failure("move the rootfs to /");
  if (chroot(".") != 0) return Failure("chroot to the rootfs");
  return chdir("/") == 0 ? absl::OkStatus() : Failure("chdir to /");
}

}  // namespace

absl::StatusOr<PreparedRootfs> PrepareRootfs(const Spec& spec, const std::string& rootfs,
                                             const std::string& bundle,
                                             const cgroup::Cgroup* cgroup) {
  absl::Status status = SetHostPropagation(spec.linux_.rootfs_propagation, rootfs);
  if (!status.ok()) return status;
  absl::StatusOr<OwnedFd> root = BindRoot(rootfs);
  if (!root.ok()) return root.status();
  PreparedRootfs prepared{*std::move(root), {}};
  const MountContext context = {prepared.root.get(), bundle, spec.linux_.mount_label, cgroup};
  // Modes of what is made on the way are meant as they are written.
  const mode_t old_mask = umask(0);
  status = MountAll(spec.mounts, context, &prepared.late);
  if (status.ok() && !ProvidesDev(spec)) {
    const bool in_user_namespace = spec.linux_.FindNamespace("user") != nullptr;
    status = MakeDevices(prepared.root.get(), spec.linux_.devices, in_user_namespace);
    if (status.ok()) status = MakeDeviceLinks(prepared.root.get());
  }
  umask(old_mask);
  if (!status.ok()) return status;
  return prepared;
}

absl::Status EnterRootfs(const Spec& spec, const PreparedRootfs& prepared, bool no_pivot) {
  absl::Status status = no_pivot ? MoveRoot(prepared.root.get()) : Pivot(prepared.root.get());
  if (!status.ok()) return status;
  bool recursive = false;
  const uint64_t flag = PropagationFlag(spec.linux_.rootfs_propagation, &recursive);
  if (flag != 0 &&
      mount(nullptr, "/", nullptr, flag | (recursive ? MS_REC : 0), nullptr) != 0) {
    return Failure("config.json: linux.rootfsPropagation");
  }
  return absl::OkStatus();
}

absl::Status SealRootfs(const Spec& spec, const PreparedRootfs& prepared) {
  absl::Status status = MakeReadOnly(prepared.late);
  if (status.ok() && spec.root.readonly) {
    status = SetMountAttributes(prepared.root.get(), MOUNT_ATTR_RDONLY, 0, 0, false);
  }
  if (status.ok()) status = MakePathsReadOnly(spec.linux_.readonly_paths);
  if (status.ok()) status = MaskPaths(spec.linux_.masked_paths);
  return status;
}

}  // namespace moat::runtime
