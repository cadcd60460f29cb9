#include "runtime/cgroup/path.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace moat::runtime::cgroup {
namespace {

constexpr absl::string_view kSliceSuffix = ".slice";
constexpr size_t kMaxPath = 4096;  // PATH_MAX

absl::Status BadPath(absl::string_view path, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("linux.cgroupsPath \"", path, "\": ", why));
}

std::string JoinPath(absl::string_view a, absl::string_view b) {
  return CleanPath(absl::StrCat(a, "/", b));
}

}  // namespace

std::string CleanPath(absl::string_view path) {
  std::vector<absl::string_view> kept;
  for (absl::string_view part : absl::StrSplit(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      kept.push_back(part);
    } else if (!kept.empty()) {
      kept.pop_back();
    }
  }
  return absl::StrJoin(kept, "/");
}

absl::StatusOr<CgroupName> NameFromCgroupsPath(absl::string_view cgroups_path,
                                               absl::string_view id) {
  if (cgroups_path.size() > kMaxPath) return BadPath("...", "too long");
  if (cgroups_path.find('\0') != absl::string_view::npos) return BadPath("...", "has a NUL byte");
  CgroupName name;
  name.absolute = absl::StartsWith(cgroups_path, "/");
  name.path = CleanPath(cgroups_path.empty() ? id : cgroups_path);
  if (name.path.empty()) return BadPath(cgroups_path, "names the root cgroup");
  return name;
}

absl::StatusOr<std::string> ExpandSlice(absl::string_view slice) {
  absl::string_view stem = slice;
  if (!absl::ConsumeSuffix(&stem, kSliceSuffix) || stem.empty() || absl::StrContains(stem, "/")) {
    return BadPath(slice, "not the name of a slice");
  }
  if (stem == "-") return std::string();
  std::string path;
  std::string prefix;
  for (absl::string_view part : absl::StrSplit(stem, '-')) {
    if (part.empty()) return BadPath(slice, "not the name of a slice");
    absl::StrAppend(&prefix, prefix.empty() ? "" : "-", part);
    absl::StrAppend(&path, path.empty() ? "" : "/", prefix, kSliceSuffix);
  }
  return path;
}

absl::StatusOr<CgroupName> NameFromSystemdPath(absl::string_view cgroups_path,
                                               absl::string_view id) {
  absl::string_view slice = "system.slice";
  absl::string_view prefix = "moat";
  absl::string_view unit = id;
  if (!cgroups_path.empty()) {
    const std::vector<absl::string_view> parts = absl::StrSplit(cgroups_path, ':');
    if (parts.size() != 3) {
      return BadPath(cgroups_path, "the systemd driver expects \"slice:prefix:name\"");
    }
    if (!parts[0].empty()) slice = parts[0];
    prefix = parts[1];
    unit = parts[2];
  }
  if (unit.empty() || absl::StrContains(unit, "/") || absl::StrContains(prefix, "/")) {
    return BadPath(cgroups_path, "the name is empty or has a slash");
  }
  absl::StatusOr<std::string> parent = ExpandSlice(slice);
  if (!parent.ok()) return parent.status();
  std::string leaf(unit);
  if (!absl::EndsWith(unit, kSliceSuffix)) {
    leaf = absl::StrCat(prefix, prefix.empty() ? "" : "-", unit, ".scope");
  }
  return CgroupName{.path = JoinPath(*parent, leaf), .absolute = true};
}

std::string DirectoryIn(const Hierarchy& hierarchy, const CgroupName& name) {
  if (name.absolute) return absl::StrCat(hierarchy.mount_point, "/", name.path);
  std::string own = CleanPath(hierarchy.own_path);
  // In a container the mount shows a subtree, while /proc/self/cgroup may count from the real root.
  const std::string root = CleanPath(hierarchy.mount_root);
  if (!root.empty() && (own == root || absl::StartsWith(own, root + "/"))) {
    own = own.substr(root.size());
  }
  if (hierarchy.version == Version::kV2) own = JoinPath(own, "..");
  return absl::StrCat(hierarchy.mount_point, "/", JoinPath(own, name.path));
}

}  // namespace moat::runtime::cgroup
