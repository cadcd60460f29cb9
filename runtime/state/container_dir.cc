#include "runtime/state/container_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "runtime/config/parse.h"

namespace moat::runtime {
namespace {

constexpr size_t kMaxIdLength = 1024;
constexpr char kStateFile[] = "state.json";
constexpr char kLockFile[] = "lock";

absl::Status Failure(absl::string_view what, const std::string& path) {
  return absl::ErrnoToStatus(errno, absl::StrCat(what, " ", path));
}

// Like mkdir -p; every directory it makes is 0700, because what is below names processes to signal.
absl::Status MakeRoot(const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return absl::OkStatus();
  const size_t slash = path.rfind('/');
  if (errno != ENOENT || slash == 0 || slash == std::string::npos) return Failure("mkdir", path);
  absl::Status parent = MakeRoot(path.substr(0, slash));
  if (!parent.ok()) return parent;
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return Failure("mkdir", path);
  return absl::OkStatus();
}

// Removes the files of an open directory and, `depth` levels down, those of its directories.
absl::Status RemoveEntries(int dir_fd, const std::string& path, int depth) {
  DIR* dir = fdopendir(dir_fd);
  if (dir == nullptr) {
    close(dir_fd);
    return Failure("open", path);
  }
  absl::Status status;
  while (dirent* entry = readdir(dir)) {
    const absl::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (unlinkat(dirfd(dir), entry->d_name, 0) == 0 || errno == ENOENT) continue;
    const std::string child = absl::StrCat(path, "/", name);
    if (errno != EISDIR || depth == 0) {
      status.Update(Failure("remove", child));
      continue;
    }
    const int child_fd =
        openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (child_fd >= 0) status.Update(RemoveEntries(child_fd, child, depth - 1));
    if (unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR) != 0) {
      status.Update(Failure("remove", child));
    }
  }
  closedir(dir);
  return status;
}

}  // namespace

absl::Status CheckContainerId(absl::string_view id) {
  bool valid = !id.empty() && id.size() <= kMaxIdLength && id != "." && id != "..";
  for (const char c : id) {
    valid = valid && (absl::ascii_isalnum(c) || c == '_' || c == '+' || c == '-' || c == '.');
  }
  if (valid) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("invalid container ID format: \"", id, "\""));
}

ContainerDir::ContainerDir(std::string id, std::string path)
    : id_(std::move(id)), path_(std::move(path)) {}

ContainerDir::ContainerDir(ContainerDir&& other)
    : id_(std::move(other.id_)),
      path_(std::move(other.path_)),
      lock_fd_(std::exchange(other.lock_fd_, -1)) {}

ContainerDir::~ContainerDir() { Unlock(); }

void ContainerDir::Unlock() {
  if (lock_fd_ >= 0) close(std::exchange(lock_fd_, -1));
}

std::string ContainerDir::File(absl::string_view name) const {
  return absl::StrCat(path_, "/", name);
}

absl::StatusOr<ContainerDir> ContainerDir::Create(const std::string& root, const std::string& id) {
  absl::Status status = CheckContainerId(id);
  if (status.ok()) status = MakeRoot(root);
  if (!status.ok()) return status;
  ContainerDir dir(id, absl::StrCat(root, "/", id));
  if (mkdir(dir.path().c_str(), 0700) != 0) {
    if (errno == EEXIST) {
      return absl::AlreadyExistsError("container with given ID already exists");
    }
    return Failure("mkdir", dir.path());
  }
  return dir;
}

absl::StatusOr<ContainerDir> ContainerDir::Open(const std::string& root, const std::string& id) {
  absl::Status status = CheckContainerId(id);
  if (!status.ok()) return status;
  ContainerDir dir(id, absl::StrCat(root, "/", id));
  struct stat info;
  if (stat(dir.path().c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return absl::NotFoundError("container does not exist");
    }
    return Failure("stat", dir.path());
  }
  if (!S_ISDIR(info.st_mode)) return absl::NotFoundError("container does not exist");
  return dir;
}

absl::Status ContainerDir::Lock(int milliseconds) {
  constexpr int kStepMilliseconds = 5;
  const std::string path = File(kLockFile);
  lock_fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_fd_ < 0) return Failure("open", path);
  // A lock of the process (fcntl(2)), which its children do not get: a container's process may
  // outlive the command that made it with a copy of every descriptor.
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  for (int waited = 0; fcntl(lock_fd_, F_SETLK, &lock) != 0; waited += kStepMilliseconds) {
    if (errno != EAGAIN && errno != EACCES && errno != EINTR) return Failure("lock", path);
    if (waited >= milliseconds) {
      return absl::DeadlineExceededError("another command is at work on the container");
    }
    const timespec step = {0, kStepMilliseconds * 1000000};
    nanosleep(&step, nullptr);
  }
  return absl::OkStatus();
}

absl::StatusOr<ContainerState> ContainerDir::Load() const {
  absl::StatusOr<std::string> text = ReadConfigFile(File(kStateFile));
  if (!text.ok()) return text.status();
  return ParseState(*text);
}

absl::Status ContainerDir::WriteFile(absl::string_view name, absl::string_view text) const {
  const std::string path = File(name);
  const std::string temporary = absl::StrCat(path, ".new");
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return Failure("open", temporary);
  const ssize_t n = write(fd, text.data(), text.size());
  const bool whole = n == static_cast<ssize_t>(text.size());
  if (n >= 0 && !whole) errno = ENOSPC;
  absl::Status status = whole ? absl::OkStatus() : Failure("write", temporary);
  close(fd);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0) {
    status = Failure("rename", temporary);
  }
  if (!status.ok()) unlink(temporary.c_str());
  return status;
}

absl::Status ContainerDir::Save(const ContainerState& state) const {
  return WriteFile(kStateFile, SerializeState(state));
}

absl::Status ContainerDir::Remove() {
  const int fd = open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT ? absl::OkStatus() : Failure("open", path_);
  absl::Status status = RemoveEntries(fd, path_, 2);
  if (rmdir(path_.c_str()) != 0 && errno != ENOENT) status.Update(Failure("remove", path_));
  return status;
}

std::vector<std::string> ListContainerIds(const std::string& root) {
  std::vector<std::string> ids;
  DIR* dir = opendir(root.c_str());
  if (dir == nullptr) return ids;
  while (dirent* entry = readdir(dir)) {
    if (entry->d_type == DT_DIR && CheckContainerId(entry->d_name).ok()) {
      ids.emplace_back(entry->d_name);
    }
  }
  closedir(dir);
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace moat::runtime
