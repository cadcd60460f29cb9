#include "runtime/rootfs/mounts.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>
#include <cstdio>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/rootfs/cgroup_mount.h"
#include "runtime/rootfs/copy_up.h"
#include "runtime/rootfs/in_root.h"
#include "runtime/rootfs/new_mount.h"

namespace moat::runtime {
namespace {

// Places in /proc that may be covered by a bind: what LXCFS and its like provide. Anything else
// there could hide what the kernel tells about the process from the runtime itself.
constexpr absl::string_view kBindableInProc[] = {
    "cpuinfo", "diskstats", "meminfo", "stat", "swaps", "uptime", "loadavg", "slabinfo",
    "net/dev", "sys/kernel/ns_last_pid", "sys/crypto/fips_enabled"};

// These are kernel interfaces of the process itself: a link in their place could make the runtime's
// own later writes go elsewhere, so none is followed.
bool IsKernelInterface(const std::string& type) { return type == "proc" || type == "sysfs"; }

bool HasOption(const std::vector<std::string>& data, absl::string_view name) {
  for (const std::string& option : data) {
    if (absl::StartsWith(option, name)) return true;
  }
  return false;
}

// Refuses a bind onto a file of the container's /proc.
absl::Status CheckProcTarget(int target_fd, const Mount& mount, const MountOptions& options) {
  struct statfs info;
  if (fstatfs(target_fd, &info) != 0 || info.f_type != PROC_SUPER_MAGIC) return absl::OkStatus();
  if (mount.type == "proc" && !options.bind && !options.recursive_bind) return absl::OkStatus();
  for (absl::string_view name : kBindableInProc) {
    if (absl::EndsWith(mount.destination, absl::StrCat("/proc/", name))) return absl::OkStatus();
  }
  return absl::InvalidArgumentError("a mount inside /proc is not allowed");
}

// A detached mount onto its destination, which is checked last of all.
absl::Status Attach(int mount_fd, int target_fd, const Mount& mount, const MountOptions& options) {
  absl::Status status = CheckProcTarget(target_fd, mount, options);
  if (status.ok()) status = AttachMount(mount_fd, target_fd);
  return status;
}

absl::Status Bind(const Mount& mount, const MountOptions& options, const MountContext& context) {
  const std::string source = absl::StartsWith(mount.source, "/")
                                 ? mount.source
                                 : absl::StrCat(context.bundle, "/", mount.source);
  struct stat info;
  if (stat(source.c_str(), &info) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("bind source ", source));
  }
  absl::StatusOr<OwnedFd> clone = CloneMount(AT_FDCWD, source, options.recursive_bind);
  if (!clone.ok()) return clone.status();
  absl::Status status = ApplyMountOptions(clone->get(), options);
  if (!status.ok()) return status;
  absl::StatusOr<OwnedFd> target = S_ISDIR(info.st_mode)
                                       ? MakeDirectoryInRoot(context.root_fd, mount.destination)
                                       : MakeFileInRoot(context.root_fd, mount.destination);
  if (!target.ok()) return target.status();
  return Attach(clone->get(), target->get(), mount, options);
}

// "remount": new attributes for what is mounted there already.
absl::Status Remount(const Mount& mount, MountOptions options, const MountContext& context) {
  absl::StatusOr<OwnedFd> target = OpenInRoot(context.root_fd, mount.destination, O_PATH);
  if (!target.ok()) return target.status();
  return SetMountAttributes(target->get(), options.attr_set, options.attr_clear, 0, false);
}

absl::Status MountFilesystem(const Mount& mount, MountOptions options, const MountContext& context,
                             LateReadOnly* late) {
  absl::StatusOr<OwnedFd> target = MakeDirectoryInRoot(context.root_fd, mount.destination);
  if (target.ok() && IsKernelInterface(mount.type)) {
    target = OpenInRoot(context.root_fd, mount.destination, O_PATH | O_DIRECTORY,
                        RESOLVE_NO_SYMLINKS);
  }
  if (!target.ok()) return target.status();

  const bool tmpfs = mount.type == "tmpfs";
  const bool read_only = (options.attr_set & MOUNT_ATTR_RDONLY) != 0;
  if (tmpfs) options.attr_set &= ~uint64_t{MOUNT_ATTR_RDONLY};
  if (tmpfs && !HasOption(options.data, "mode=")) {
    // Like the directory that it hides, whose mode the image's author chose.
    struct stat info;
    if (fstat(target->get(), &info) == 0) {
      char mode[16];
      snprintf(mode, sizeof mode, "mode=%o", info.st_mode & 07777);
      options.data.emplace_back(mode);
    }
  }
  if (!context.mount_label.empty()) {
    options.data.push_back(absl::StrCat("context=", context.mount_label));
  }
  // A disk's file system must know that it is read-only; for the kernel's own it is the mount's
  // affair.
  if (read_only && absl::StartsWith(mount.source, "/")) options.super_flags.push_back("ro");

  absl::StatusOr<OwnedFd> made =
      NewFilesystem(mount.type, mount.source, options.super_flags, options.data, options.attr_set);
  if (!made.ok()) return made.status();
  if (options.copy_up) {
    absl::Status status = CopyUp(target->get(), made->get());
    if (!status.ok()) return status;
  }
  if (options.propagation != 0) {
    absl::Status status = SetMountAttributes(made->get(), 0, 0, options.propagation,
                                             options.recursive_propagation);
    if (!status.ok()) return status;
  }
  absl::Status status = Attach(made->get(), target->get(), mount, options);
  if (status.ok() && tmpfs && read_only) late->push_back(*std::move(made));
  return status;
}

absl::Status MountOne(const Mount& mount, const std::string& field, const MountContext& context,
                      LateReadOnly* late) {
  absl::StatusOr<MountOptions> options = ParseMountOptions(mount.options, field);
  if (!options.ok()) return options.status();
  if (options->copy_up && mount.type != "tmpfs") {
    return absl::InvalidArgumentError("tmpcopyup is for type tmpfs only");
  }
  if (options->remount) return Remount(mount, *options, context);
  if (options->bind || options->recursive_bind || mount.type == "bind") {
    return Bind(mount, *options, context);
  }
  if (mount.type == "cgroup" || mount.type == "cgroup2") {
    return MountCgroups(mount.destination, *options, context.root_fd, context.cgroup);
  }
  if (mount.type.empty()) return absl::InvalidArgumentError("type must not be empty");
  return MountFilesystem(mount, *std::move(options), context, late);
}

}  // namespace

absl::Status MountAll(const std::vector<Mount>& mounts, const MountContext& context,
                      LateReadOnly* late) {
  for (size_t i = 0; i < mounts.size(); ++i) {
    const std::string field = absl::StrCat("mounts[", i, "]");
    absl::Status status = MountOne(mounts[i], absl::StrCat(field, ".options"), context, late);
    if (!status.ok()) {
      return absl::Status(status.code(),
                          absl::StrCat("config.json: ", field, " (", mounts[i].destination,
                                       "): ", status.message()));
    }
  }
  return absl::OkStatus();
}

absl::Status MakeReadOnly(const LateReadOnly& mounts) {
  absl::Status status;
  for (const OwnedFd& mount : mounts) {
    status.Update(SetMountAttributes(mount.get(), MOUNT_ATTR_RDONLY, 0, 0, false));
  }
  return status;
}

}  // namespace moat::runtime
