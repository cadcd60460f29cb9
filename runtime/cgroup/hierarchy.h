// Which cgroup file systems this machine has, and where the calling process sits in each.
//
// legacy:  every controller in a v1 hierarchy of its own (or shared, such as cpu,cpuacct)
// hybrid:  v1 hierarchies and beside them a v2 one that holds the controllers v1 left
// unified: one v2 hierarchy
// The rest of this directory does not ask for the mode: it looks a controller up and uses the rules
// of the version that serves it, so any mixture works.
#ifndef MOAT_RUNTIME_CGROUP_HIERARCHY_H_
#define MOAT_RUNTIME_CGROUP_HIERARCHY_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace moat::runtime::cgroup {

enum class Version { kV1 = 1, kV2 = 2 };

struct Hierarchy {
  Version version = Version::kV1;
  // "cpu", "memory", ...; "name=systemd" for a v1 hierarchy without controllers. For v2 what the
  // root offers in cgroup.controllers.
  std::vector<std::string> controllers;
  std::string mount_point;  // "/sys/fs/cgroup/memory"
  std::string mount_root;   // the cgroup that is mounted there: "/" but in a container
  std::string own_path;     // the caller's cgroup as /proc/self/cgroup shows it

  // How the directory is called below /sys/fs/cgroup: "cpu,cpuacct", "systemd", "unified".
  std::string Name() const;
};

enum class Mode { kNone, kLegacy, kHybrid, kUnified };

struct Host {
  std::vector<Hierarchy> hierarchies;
  Mode mode() const;
};

absl::string_view ModeName(Mode mode);

// Reads /proc/self/mountinfo, /proc/self/cgroup and the v2 root's cgroup.controllers.
absl::StatusOr<Host> DiscoverHost();

// The parsing half, for tests: `mountinfo` as in proc(5), `self_cgroup` as in cgroups(7). The
// controllers of a v2 mount are read from <mount_point>/cgroup.controllers. Of several mounts of
// one hierarchy the first counts. Lines that make no sense are left out.
Host ParseHost(absl::string_view mountinfo, absl::string_view self_cgroup);

}  // namespace moat::runtime::cgroup

#endif  // MOAT_RUNTIME_CGROUP_HIERARCHY_H_
