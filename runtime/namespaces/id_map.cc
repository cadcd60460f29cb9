#include "runtime/namespaces/id_map.h"

#include <fcntl.h>

#include "absl/strings/str_cat.h"
#include "runtime/fd/write_file.h"

namespace moat::runtime {
namespace {

absl::Status WriteMap(pid_t pid, const char* file, const char* field,
                      const std::vector<IdMapping>& mappings) {
  absl::Status status =
      WriteFileAt(AT_FDCWD, absl::StrCat("/proc/", pid, "/", file), IdMapText(mappings));
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat("config.json: linux.", field, ": ", status.message()));
}

}  // namespace

std::string IdMapText(const std::vector<IdMapping>& mappings) {
  std::string text;
  for (const IdMapping& row : mappings) {
    absl::StrAppend(&text, row.container_id, " ", row.host_id, " ", row.size, "\n");
  }
  return text;
}

absl::Status WriteIdMaps(pid_t pid, const Linux& config) {
  absl::Status status = WriteMap(pid, "uid_map", "uidMappings", config.uid_mappings);
  if (status.ok()) status = WriteMap(pid, "gid_map", "gidMappings", config.gid_mappings);
  return status;
}

std::optional<uint32_t> ToHostId(const std::vector<IdMapping>& mappings, uint32_t id) {
  for (const IdMapping& row : mappings) {
    if (id >= row.container_id && id - row.container_id < row.size) {
      return row.host_id + (id - row.container_id);
    }
  }
  return std::nullopt;
}

}  // namespace moat::runtime
