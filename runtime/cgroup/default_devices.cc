#include "runtime/cgroup/default_devices.h"

#include <cstdint>

namespace moat::runtime::cgroup {

void AddDefaultDevices(Resources* resources) {
  constexpr int64_t kAll = -1;
  struct Row {
    const char* type;
    int64_t major, minor;
    const char* access;
  };
  // Numbers: Documentation/admin-guide/devices.txt.
  static constexpr Row kRows[] = {
      {"c", kAll, kAll, "m"},  {"b", kAll, kAll, "m"},  // mknod
      {"c", 1, 3, "rwm"},      {"c", 1, 5, "rwm"},      // null, zero
      {"c", 1, 7, "rwm"},      {"c", 1, 8, "rwm"},      // full, random
      {"c", 1, 9, "rwm"},      {"c", 5, 0, "rwm"},      // urandom, tty
      {"c", 5, 1, "rwm"},      {"c", 5, 2, "rwm"},      // console, ptmx
      {"c", 136, kAll, "rwm"},                          // ptys
  };
  for (const Row& row : kRows) {
    DeviceRule& rule = resources->devices.emplace_back();
    rule.allow = true;
    rule.type = row.type;
    if (row.major != kAll) rule.major = row.major;
    if (row.minor != kAll) rule.minor = row.minor;
    rule.access = row.access;
  }
}

}  // namespace moat::runtime::cgroup
