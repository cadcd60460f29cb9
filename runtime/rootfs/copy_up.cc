#include "runtime/rootfs/copy_up.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "absl/strings/str_cat.h"
#include "base/owned_fd.h"

namespace moat::runtime {
namespace {

constexpr int kMaxDepth = 128;

absl::Status Failure(const char* what, const char* name) {
  return absl::ErrnoToStatus(errno, absl::StrCat("tmpcopyup: ", what, " ", name));
}

absl::Status CopyFile(int from_dir, int to_dir, const char* name, const struct stat& info) {
  OwnedFd from(openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!from.ok()) return Failure("open", name);
  OwnedFd to(openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!to.ok()) return Failure("create", name);
  for (off_t left = info.st_size; left > 0;) {
    const ssize_t n = sendfile(to.get(), from.get(), nullptr, left);
    if (n < 0) return Failure("copy", name);
    if (n == 0) break;
    left -= n;
  }
  if (fchown(to.get(), info.st_uid, info.st_gid) != 0 ||
      fchmod(to.get(), info.st_mode & 07777) != 0) {
    return Failure("set the owner of", name);
  }
  return absl::OkStatus();
}

absl::Status CopyLink(int from_dir, int to_dir, const char* name, const struct stat& info) {
  char target[PATH_MAX];
  const ssize_t n = readlinkat(from_dir, name, target, sizeof target - 1);
  if (n < 0) return Failure("readlink", name);
  target[n] = 0;
  if (symlinkat(target, to_dir, name) != 0) return Failure("symlink", name);
  if (fchownat(to_dir, name, info.st_uid, info.st_gid, AT_SYMLINK_NOFOLLOW) != 0) {
    return Failure("set the owner of", name);
  }
  return absl::OkStatus();
}

absl::Status CopyDirectory(int from_fd, int to_fd, int depth);

absl::Status CopySubdirectory(int from_dir, int to_dir, const char* name, const struct stat& info,
                              int depth) {
  if (mkdirat(to_dir, name, 0700) != 0) return Failure("mkdir", name);
  OwnedFd from(openat(from_dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  OwnedFd to(openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!from.ok() || !to.ok()) return Failure("open", name);
  absl::Status status = CopyDirectory(from.get(), to.get(), depth - 1);
  if (!status.ok()) return status;
  if (fchown(to.get(), info.st_uid, info.st_gid) != 0 ||
      fchmod(to.get(), info.st_mode & 07777) != 0) {
    return Failure("set the owner of", name);
  }
  return absl::OkStatus();
}

absl::Status CopyEntry(int from_fd, int to_fd, const char* name, int depth) {
  struct stat info;
  if (fstatat(from_fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return Failure("stat", name);
  if (S_ISREG(info.st_mode)) return CopyFile(from_fd, to_fd, name, info);
  if (S_ISLNK(info.st_mode)) return CopyLink(from_fd, to_fd, name, info);
  if (S_ISDIR(info.st_mode)) return CopySubdirectory(from_fd, to_fd, name, info, depth);
  return absl::OkStatus();
}

absl::Status CopyDirectory(int from_fd, int to_fd, int depth) {
  if (depth == 0) return absl::ResourceExhaustedError("tmpcopyup: directories nested too deep");
  const int list_fd = openat(from_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (list_fd < 0) return Failure("open", "directory");
  DIR* dir = fdopendir(list_fd);
  if (dir == nullptr) {
    close(list_fd);
    return Failure("open", "directory");
  }
  absl::Status status;
  while (status.ok()) {
    const dirent* entry = readdir(dir);
    if (entry == nullptr) break;
    const absl::string_view name = entry->d_name;
    if (name != "." && name != "..") status = CopyEntry(from_fd, to_fd, entry->d_name, depth);
  }
  closedir(dir);
  return status;
}

}  // namespace

absl::Status CopyUp(int from_fd, int to_fd) { return CopyDirectory(from_fd, to_fd, kMaxDepth); }

}  // namespace moat::runtime
