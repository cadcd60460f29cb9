// The moatctl command without its process: what main() calls, and tests too.
#ifndef MOAT_CTL_RUN_H_
#define MOAT_CTL_RUN_H_

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace moat::ctl {

// How a sandbox is reached: --root (may be empty) and the id; returns a connected socket.
using Connector =
    std::function<absl::StatusOr<int>(const std::string& root, const std::string& id)>;

// Looks where the runtime keeps its sandboxes.
absl::StatusOr<int> ConnectToSandbox(const std::string& root, const std::string& id);

// Runs one command line (without the program's name). Returns the exit code, as ip(8): 0; 1 for a
// mistake in the command line; 2 for what failed otherwise. Errors are one line on `err`.
int Run(std::vector<std::string> words, const Connector& connect, std::ostream& out,
        std::ostream& err);

}  // namespace moat::ctl

#endif  // MOAT_CTL_RUN_H_
