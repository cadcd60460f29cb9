#include "runtime/rootfs/in_root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <climits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace moat::runtime {
namespace {

// As many as the kernel follows (path_resolution(7)).
constexpr int kMaxLinks = 40;
// Components of a path that may have to be made.
constexpr int kMaxDepth = 512;

absl::StatusOr<OwnedFd> MakeAt(int root_fd, const std::string& path, bool directory, int links,
                               int depth);

// Splits "/a/b/" into "/a" and "b". An empty name means the root itself.
void Split(std::string path, std::string* parent, std::string* name) {
  while (!path.empty() && path.back() == '/') path.pop_back();
  const size_t slash = path.rfind('/');
  *name = slash == std::string::npos ? path : path.substr(slash + 1);
  *parent = slash == std::string::npos ? "/" : path.substr(0, slash + 1);
}

// What a link in `parent` leads to, as a path of the root.
absl::StatusOr<std::string> LinkTarget(int parent_fd, const std::string& parent,
                                       const std::string& name) {
  char target[PATH_MAX];
  const ssize_t n = readlinkat(parent_fd, name.c_str(), target, sizeof target);
  if (n < 0) return absl::ErrnoToStatus(errno, absl::StrCat("readlink ", parent, name));
  const absl::string_view text(target, n);
  return absl::StartsWith(text, "/") ? std::string(text) : absl::StrCat(parent, "/", text);
}

absl::StatusOr<OwnedFd> MakeMissing(int root_fd, const std::string& path, bool directory, int links,
                                    int depth) {
  std::string parent, name;
  Split(path, &parent, &name);
  absl::StatusOr<OwnedFd> parent_fd = MakeAt(root_fd, parent, true, links, depth - 1);
  if (!parent_fd.ok()) return parent_fd.status();
  if (name.empty() || name == "." || name == "..") return OpenInRoot(root_fd, path, O_PATH);
  int made;
  if (directory) {
    made = mkdirat(parent_fd->get(), name.c_str(), 0755);
  } else {
    made = openat(parent_fd->get(), name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0755);
    if (made >= 0) close(made);
  }
  if (made < 0 && errno == EEXIST) {
    // There, and yet not found: a link to nowhere.
    absl::StatusOr<std::string> target = LinkTarget(parent_fd->get(), parent, name);
    if (!target.ok()) return target.status();
    if (links == 0) return absl::ErrnoToStatus(ELOOP, path);
    return MakeAt(root_fd, *target, directory, links - 1, depth - 1);
  }
  if (made < 0) return absl::ErrnoToStatus(errno, absl::StrCat("make ", path, " in the rootfs"));
  return OpenInRoot(parent_fd->get(), name, O_PATH | O_NOFOLLOW);
}

absl::StatusOr<OwnedFd> MakeAt(int root_fd, const std::string& path, bool directory, int links,
                               int depth) {
  absl::StatusOr<OwnedFd> existing =
      OpenInRoot(root_fd, path, O_PATH | (directory ? O_DIRECTORY : 0));
  if (existing.ok() || !absl::IsNotFound(existing.status())) return existing;
  if (depth == 0) return absl::ErrnoToStatus(ENAMETOOLONG, path);
  return MakeMissing(root_fd, path, directory, links, depth);
}

}  // namespace

absl::StatusOr<OwnedFd> OpenInRoot(int root_fd, const std::string& path, int flags,
                                   uint64_t resolve) {
  open_how how = {};
  how.flags = static_cast<uint32_t>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve;
  long fd;
  do {
    fd = syscall(SYS_openat2, root_fd, path.empty() ? "." : path.c_str(), &how, sizeof how);
    // EAGAIN: a rename elsewhere raced with a ".." in the path; openat2(2) says to try again.
  } while (fd < 0 && (errno == EAGAIN || errno == EINTR));
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("open ", path, " in the rootfs"));
  return OwnedFd(static_cast<int>(fd));
}

absl::StatusOr<OwnedFd> MakeDirectoryInRoot(int root_fd, const std::string& path) {
  return MakeAt(root_fd, path, true, kMaxLinks, kMaxDepth);
}

absl::StatusOr<OwnedFd> MakeFileInRoot(int root_fd, const std::string& path) {
  return MakeAt(root_fd, path, false, kMaxLinks, kMaxDepth);
}

absl::StatusOr<OwnedFd> MakeParentInRoot(int root_fd, const std::string& path, std::string* name) {
  std::string parent;
  Split(path, &parent, name);
  if (name->empty() || *name == "." || *name == "..") {
    return absl::InvalidArgumentError(absl::StrCat(path, ": names no file"));
  }
  return MakeDirectoryInRoot(root_fd, parent);
}

}  // namespace moat::runtime
