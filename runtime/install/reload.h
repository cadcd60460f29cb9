// Tells a running dockerd to read its configuration again.
#ifndef MOAT_RUNTIME_INSTALL_RELOAD_H_
#define MOAT_RUNTIME_INSTALL_RELOAD_H_

#include <string>

#include "absl/status/status.h"

namespace moat::runtime {

// SIGHUP to the process that `pid_file` names, if it is a dockerd. NotFound when none runs.
absl::Status ReloadDocker(const std::string& pid_file);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_INSTALL_RELOAD_H_
