// From linux.cgroupsPath to a cgroup's name, with runc's meaning.
//
// cgroupfs driver: an absolute path is taken below each hierarchy's mount point; a relative one, or
//   none (then the container's id), is below the caller's own cgroup (v2: beside it, because a
//   cgroup with processes cannot have children with controllers).
// systemd driver (--systemd-cgroup): "slice:prefix:name" names the directory where systemd would
// put
//   the scope: "user-1000.slice:moat:c1" is /user.slice/user-1000.slice/moat-c1.scope. Moat makes
//   the directory itself; it does not ask systemd for a unit, so `systemctl` shows none.
#ifndef MOAT_RUNTIME_CGROUP_PATH_H_
#define MOAT_RUNTIME_CGROUP_PATH_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "runtime/cgroup/hierarchy.h"

namespace moat::runtime::cgroup {

struct CgroupName {
  std::string path;  // cleaned: no "..", ".", doubled or trailing slashes; no leading slash
  bool absolute = false;
};

absl::StatusOr<CgroupName> NameFromCgroupsPath(absl::string_view cgroups_path,
                                               absl::string_view id);
absl::StatusOr<CgroupName> NameFromSystemdPath(absl::string_view cgroups_path,
                                               absl::string_view id);

// "a-b.slice" to "a.slice/a-b.slice"; "-.slice" to "". systemd.slice(5).
absl::StatusOr<std::string> ExpandSlice(absl::string_view slice);

// The directory of `name` in `hierarchy`.
std::string DirectoryIn(const Hierarchy& hierarchy, const CgroupName& name);

// Cleaned as if "/" were the root, so that nothing leads above it; without the leading slash.
std::string CleanPath(absl::string_view path);

}  // namespace moat::runtime::cgroup

#endif  // MOAT_RUNTIME_CGROUP_PATH_H_
