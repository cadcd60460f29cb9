#include "runtime/rootfs/devices.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "runtime/rootfs/in_root.h"
#include "runtime/rootfs/new_mount.h"

namespace moat::runtime {
namespace {

constexpr mode_t kDefaultMode = 0666;

// Documentation/admin-guide/devices.txt, character devices 1 and 5.
struct DefaultDevice {
  const char* path;
  int major;
  int minor;
};
constexpr DefaultDevice kDefaults[] = {
    {"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
    {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0},
};

struct Link {
  const char* path;
  const char* target;
};
constexpr Link kLinks[] = {
    {"/dev/fd", "/proc/self/fd"},
    {"/dev/stdin", "/proc/self/fd/0"},
    {"/dev/stdout", "/proc/self/fd/1"},
    {"/dev/stderr", "/proc/self/fd/2"},
    {"/dev/ptmx", "pts/ptmx"},
};

absl::Status Failure(const char* what, const std::string& path) {
  return absl::ErrnoToStatus(errno, absl::StrCat(what, " ", path));
}

absl::Status BindNode(int root_fd, const std::string& path) {
  absl::StatusOr<OwnedFd> host = CloneMount(AT_FDCWD, path, false);
  if (!host.ok()) return host.status();
  absl::StatusOr<OwnedFd> target = MakeFileInRoot(root_fd, path);
  if (!target.ok()) return target.status();
  return AttachMount(host->get(), target->get());
}

absl::Status MakeNode(int root_fd, const Device& device) {
  const mode_t kind = device.type == "b" ? S_IFBLK : device.type == "p" ? S_IFIFO : S_IFCHR;
  const mode_t mode = device.file_mode.value_or(kDefaultMode);
  std::string name;
  absl::StatusOr<OwnedFd> parent = MakeParentInRoot(root_fd, device.path, &name);
  if (!parent.ok()) return parent.status();
  const dev_t number = makedev(device.major, device.minor);
  if (mknodat(parent->get(), name.c_str(), kind | mode, number) != 0) {
    if (errno == EPERM) return BindNode(root_fd, device.path);
    if (errno != EEXIST) return Failure("mknod", device.path);
    struct stat info;
    if (fstatat(parent->get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
        (info.st_mode & S_IFMT) == kind && (kind == S_IFIFO || info.st_rdev == number)) {
      return absl::OkStatus();  // the image brings the right one
    }
    errno = EEXIST;
    return Failure("mknod", device.path);
  }
  // The umask took bits away from the mode, and the owner is ours.
  if (fchmodat(parent->get(), name.c_str(), mode, 0) != 0) return Failure("chmod", device.path);
  const uid_t uid = device.uid.value_or(0);
  const gid_t gid = device.gid.value_or(0);
  if ((uid != 0 || gid != 0) &&
      fchownat(parent->get(), name.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW) != 0) {
    return Failure("chown", device.path);
  }
  return absl::OkStatus();
}

bool Listed(const std::vector<Device>& devices, absl::string_view path) {
  for (const Device& device : devices) {
    if (device.path == path) return true;
  }
  return false;
}

}  // namespace

absl::Status MakeDevices(int root_fd, const std::vector<Device>& devices, bool bind_nodes) {
  std::vector<Device> all;
  for (const DefaultDevice& row : kDefaults) {
    if (Listed(devices, row.path)) continue;
    Device& device = all.emplace_back();
    device.path = row.path;
    device.type = "c";
    device.major = row.major;
    device.minor = row.minor;
  }
  all.insert(all.end(), devices.begin(), devices.end());
  for (const Device& device : all) {
    // Provided by the devpts mount and the terminal, not as nodes.
    if (device.path == "/dev/ptmx" || device.path == "/dev/console") continue;
    absl::Status status =
        bind_nodes ? BindNode(root_fd, device.path) : MakeNode(root_fd, device);
    if (!status.ok()) {
      return absl::Status(status.code(), absl::StrCat("device ", device.path, ": ",
                                                      status.message()));
    }
  }
  return absl::OkStatus();
}

absl::Status MakeDeviceLinks(int root_fd) {
  absl::StatusOr<OwnedFd> dev = MakeDirectoryInRoot(root_fd, "/dev");
  if (!dev.ok()) return dev.status();
  for (const Link& link : kLinks) {
    const char* name = link.path + sizeof "/dev/" - 1;
    // An image may bring a node or a link of its own for ptmx, which must be that of our devpts.
    if (absl::string_view(name) == "ptmx") unlinkat(dev->get(), name, 0);
    if (symlinkat(link.target, dev->get(), name) != 0 && errno != EEXIST) {
      return Failure("symlink", link.path);
    }
  }
  return absl::OkStatus();
}

}  // namespace moat::runtime
