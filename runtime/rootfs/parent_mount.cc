#include "runtime/rootfs/parent_mount.h"

#include <climits>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "runtime/config/parse.h"

namespace moat::runtime {
namespace {

constexpr size_t kMountPointField = 4;

// Spaces, tabs, newlines and backslashes are written as octal escapes.
std::string Unescape(absl::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                               (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool Contains(absl::string_view mount_point, absl::string_view path) {
  if (mount_point == "/" || mount_point == path) return true;
  return absl::StartsWith(path, mount_point) && path[mount_point.size()] == '/';
}

}  // namespace

std::string LongestMountPoint(absl::string_view mountinfo, absl::string_view path) {
  std::string best = "/";
  for (absl::string_view line : absl::StrSplit(mountinfo, '\n')) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ');
    if (fields.size() <= kMountPointField) continue;
    std::string mount_point = Unescape(fields[kMountPointField]);
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
