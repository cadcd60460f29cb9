#include "runtime/do/overlay.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/mountinfo/mountinfo.h"

namespace moat::runtime {
namespace {

constexpr absl::string_view kOwn[] = {"/proc", "/dev", "/sys"};

bool Below(absl::string_view path, absl::string_view directory) {
  if (directory == "/") return path.size() > 1 && path[0] == '/';
  return absl::StartsWith(path, directory) && path.size() > directory.size() &&
         path[directory.size()] == '/';
}

absl::Status Failed(absl::string_view what, absl::string_view path) {
  return absl::ErrnoToStatus(errno, absl::StrCat("moat do: ", what, " ", path));
}

// The mount options of overlayfs separate by commas and colons; a path with those needs a
// backslash.
std::string EscapeOption(absl::string_view path) {
  std::string out;
  for (char c : path) {
    if (c == ',' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

// One overlay: `lower` seen at `target`, changes in `layer` (made here) on the tmpfs.
absl::Status MountOverlay(const std::string& lower, const std::string& layer,
                          const std::string& target) {
  const std::string upper = layer + ".upper";
  const std::string work = layer + ".work";
  if (::mkdir(upper.c_str(), 0755) != 0) return Failed("mkdir", upper);
  if (::mkdir(work.c_str(), 0755) != 0) return Failed("mkdir", work);
  // The root of an overlay looks like that of its upper layer.
  struct stat st;
  if (::stat(lower.c_str(), &st) == 0) {
    if (::chown(upper.c_str(), st.st_uid, st.st_gid) != 0) return Failed("chown", upper);
    if (::chmod(upper.c_str(), st.st_mode & 07777) != 0) return Failed("chmod", upper);
  }
  const std::string options =
      absl::StrCat("lowerdir=", EscapeOption(lower), ",upperdir=", EscapeOption(upper),
                   ",workdir=", EscapeOption(work));
  if (::mount("overlay", target.c_str(), "overlay", 0, options.c_str()) != 0) {
    return Failed("mount an overlay of", lower);
  }
  return absl::OkStatus();
}

absl::Status BindReadOnly(const std::string& source, const std::string& target) {
  if (::mount(source.c_str(), target.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    return Failed("bind", source);
  }
  // The flags that the mount has already may be locked; keeping them is always allowed.
  constexpr unsigned long kFlags = MS_BIND | MS_REMOUNT | MS_RDONLY;
  for (unsigned long keep : {0ul, static_cast<unsigned long>(MS_NOSUID | MS_NODEV),
                             static_cast<unsigned long>(MS_NOSUID | MS_NODEV | MS_NOEXEC)}) {
    if (::mount(nullptr, target.c_str(), nullptr, kFlags | keep, nullptr) == 0) {
      return absl::OkStatus();
    }
  }
  const absl::Status status = Failed("make read-only", source);
  ::umount2(target.c_str(), MNT_DETACH);
  return status;
}

bool IsDirectory(const std::string& path) {
  struct stat st;
  return ::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
}

}  // namespace

std::vector<HostMount> MountsBelow(absl::string_view mountinfo, const std::string& root) {
  std::vector<HostMount> found;
  for (MountEntry& entry : ParseMountinfo(mountinfo)) {
    HostMount mount{.path = std::move(entry.mount_point), .type = std::move(entry.type)};
    if (!Below(mount.path, root) || mount.type == "autofs" || mount.type == "nsfs") continue;
    const std::string inside = root == "/" ? mount.path : mount.path.substr(root.size());
    const bool own = std::any_of(std::begin(kOwn), std::end(kOwn), [&](absl::string_view path) {
      return inside == path || Below(inside, path);
    });
    if (own) continue;
    // A later mount covers earlier ones at its place and below.
    found.erase(std::remove_if(found.begin(), found.end(),
                               [&](const HostMount& earlier) {
                                 return earlier.path == mount.path ||
                                        Below(earlier.path, mount.path);
                               }),
                found.end());
    found.push_back(std::move(mount));
  }
  return found;
}

absl::StatusOr<std::string> BuildOverlay(const std::string& root, const std::string& directory) {
  std::ifstream file("/proc/self/mountinfo");
  std::ostringstream mountinfo;
  mountinfo << file.rdbuf();
  if (::unshare(CLONE_NEWNS) != 0) return Failed("make a mount namespace for", directory);
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return Failed("make private", "/");
  }
  if (::mount("moat-do", directory.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") != 0) {
    return Failed("mount a tmpfs on", directory);
  }
  const std::string merged = directory + "/root";
  if (::mkdir(merged.c_str(), 0755) != 0) return Failed("mkdir", merged);
  if (absl::Status status = MountOverlay(root, directory + "/0", merged); !status.ok()) {
    return status;
  }
  int layer = 0;
  for (const HostMount& mount : MountsBelow(mountinfo.str(), root)) {
    if (mount.path == directory || Below(mount.path, directory)) continue;
    const std::string inside = root == "/" ? mount.path : mount.path.substr(root.size());
    const std::string target = merged + inside;
    const std::string name = absl::StrCat(directory, "/", ++layer);
    if (IsDirectory(mount.path) && MountOverlay(mount.path, name, target).ok()) continue;
    // What can be neither (its mount point is hidden, say) is not worth failing for.
    BindReadOnly(mount.path, target).IgnoreError();
  }
  return merged;
}

}  // namespace moat::runtime
