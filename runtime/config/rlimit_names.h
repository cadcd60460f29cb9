// The spec's names of resource limits and the kernel's numbers. Source: getrlimit(2).
#ifndef MOAT_RUNTIME_CONFIG_RLIMIT_NAMES_H_
#define MOAT_RUNTIME_CONFIG_RLIMIT_NAMES_H_

#include <optional>

#include "absl/strings/string_view.h"

namespace moat::runtime {

// RLIMIT_NOFILE of "RLIMIT_NOFILE"; nothing for an unknown name.
std::optional<int> RlimitNumber(absl::string_view name);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_CONFIG_RLIMIT_NAMES_H_
