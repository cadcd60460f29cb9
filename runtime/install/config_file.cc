#include "runtime/install/config_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/owned_fd.h"

namespace moat::runtime {
namespace {

constexpr size_t kMaxSize = 4 << 20;

absl::Status Failed(absl::string_view what, const std::string& path) {
  return absl::ErrnoToStatus(errno, absl::StrCat(what, " ", path));
}

std::string Directory(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash == 0 ? 1 : slash);
}

absl::Status Prefixed(const std::string& path, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
}

}  // namespace

ConfigFile::ConfigFile(const std::string& path, const std::string& suffix) : path_(path) {
  char resolved[PATH_MAX];
  if (::realpath(path.c_str(), resolved) != nullptr) path_ = resolved;
  backup_ = path_ + suffix;
}

bool ConfigFile::Exists() const { return ::access(path_.c_str(), F_OK) == 0; }
bool ConfigFile::DirectoryExists() const { return ::access(Directory(path_).c_str(), F_OK) == 0; }

absl::StatusOr<std::string> ConfigFile::Read(const std::string& path) const {
  OwnedFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) return Failed("open", path);
  std::string text;
  char buffer[65536];
  ssize_t n;
  while ((n = ::read(fd.get(), buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<size_t>(n));
    if (text.size() > kMaxSize) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": larger than 4 MiB"));
    }
  }
  if (n < 0) return Failed("read", path);
  return text;
}

// A new file with the old one's owner and mode takes its place in one step.
absl::Status ConfigFile::Replace(const std::string& path, absl::string_view text) const {
  std::error_code error;
  std::filesystem::create_directories(Directory(path), error);
  std::string temporary = path + ".XXXXXX";
  OwnedFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd.ok()) return Failed("create a file beside", path);
  struct stat st {};
  bool ok = true;
  if (::stat(path_.c_str(), &st) == 0) {
    ok = ::fchown(fd.get(), st.st_uid, st.st_gid) == 0 &&
         ::fchmod(fd.get(), st.st_mode & 07777) == 0;
  } else {
    ok = ::fchmod(fd.get(), 0644) == 0;
  }
  for (absl::string_view rest = text; ok && !rest.empty();) {
    const ssize_t n = ::write(fd.get(), rest.data(), rest.size());
    ok = n > 0;
    if (ok) rest.remove_prefix(static_cast<size_t>(n));
  }
  ok = ok && ::fsync(fd.get()) == 0 && ::rename(temporary.c_str(), path.c_str()) == 0;
  if (ok) return absl::OkStatus();
  const absl::Status status = Failed("write", path);
  ::unlink(temporary.c_str());
  return status;
}

absl::StatusOr<bool> ConfigFile::Change(Edit edit) {
  std::string before;
  if (Exists()) {
    absl::StatusOr<std::string> text = Read(path_);
    if (!text.ok()) return text.status();
    before = *std::move(text);
  }
  const absl::StatusOr<std::string> after = edit(before);
  if (!after.ok()) return Prefixed(path_, after.status());
  if (*after == before) return false;
  if (::access(backup_.c_str(), F_OK) != 0) {
    if (absl::Status status = Replace(backup_, before); !status.ok()) return status;
  }
  if (absl::Status status = Replace(path_, *after); !status.ok()) return status;
  return true;
}

absl::StatusOr<bool> ConfigFile::Undo(Edit edit, Same same) {
  const absl::StatusOr<std::string> backup = Read(backup_);
  bool changed = false;
  if (Exists()) {
    const absl::StatusOr<std::string> before = Read(path_);
    if (!before.ok()) return before.status();
    absl::StatusOr<std::string> after = edit(*before);
    if (!after.ok()) return Prefixed(path_, after.status());
    if (backup.ok() && same(*after, *backup)) after = *backup;
    changed = *after != *before;
    // An empty backup stands for a file that was not there.
    if (after->empty() && backup.ok() && backup->empty()) {
      if (::unlink(path_.c_str()) != 0) return Failed("remove", path_);
    } else if (changed) {
      if (absl::Status status = Replace(path_, *after); !status.ok()) return status;
    }
  }
  if (backup.ok() && ::unlink(backup_.c_str()) != 0) return Failed("remove", backup_);
  return changed;
}

}  // namespace moat::runtime
