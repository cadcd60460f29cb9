#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/config/sections.h"

namespace moat::runtime {
namespace {

// Which namespace a sysctl belongs to; those of none would change the host.
// Source: kernel Documentation/admin-guide/sysctl; the IPC ones are listed in ipc_namespaces(7).
struct SysctlScope {
  absl::string_view prefix;
  absl::string_view namespace_type;
};
constexpr SysctlScope kSysctlScopes[] = {
    {"net.", "network"},           {"fs.mqueue.", "ipc"},
    {"kernel.msgmax", "ipc"},      {"kernel.msgmnb", "ipc"},
    {"kernel.msgmni", "ipc"},      {"kernel.sem", "ipc"},
    {"kernel.shmall", "ipc"},      {"kernel.shmmax", "ipc"},
    {"kernel.shmmni", "ipc"},      {"kernel.shm_rmid_forced", "ipc"},
    {"kernel.domainname", "uts"},
};

void CheckSysctls(JsonReader& reader, const Linux& config) {
  for (const auto& [name, value] : config.sysctl) {
    const std::string where = absl::StrCat("linux.sysctl[", name, "]");
    if (absl::StrContains(name, "..") || name.empty()) {
      return reader.Fail(where, "is not the name of a kernel parameter");
    }
    std::string dotted = name;  // both "net/ipv4/x" and "net.ipv4.x" are in use
    for (char& c : dotted) c = c == '/' ? '.' : c;
    const SysctlScope* scope = nullptr;
    for (const SysctlScope& row : kSysctlScopes) {
      if (absl::StartsWith(dotted, row.prefix)) scope = &row;
    }
    if (scope == nullptr) {
      return reader.Fail(where, "is not separate per namespace and would change the host");
    }
    if (config.FindNamespace(scope->namespace_type) == nullptr) {
      return reader.Fail(where, absl::StrCat("needs an entry of type \"", scope->namespace_type,
                                             "\" in linux.namespaces"));
    }
  }
}

void CheckUserNamespace(JsonReader& reader, const Linux& config) {
  const Namespace* user = config.FindNamespace("user");
  if (user == nullptr) {
    if (!config.uid_mappings.empty() || !config.gid_mappings.empty()) {
      reader.Fail(config.uid_mappings.empty() ? "linux.gidMappings" : "linux.uidMappings",
                  "needs an entry of type \"user\" in linux.namespaces");
    }
    return;
  }
  if (!user->path.empty()) return;  // the mappings are those of the joined namespace
  if (config.uid_mappings.empty()) {
    reader.Fail("linux.uidMappings", "must not be empty with a new user namespace");
  }
  if (config.gid_mappings.empty()) {
    reader.Fail("linux.gidMappings", "must not be empty with a new user namespace");
  }
}

void CheckNamespaces(JsonReader& reader, const Spec& spec) {
  const Linux& config = spec.linux_;
  if (config.FindNamespace("network") == nullptr) {
    return reader.Fail(
        "linux.namespaces",
        "has no entry of type \"network\": host networking is not supported by moat");
  }
  if (config.FindNamespace("mount") == nullptr) {
    return reader.Fail("linux.namespaces", "must have an entry of type \"mount\"");
  }
  if (!spec.hostname.empty() && config.FindNamespace("uts") == nullptr) {
    return reader.Fail("hostname", "needs an entry of type \"uts\" in linux.namespaces");
  }
  if (!spec.domainname.empty() && config.FindNamespace("uts") == nullptr) {
    return reader.Fail("domainname", "needs an entry of type \"uts\" in linux.namespaces");
  }
  if (!config.time_offsets.empty() && config.FindNamespace("time") == nullptr) {
    return reader.Fail("linux.timeOffsets", "needs an entry of type \"time\" in linux.namespaces");
  }
}

}  // namespace

void CheckSpec(JsonReader& reader, const Spec& spec) {
  if (!absl::StartsWith(spec.oci_version, "1.")) {
    reader.Fail("ociVersion", spec.oci_version.empty()
                                  ? "must not be empty"
                                  : absl::StrCat("\"", spec.oci_version, "\" is not supported"));
  }
  if (spec.root.path.empty()) reader.Fail("root.path", "must not be empty");
  CheckNamespaces(reader, spec);
  CheckUserNamespace(reader, spec.linux_);
  CheckSysctls(reader, spec.linux_);
}

}  // namespace moat::runtime
