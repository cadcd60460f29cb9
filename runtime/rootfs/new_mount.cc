#include "runtime/rootfs/new_mount.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <cerrno>

#include "absl/strings/str_cat.h"

namespace moat::runtime {
namespace {

// The last thing the file system said about what it was asked: "e invalid option".
absl::Status FilesystemError(int error, int fs_fd, const std::string& what) {
  char line[256];
  std::string said;
  for (ssize_t n; (n = read(fs_fd, line, sizeof line)) > 2;) {
    said = absl::StrCat(" (", absl::string_view(line + 2, n - 2), ")");
  }
  return absl::ErrnoToStatus(error, absl::StrCat(what, said));
}

absl::Status Configure(int fs_fd, const std::string& type, const std::string& option) {
  const size_t equals = option.find('=');
  int result;
  if (equals == std::string::npos) {
    result = fsconfig(fs_fd, FSCONFIG_SET_FLAG, option.c_str(), nullptr, 0);
  } else {
    result = fsconfig(fs_fd, FSCONFIG_SET_STRING, option.substr(0, equals).c_str(),
                      option.substr(equals + 1).c_str(), 0);
  }
  if (result == 0) return absl::OkStatus();
  return FilesystemError(errno, fs_fd, absl::StrCat(type, ": option \"", option, "\""));
}

}  // namespace

absl::StatusOr<OwnedFd> NewFilesystem(const std::string& type, const std::string& source,
                                      const std::vector<std::string>& flags,
                                      const std::vector<std::string>& data, uint64_t attributes) {
  OwnedFd fs(fsopen(type.c_str(), FSOPEN_CLOEXEC));
  if (!fs.ok()) return absl::ErrnoToStatus(errno, absl::StrCat("file system type \"", type, "\""));
  if (!source.empty() &&
      fsconfig(fs.get(), FSCONFIG_SET_STRING, "source", source.c_str(), 0) != 0) {
    return FilesystemError(errno, fs.get(), absl::StrCat(type, ": source \"", source, "\""));
  }
  for (const auto* options : {&flags, &data}) {
    for (const std::string& option : *options) {
      absl::Status status = Configure(fs.get(), type, option);
      if (!status.ok()) return status;
    }
  }
  if (fsconfig(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return FilesystemError(errno, fs.get(), absl::StrCat("create ", type));
  }
  OwnedFd mount(fsmount(fs.get(), FSMOUNT_CLOEXEC, attributes));
  if (!mount.ok()) return FilesystemError(errno, fs.get(), absl::StrCat("mount ", type));
  return mount;
}

absl::StatusOr<OwnedFd> CloneMount(int dir_fd, const std::string& path, bool recursive) {
  const int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0) |
                    (path.empty() ? AT_EMPTY_PATH : 0);
  OwnedFd mount(open_tree(dir_fd, path.c_str(), flags));
  if (!mount.ok()) {
    return absl::ErrnoToStatus(errno, absl::StrCat("bind ", path.empty() ? "a file" : path));
  }
  return mount;
}

absl::Status SetMountAttributes(int mount_fd, uint64_t set, uint64_t clear, uint64_t propagation,
                                bool recursive) {
  mount_attr attributes = {};
  attributes.attr_set = set;
  attributes.attr_clr = clear;
  attributes.propagation = propagation;
  const int flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  if (mount_setattr(mount_fd, "", flags, &attributes, sizeof attributes) == 0) {
    return absl::OkStatus();
  }
  return absl::ErrnoToStatus(errno, "set the attributes of the mount");
}

absl::Status ApplyMountOptions(int mount_fd, const MountOptions& options) {
  absl::Status status;
  // The access time field must be cleared to be set; otherwise only what is asked for changes, so
  // that a bind never loses what its source had ("rw" on a read-only source stays read-only).
  const uint64_t clear = options.attr_clear & MOUNT_ATTR__ATIME;
  if (options.attr_set != 0) {
    status.Update(SetMountAttributes(mount_fd, options.attr_set, clear, 0, false));
  }
  if (options.recursive_set != 0 || options.recursive_clear != 0) {
    status.Update(SetMountAttributes(mount_fd, options.recursive_set, options.recursive_clear, 0,
                                     true));
  }
  if (options.propagation != 0) {
    status.Update(SetMountAttributes(mount_fd, 0, 0, options.propagation,
                                     options.recursive_propagation));
  }
  return status;
}

absl::Status AttachMount(int mount_fd, int target_fd) {
  if (move_mount(mount_fd, "", target_fd, "",
                 MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0) {
    return absl::OkStatus();
  }
  return absl::ErrnoToStatus(errno, "attach the mount");
}

}  // namespace moat::runtime
