#include "runtime/cgroup/hierarchy.h"

#include <algorithm>
#include <optional>
#include <set>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "runtime/cgroup/control_dir.h"
#include "runtime/mountinfo/mountinfo.h"

namespace moat::runtime::cgroup {
namespace {

// Flags of a v1 superblock that are not controllers.
bool IsController(absl::string_view option) {
  static constexpr absl::string_view kFlags[] = {
      "rw", "ro", "noprefix", "xattr", "clone_children", "none", "cpuset_v2_mode", "favordynmods"};
  return !option.empty() && !absl::StartsWith(option, "release_agent=") &&
         std::find(std::begin(kFlags), std::end(kFlags), option) == std::end(kFlags);
}

// Controller (or "name=...", or "" for v2) to the caller's path.
using OwnPaths = absl::flat_hash_map<std::string, std::string>;

OwnPaths ParseSelfCgroup(absl::string_view text) {
  OwnPaths paths;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<absl::string_view> part = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (part.size() != 3) continue;
    for (absl::string_view controller : absl::StrSplit(part[1], ',')) {
      paths[std::string(controller)] = std::string(part[2]);
    }
  }
  return paths;
}

// Absent when the mount is no control group hierarchy.
std::optional<Hierarchy> FromMount(const MountEntry& mount, const OwnPaths& own) {
  if (mount.type != "cgroup" && mount.type != "cgroup2") return std::nullopt;

  Hierarchy found;
  found.mount_root = mount.root;
  found.mount_point = mount.mount_point;
  if (mount.type == "cgroup2") {
    found.version = Version::kV2;
    const absl::StatusOr<std::string> offered =
        ControlDir(found.mount_point).Read("cgroup.controllers");
    if (offered.ok()) found.controllers = absl::StrSplit(*offered, ' ', absl::SkipEmpty());
  } else {
    for (absl::string_view option : absl::StrSplit(mount.super_options, ',')) {
      if (IsController(option)) found.controllers.emplace_back(option);
    }
    if (found.controllers.empty()) return std::nullopt;
  }
  const auto path = own.find(found.version == Version::kV2 ? "" : found.controllers[0]);
  found.own_path = path == own.end() ? "/" : path->second;
  return found;
}

}  // namespace

std::string Hierarchy::Name() const {
  if (version == Version::kV2) return "unified";
  const std::string joined = absl::StrJoin(controllers, ",");
  return std::string(absl::StripPrefix(joined, "name="));
}

Mode Host::mode() const {
  bool v1 = false;
  bool v2 = false;
  for (const Hierarchy& hierarchy : hierarchies) {
    (hierarchy.version == Version::kV1 ? v1 : v2) = true;
  }
  if (v1) return v2 ? Mode::kHybrid : Mode::kLegacy;
  return v2 ? Mode::kUnified : Mode::kNone;
}

absl::string_view ModeName(Mode mode) {
  static constexpr absl::string_view kNames[] = {"none", "legacy", "hybrid", "unified"};
  return kNames[static_cast<int>(mode)];
}

Host ParseHost(absl::string_view mountinfo, absl::string_view self_cgroup) {
  const OwnPaths own = ParseSelfCgroup(self_cgroup);
  Host host;
  std::set<std::string> seen;
  for (const MountEntry& mount : ParseMountinfo(mountinfo)) {
    std::optional<Hierarchy> found = FromMount(mount, own);
    if (found.has_value() && seen.insert(found->Name()).second) {
      host.hierarchies.push_back(*std::move(found));
    }
  }
  return host;
}

absl::StatusOr<Host> DiscoverHost() {
  const ControlDir self("/proc/self");
  absl::StatusOr<std::string> mounts = self.Read("mountinfo");
  if (!mounts.ok()) return mounts.status();
  absl::StatusOr<std::string> own = self.Read("cgroup");
  if (!own.ok()) return own.status();
  return ParseHost(*mounts, *own);
}

}  // namespace moat::runtime::cgroup
