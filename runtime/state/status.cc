#include "runtime/state/status.h"

#include <fcntl.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace moat::runtime {
namespace {

// Whether the file `name` in the cgroup of `controller` begins with `value`.
bool CgroupFileBegins(const ContainerState& state, const char* controller, const char* name,
                      absl::string_view value) {
  auto it = state.cgroup_paths.find(controller);
  if (it == state.cgroup_paths.end()) return false;
  const int fd = open(absl::StrCat(it->second, "/", name).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char text[16];
  const ssize_t n = read(fd, text, sizeof text);
  close(fd);
  return n > 0 && absl::StartsWith(absl::string_view(text, n), value);
}

}  // namespace

const char* StatusName(ContainerStatus status) {
  static constexpr const char* kNames[] = {"creating", "created", "running", "paused", "stopped"};
  return kNames[static_cast<int>(status)];
}

bool IsFrozen(const ContainerState& state) {
  return CgroupFileBegins(state, "freezer", "freezer.state", "FROZEN") ||
         CgroupFileBegins(state, "freezer", "freezer.state", "FREEZING") ||
         CgroupFileBegins(state, "", "cgroup.freeze", "1");
}

ContainerStatus FindStatus(const ContainerDir& dir, const ContainerState& state) {
  if (!IsAlive(state.init)) return ContainerStatus::kStopped;
  if (!state.complete) return ContainerStatus::kCreating;
  if (IsFrozen(state)) return ContainerStatus::kPaused;
  if (access(dir.fifo_path().c_str(), F_OK) == 0) return ContainerStatus::kCreated;
  return ContainerStatus::kRunning;
}

}  // namespace moat::runtime
