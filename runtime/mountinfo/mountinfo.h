// The lines of /proc/PID/mountinfo (proc_pid_mountinfo(5)).
#ifndef MOAT_RUNTIME_MOUNTINFO_MOUNTINFO_H_
#define MOAT_RUNTIME_MOUNTINFO_MOUNTINFO_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace moat::runtime {

struct MountEntry {
  std::string root;         // of the mount within its file system
  std::string mount_point;  // relative to the process's root
  std::string type;         // of the file system
  std::string super_options;
};

// In the order of the text: a later mount lies over earlier ones. Names are unescaped. Lines that
// are not whole are left out.
std::vector<MountEntry> ParseMountinfo(absl::string_view text);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_MOUNTINFO_MOUNTINFO_H_
