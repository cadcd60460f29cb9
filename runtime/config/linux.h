// The "linux" object of config.json. Source: OCI runtime-spec, config-linux.md.
#ifndef MOAT_RUNTIME_CONFIG_LINUX_H_
#define MOAT_RUNTIME_CONFIG_LINUX_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "runtime/config/resources.h"
#include "runtime/config/seccomp.h"

namespace moat::runtime {

struct Namespace {
  std::string type;  // a name of namespace_types.h
  std::string path;  // empty: a new one
};

struct IdMapping {
  uint32_t container_id = 0;
  uint32_t host_id = 0;
  uint32_t size = 0;
};

struct TimeOffset {
  int64_t secs = 0;
  uint32_t nanosecs = 0;
};

// A node to make below the container's /dev.
struct Device {
  std::string path;  // absolute, in the container
  std::string type;  // "c", "u" (= "c"), "b" or "p" (a FIFO)
  int64_t major = 0;
  int64_t minor = 0;
  std::optional<mode_t> file_mode;  // absent: 0666
  std::optional<uint32_t> uid;
  std::optional<uint32_t> gid;
};

struct Linux {
  std::vector<Namespace> namespaces;
  std::vector<IdMapping> uid_mappings;
  std::vector<IdMapping> gid_mappings;
  std::map<std::string, TimeOffset> time_offsets;  // "monotonic", "boottime"
  std::vector<Device> devices;
  std::string cgroups_path;
  std::optional<Resources> resources;
  std::string rootfs_propagation;  // "", "slave", "rslave", "private", "rprivate", "shared", ...
  std::optional<Seccomp> seccomp;
  std::map<std::string, std::string> sysctl;  // "net.ipv4.ip_forward" -> "1"
  std::vector<std::string> masked_paths;
  std::vector<std::string> readonly_paths;
  std::string mount_label;

  // The entry of that type, or null: the container then shares the caller's namespace.
  const Namespace* FindNamespace(absl::string_view type) const {
    for (const Namespace& ns : namespaces) {
      if (ns.type == type) return &ns;
    }
    return nullptr;
  }
};

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_CONFIG_LINUX_H_
