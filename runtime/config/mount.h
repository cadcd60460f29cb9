// The root file system and the mounts of a container. Source: OCI runtime-spec, config.md, "Root"
// and "Mounts". Option words are kept as written; runtime/rootfs turns them into flags.
#ifndef MOAT_RUNTIME_CONFIG_MOUNT_H_
#define MOAT_RUNTIME_CONFIG_MOUNT_H_

#include <string>
#include <vector>

namespace moat::runtime {

struct Root {
  std::string path;  // absolute, or relative to the bundle
  bool readonly = false;
};

struct Mount {
  std::string destination;  // inside the container
  std::string type;
  std::string source;
  std::vector<std::string> options;
};

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_CONFIG_MOUNT_H_
