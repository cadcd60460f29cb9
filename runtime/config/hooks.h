// Programs that the runtime runs at points of a container's life, with the container's state as
// JSON on standard input. Source: OCI runtime-spec, config.md, "POSIX-platform Hooks".
#ifndef MOAT_RUNTIME_CONFIG_HOOKS_H_
#define MOAT_RUNTIME_CONFIG_HOOKS_H_

#include <optional>
#include <string>
#include <vector>

namespace moat::runtime {

struct Hook {
  std::string path;                // absolute
  std::vector<std::string> args;   // argv, args[0] included; empty: {path}
  std::vector<std::string> env;    // the whole environment
  std::optional<int> timeout;      // seconds, > 0
};

struct Hooks {
  std::vector<Hook> prestart;          // runtime's namespaces, after create made the container's
  std::vector<Hook> create_runtime;    // likewise, after prestart
  std::vector<Hook> create_container;  // container's namespaces, before pivot_root
  std::vector<Hook> start_container;   // container's namespaces and root, before the program
  std::vector<Hook> poststart;         // runtime's namespaces, after start; failures only logged
  std::vector<Hook> poststop;          // runtime's namespaces, after delete; failures only logged

  bool empty() const {
    return prestart.empty() && create_runtime.empty() && create_container.empty() &&
           start_container.empty() && poststart.empty() && poststop.empty();
  }
};

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_CONFIG_HOOKS_H_
