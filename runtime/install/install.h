// Registering moat with Docker and containerd, and taking it back.
#ifndef MOAT_RUNTIME_INSTALL_INSTALL_H_
#define MOAT_RUNTIME_INSTALL_INSTALL_H_

#include <string>

#include "absl/status/status.h"

namespace moat::runtime {

struct InstallOptions {
  std::string runtime_name = "moat";
  std::string docker_config = "/etc/docker/daemon.json";
  std::string containerd_config = "/etc/containerd/config.toml";
  // Named on the command line: edited even where the program does not seem to be installed.
  bool docker_named = false;
  bool containerd_named = false;
  std::string binary;   // absolute
  bool reload = false;  // SIGHUP to a running dockerd
  std::string docker_pid_file = "/var/run/docker.pid";
};

// Each of the two is edited when its directory exists or it was named. What was done is printed, a
// line each. If the second fails, the first is taken back.
absl::Status Install(const InstallOptions& options);
absl::Status Uninstall(const InstallOptions& options);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_INSTALL_INSTALL_H_
