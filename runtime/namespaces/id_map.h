// linux.uidMappings and gidMappings of a new user namespace. user_namespaces(7).
#ifndef MOAT_RUNTIME_NAMESPACES_ID_MAP_H_
#define MOAT_RUNTIME_NAMESPACES_ID_MAP_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "runtime/config/linux.h"

namespace moat::runtime {

// Writes both maps of the process, which has just been cloned with CLONE_NEWUSER and waits. Needs
// CAP_SETUID and CAP_SETGID in the parent namespace.
absl::Status WriteIdMaps(pid_t pid, const Linux& config);

// The lines of uid_map.
std::string IdMapText(const std::vector<IdMapping>& mappings);

// What `id` inside is outside; nothing when it is not mapped.
std::optional<uint32_t> ToHostId(const std::vector<IdMapping>& mappings, uint32_t id);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_NAMESPACES_ID_MAP_H_
