#include "runtime/cgroup/tree.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "runtime/cgroup/control_dir.h"

namespace moat::runtime::cgroup {
namespace {

std::vector<std::string> Subdirectories(const std::string& path) {
  std::vector<std::string> found;
  DIR* dir = ::opendir(path.c_str());
  if (dir == nullptr) return found;
  while (const dirent* entry = ::readdir(dir)) {
    const absl::string_view name = entry->d_name;
    if (entry->d_type == DT_DIR && name != "." && name != "..") {
      found.push_back(absl::StrCat(path, "/", name));
    }
  }
  ::closedir(dir);
  return found;
}

void CollectBelow(const std::string& path, int depth, std::vector<pid_t>* pids) {
  absl::StatusOr<std::string> text = ControlDir(path).Read("cgroup.procs");
  if (!text.ok()) {
    // A threaded v2 cgroup has its processes listed by the domain above it.
    if (!ControlDir(path).Exists()) return;
    text = std::string();
  }
  for (absl::string_view line : absl::StrSplit(*text, '\n', absl::SkipEmpty())) {
    pid_t pid = 0;
    if (absl::SimpleAtoi(line, &pid) && pid > 0) pids->push_back(pid);
  }
  if (depth == 0) return;
  for (const std::string& sub : Subdirectories(path)) CollectBelow(sub, depth - 1, pids);
}

// One attempt; 0 or an errno.
int TryRemove(const std::string& path, int depth) {
  if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return 0;
  const int error = errno;
  if ((error != EBUSY && error != ENOTEMPTY) || depth == 0) return error;
  for (const std::string& sub : Subdirectories(path)) {
    if (const int below = TryRemove(sub, depth - 1); below != 0) return below;
  }
  return ::rmdir(path.c_str()) == 0 || errno == ENOENT ? 0 : errno;
}

}  // namespace

void CollectPids(const std::string& path, std::vector<pid_t>* pids) {
  CollectBelow(path, kMaxNesting, pids);
}

absl::Status RemoveTree(const std::string& path, absl::Duration patience) {
  absl::Duration pause = absl::Milliseconds(1);
  while (true) {
    const int error = TryRemove(path, kMaxNesting);
    if (error == 0) return absl::OkStatus();
    if (error != EBUSY || patience <= absl::ZeroDuration()) {
      return absl::ErrnoToStatus(error, absl::StrCat("cgroup: rmdir ", path));
    }
    absl::SleepFor(pause);
    patience -= pause;
    pause = std::min(pause * 2, absl::Milliseconds(100));
  }
}

}  // namespace moat::runtime::cgroup
