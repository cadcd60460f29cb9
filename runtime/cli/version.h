// What `moat --version` prints, in the form that callers of runc parse.
#ifndef MOAT_RUNTIME_CLI_VERSION_H_
#define MOAT_RUNTIME_CLI_VERSION_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "runtime/state/container_state.h"

namespace moat::runtime {

inline constexpr char kMoatVersion[] = "0.1.0";

inline std::string VersionText() {
  return absl::StrCat("moat version ", kMoatVersion, "\nspec: ", kOciVersion, "\n");
}

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_CLI_VERSION_H_
