// The flags that `moat install` and `moat uninstall` have in common.
#ifndef MOAT_RUNTIME_VERBS_INSTALL_FLAGS_H_
#define MOAT_RUNTIME_VERBS_INSTALL_FLAGS_H_

#include "runtime/install/install.h"
#include "runtime/verb.h"

namespace moat::runtime {

inline constexpr Flag kRuntimeNameFlag = {"runtime-name", 0, FlagKind::kString,
                                          "name to register under (default: moat)"};
inline constexpr Flag kDockerConfigFlag = {"docker-config", 0, FlagKind::kString,
                                           "default: /etc/docker/daemon.json"};
inline constexpr Flag kContainerdConfigFlag = {"containerd-config", 0, FlagKind::kString,
                                               "default: /etc/containerd/config.toml"};
inline constexpr Flag kReloadFlag = {"reload", 0, FlagKind::kBool,
                                     "tell a running dockerd to read its file again (SIGHUP)"};
inline constexpr Flag kDockerPidFileFlag = {
    "docker-pid-file", 0, FlagKind::kString,
    "where --reload finds it (default: /var/run/docker.pid)"};

inline InstallOptions ReadInstallOptions(const Arguments& arguments) {
  InstallOptions options;
  options.runtime_name = arguments.String("runtime-name", options.runtime_name);
  options.docker_config = arguments.String("docker-config", options.docker_config);
  options.containerd_config = arguments.String("containerd-config", options.containerd_config);
  options.docker_named = arguments.Has("docker-config");
  options.containerd_named = arguments.Has("containerd-config");
  options.docker_pid_file = arguments.String("docker-pid-file", options.docker_pid_file);
  options.reload = arguments.Bool("reload");
  return options;
}

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_VERBS_INSTALL_FLAGS_H_
