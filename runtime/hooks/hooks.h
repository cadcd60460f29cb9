// Runs the programs of config.json's "hooks". OCI runtime-spec, runtime.md, "Lifecycle".
#ifndef MOAT_RUNTIME_HOOKS_HOOKS_H_
#define MOAT_RUNTIME_HOOKS_HOOKS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "runtime/config/hooks.h"

namespace moat::runtime {

// One after the other, each with `state_json` on standard input; the first that fails, or takes
// longer than its timeout, ends it. The error names the hook (`kind`, as "hooks.prestart"), and
// carries the end of what it printed.
absl::Status RunHooks(const std::vector<Hook>& hooks, const std::string& kind,
                      const std::string& state_json);

// The same for hooks whose failure must not stop anything: each is run, failures are logged.
void TryHooks(const std::vector<Hook>& hooks, const std::string& kind,
              const std::string& state_json);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_HOOKS_HOOKS_H_
