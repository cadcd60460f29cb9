// The words of linux.seccomp: actions, architectures, comparisons, flags. One table each.
// Source: OCI runtime-spec, config-linux.md, "Seccomp"; seccomp(2).
#ifndef MOAT_RUNTIME_SECCOMP_NAMES_H_
#define MOAT_RUNTIME_SECCOMP_NAMES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace moat::runtime::seccomp {

// The filter's return value for an action; `errno_ret` counts for SCMP_ACT_ERRNO and SCMP_ACT_TRACE
// (absent: EPERM). Unimplemented for SCMP_ACT_NOTIFY: the one listener that a process may have is
// the sentry's. `field` begins the error.
absl::StatusOr<uint32_t> ActionFromName(absl::string_view name, std::optional<uint32_t> errno_ret,
                                        absl::string_view field);

struct Architecture {
  const char* name;  // "SCMP_ARCH_X86_64"
  uint32_t token;    // libseccomp's SCMP_ARCH_*
  uint32_t audit;    // what seccomp_data.arch holds
};
absl::StatusOr<Architecture> ArchitectureFromName(absl::string_view name);
const Architecture& NativeArchitecture();

enum class Compare { kNe, kLt, kLe, kEq, kGe, kGt, kMaskedEq };
absl::StatusOr<Compare> CompareFromName(absl::string_view name, absl::string_view field);

// SECCOMP_FILTER_FLAG_* bits. None given: SPEC_ALLOW, as runc does.
absl::StatusOr<uint32_t> FlagsFromNames(const std::vector<std::string>& names);

// For `moat features`.
std::vector<std::string> ActionNames();
std::vector<std::string> ArchitectureNames();
std::vector<std::string> CompareNames();
std::vector<std::string> FlagNames();

}  // namespace moat::runtime::seccomp

#endif  // MOAT_RUNTIME_SECCOMP_NAMES_H_
