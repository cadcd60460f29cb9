// Starting a created container: `moat start`.
#ifndef MOAT_RUNTIME_CONTAINER_START_H_
#define MOAT_RUNTIME_CONTAINER_START_H_

#include <string>

#include "absl/status/status.h"
#include "runtime/state/container_dir.h"
#include "runtime/state/container_state.h"

namespace moat::runtime {

// Returns when the program runs, with the poststart hooks run.
absl::Status StartContainer(const std::string& root, const std::string& id);

// The poststart hooks of the directory's configuration; failures are logged.
void RunPoststartHooks(const ContainerDir& dir, const ContainerState& state);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_CONTAINER_START_H_
