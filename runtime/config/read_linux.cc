#include <algorithm>

#include "absl/strings/str_cat.h"
#include "runtime/config/namespace_types.h"
#include "runtime/config/sections.h"

namespace moat::runtime {
namespace {

constexpr uint32_t kNanosecondsPerSecond = 1000000000;
constexpr mode_t kAllModeBits = 07777;

void ReadNamespaces(JsonReader& reader, std::vector<Namespace>* out) {
  reader.Array("namespaces", [&](JsonReader& entry) {
    Namespace& ns = out->emplace_back();
    entry.Read("type", &ns.type);
    entry.Read("path", &ns.path);
    if (FindNamespaceType(ns.type) == nullptr) {
      entry.Fail("type", absl::StrCat("\"", ns.type, "\" is not a namespace type"));
    }
    if (!ns.path.empty() && ns.path[0] != '/') entry.Fail("path", "must be an absolute path");
    auto same = [&](const Namespace& other) { return other.type == ns.type; };
    if (std::count_if(out->begin(), out->end(), same) > 1) {
      entry.Fail("type", absl::StrCat("\"", ns.type, "\" appears twice"));
    }
  });
}

void ReadMappings(JsonReader& reader, const char* name, std::vector<IdMapping>* out) {
  reader.Array(name, [&](JsonReader& entry) {
    IdMapping& mapping = out->emplace_back();
    entry.Read("containerID", &mapping.container_id);
    entry.Read("hostID", &mapping.host_id);
    entry.Read("size", &mapping.size);
    if (mapping.size == 0) entry.Fail("size", "must be positive");
  });
}

void ReadTimeOffsets(JsonReader& reader, std::map<std::string, TimeOffset>* out) {
  reader.Members("timeOffsets", [&](JsonReader& entry) {
    TimeOffset& offset = (*out)[entry.key()];
    entry.Read("secs", &offset.secs);
    entry.Read("nanosecs", &offset.nanosecs);
    if (entry.key() != "monotonic" && entry.key() != "boottime") {
      entry.Fail("", "is not a clock that can be offset");
    }
    if (offset.nanosecs >= kNanosecondsPerSecond) {
      entry.Fail("nanosecs", "must be below 1000000000");
    }
  });
}

void ReadDevices(JsonReader& reader, std::vector<Device>* out) {
  reader.Array("devices", [&](JsonReader& entry) {
    Device& device = out->emplace_back();
    entry.Read("path", &device.path);
    entry.Read("type", &device.type);
    entry.Read("major", &device.major);
    entry.Read("minor", &device.minor);
    entry.Read("fileMode", &device.file_mode);
    entry.Read("uid", &device.uid);
    entry.Read("gid", &device.gid);
    if (device.path.empty() || device.path[0] != '/') {
      entry.Fail("path", "must be an absolute path");
    }
    if (device.type != "c" && device.type != "u" && device.type != "b" && device.type != "p") {
      entry.Fail("type", "must be \"c\", \"u\", \"b\" or \"p\"");
    }
    if (device.file_mode && *device.file_mode > kAllModeBits) {
      // Docker passes the whole st_mode of the host's node.
      device.file_mode = *device.file_mode & kAllModeBits;
    }
  });
}

void ReadAbsolutePaths(JsonReader& reader, const char* name, std::vector<std::string>* out) {
  reader.Read(name, out);
  for (size_t i = 0; i < out->size(); ++i) {
    if ((*out)[i].empty() || (*out)[i][0] != '/') {
      reader.Fail(absl::StrCat(name, "[", i, "]"), "must be an absolute path");
    }
  }
}

void CheckPropagation(JsonReader& reader, const std::string& value) {
  static constexpr absl::string_view kValues[] = {"",       "private",  "rprivate", "slave",
                                                  "rslave", "shared",   "rshared",  "unbindable",
                                                  "runbindable"};
  if (std::find(std::begin(kValues), std::end(kValues), value) == std::end(kValues)) {
    reader.Fail("rootfsPropagation", absl::StrCat("\"", value, "\" is not a propagation mode"));
  }
}

}  // namespace

void ReadLinux(JsonReader& reader, Linux* out) {
  ReadNamespaces(reader, &out->namespaces);
  ReadMappings(reader, "uidMappings", &out->uid_mappings);
  ReadMappings(reader, "gidMappings", &out->gid_mappings);
  ReadTimeOffsets(reader, &out->time_offsets);
  ReadDevices(reader, &out->devices);
  reader.Read("cgroupsPath", &out->cgroups_path);
  reader.Object("resources", [&](JsonReader& r) { ReadResources(r, &out->resources.emplace()); });
  reader.Read("rootfsPropagation", &out->rootfs_propagation);
  reader.Object("seccomp", [&](JsonReader& r) { ReadSeccomp(r, &out->seccomp.emplace()); });
  reader.Read("sysctl", &out->sysctl);
  ReadAbsolutePaths(reader, "maskedPaths", &out->masked_paths);
  ReadAbsolutePaths(reader, "readonlyPaths", &out->readonly_paths);
  reader.Read("mountLabel", &out->mount_label);
  CheckPropagation(reader, out->rootfs_propagation);
}

}  // namespace moat::runtime
