#include "runtime/rootfs/parent_mount.h"

#include <climits>
#include <cstdlib>

#include "absl/strings/match.h"
#include "runtime/config/parse.h"
#include "runtime/mountinfo/mountinfo.h"

namespace moat::runtime {
namespace {

bool Contains(absl::string_view mount_point, absl::string_view path) {
  if (mount_point == "/" || mount_point == path) return true;
  return absl::StartsWith(path, mount_point) && path[mount_point.size()] == '/';
}

}  // namespace

std::string LongestMountPoint(absl::string_view mountinfo, absl::string_view path) {
  std::string best = "/";
  for (const MountEntry& mount : ParseMountinfo(mountinfo)) {
    const std::string& mount_point = mount.mount_point;
    if (mount_point.size() > best.size() && Contains(mount_point, path)) best = mount_point;
  }
  return best;
}

absl::StatusOr<std::string> MountPointOf(const std::string& path) {
  char real[PATH_MAX];
  if (realpath(path.c_str(), real) == nullptr) return absl::ErrnoToStatus(errno, path);
  absl::StatusOr<std::string> mountinfo = ReadConfigFile("/proc/self/mountinfo");
  if (!mountinfo.ok()) return mountinfo.status();
  return LongestMountPoint(*mountinfo, real);
}

}  // namespace moat::runtime
