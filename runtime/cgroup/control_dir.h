// One cgroup directory and its control files: small text files where one write(2) is one command.
// cgroups(7); Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst.
#ifndef MOAT_RUNTIME_CGROUP_CONTROL_DIR_H_
#define MOAT_RUNTIME_CGROUP_CONTROL_DIR_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace moat::runtime::cgroup {

class ControlDir {
 public:
  ControlDir() = default;
  explicit ControlDir(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  std::string File(absl::string_view name) const;

  bool Exists() const;
  bool Has(absl::string_view file) const;

  // One open, one write, one close. The error names file and value; its code comes from errno, so a
  // missing file is kNotFound and a busy one kUnavailable or kFailedPrecondition.
  absl::Status Write(absl::string_view file, absl::string_view value) const;
  absl::Status Write(absl::string_view file, int64_t value) const;

  // The whole file, without the trailing newline; at most 4 MiB.
  absl::StatusOr<std::string> Read(absl::string_view file) const;
  // A file that holds one number, or "max" (the largest uint64).
  absl::StatusOr<uint64_t> ReadNumber(absl::string_view file) const;
  // A file of "key value" lines. Lines that are not that are left out.
  absl::StatusOr<std::vector<std::pair<std::string, uint64_t>>> ReadTable(
      absl::string_view file) const;

 private:
  std::string path_;
};

// Like mkdir -p, mode 0755. Says in *existed whether the last component was there before.
absl::Status MakeDirectories(const std::string& path, bool* existed);

// The value of `key` in a table, or `otherwise`.
uint64_t Lookup(const std::vector<std::pair<std::string, uint64_t>>& table, absl::string_view key,
                uint64_t otherwise = 0);

// A limit as the v2 files write it: a negative one is "max".
std::string LimitText(int64_t limit);

}  // namespace moat::runtime::cgroup

#endif  // MOAT_RUNTIME_CGROUP_CONTROL_DIR_H_
