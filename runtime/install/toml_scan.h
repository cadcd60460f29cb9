// As much of TOML 1.0 (toml.io) as it takes to append to a file without breaking it: where the top
// level ends, which tables there are, the integer "version" on top.
#ifndef MOAT_RUNTIME_INSTALL_TOML_SCAN_H_
#define MOAT_RUNTIME_INSTALL_TOML_SCAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace moat::runtime {

struct TomlOutline {
  // The keys of each [table] and [[array of tables]] header: plugins."a.b".c is {"plugins", "a.b",
  // "c"}.
  std::vector<std::vector<std::string>> tables;
  std::optional<int64_t> version;
  bool empty = true;  // nothing but comments and blank lines
};

// InvalidArgument, with the line, for a string or array that does not end, or a header that is
// none. Values are not judged.
absl::StatusOr<TomlOutline> ScanToml(absl::string_view text);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_INSTALL_TOML_SCAN_H_
