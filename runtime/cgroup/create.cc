#include "runtime/cgroup/create.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "runtime/cgroup/return_if_error.h"

namespace moat::runtime::cgroup {
namespace {

// The directories from below the mount point down to the container's.
std::vector<std::string> Levels(const CgroupDir& entry) {
  std::vector<std::string> levels;
  std::string path = entry.mount_point;
  const std::string below = entry.dir.path().substr(entry.mount_point.size());
  for (absl::string_view part : absl::StrSplit(below, '/', absl::SkipEmpty())) {
    absl::StrAppend(&path, "/", part);
    levels.push_back(path);
  }
  return levels;
}

// A new v1 cpuset has neither CPUs nor memory nodes, and takes no process before it has.
absl::Status InheritCpuset(const std::string& parent, const std::string& child) {
  const ControlDir from(parent);
  const ControlDir to(child);
  for (const char* file : {"cpuset.cpus", "cpuset.mems"}) {
    const absl::StatusOr<std::string> own = to.Read(file);
    if (!own.ok()) return own.status();
    if (!own->empty()) continue;
    const absl::StatusOr<std::string> value = from.Read(file);
    if (!value.ok()) return value.status();
    RETURN_IF_ERROR(to.Write(file, *value));
  }
  return absl::OkStatus();
}

// Lets the children of `dir` have the controllers; those that it refuses stay off.
void EnableControllers(const ControlDir& dir, const std::vector<std::string>& controllers) {
  const absl::StatusOr<std::string> enabled = dir.Read("cgroup.subtree_control");
  std::vector<std::string> missing;
  for (const std::string& controller : controllers) {
    const std::vector<std::string> have =
        enabled.ok() ? absl::StrSplit(*enabled, ' ') : std::vector<std::string>();
    if (std::find(have.begin(), have.end(), controller) == have.end()) {
      missing.push_back("+" + controller);
    }
  }
  if (missing.empty() || dir.Write("cgroup.subtree_control", absl::StrJoin(missing, " ")).ok()) {
    return;
  }
  for (const std::string& one : missing) {
    dir.Write("cgroup.subtree_control", one).IgnoreError();
  }
}

absl::Status CreateV1(CgroupDir& entry, bool* existed) {
  if (!entry.Serves("cpuset")) return MakeDirectories(entry.dir.path(), existed);
  std::string parent = entry.mount_point;
  for (const std::string& level : Levels(entry)) {
    RETURN_IF_ERROR(MakeDirectories(level, existed));
    RETURN_IF_ERROR(InheritCpuset(parent, level));
    parent = level;
  }
  return absl::OkStatus();
}

absl::Status CreateV2(CgroupDir& entry, bool* existed) {
  std::string parent = entry.mount_point;
  for (const std::string& level : Levels(entry)) {
    EnableControllers(ControlDir(parent), entry.controllers);
    RETURN_IF_ERROR(MakeDirectories(level, existed));
    parent = level;
  }
  const absl::StatusOr<std::string> offered = entry.dir.Read("cgroup.controllers");
  if (!offered.ok()) return offered.status();
  entry.controllers = absl::StrSplit(*offered, ' ', absl::SkipEmpty());
  return absl::OkStatus();
}

}  // namespace

absl::Status CreateDirectory(CgroupDir& entry, bool* existed) {
  return entry.version == Version::kV1 ? CreateV1(entry, existed) : CreateV2(entry, existed);
}

}  // namespace moat::runtime::cgroup
