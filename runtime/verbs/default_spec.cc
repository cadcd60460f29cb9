#include "runtime/verbs/default_spec.h"

#include "runtime/do/config.h"
#include "runtime/state/container_state.h"

namespace moat::runtime {

using nlohmann::ordered_json;

ordered_json DefaultSpec() {
  // Less than Docker gives: what a program needs to log and to end its children.
  const ordered_json capabilities = {"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"};
  ordered_json spec;
  spec["ociVersion"] = kOciVersion;
  ordered_json& process = spec["process"];
  process["terminal"] = true;
  process["user"] = {{"uid", 0}, {"gid", 0}};
  process["args"] = {"sh"};
  process["env"] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                    "TERM=xterm"};
  process["cwd"] = "/";
  process["capabilities"] = {
      {"bounding", capabilities}, {"effective", capabilities}, {"permitted", capabilities}};
  process["rlimits"] = ordered_json::array(
      {ordered_json{{"type", "RLIMIT_NOFILE"}, {"hard", 1024}, {"soft", 1024}}});
  process["noNewPrivileges"] = true;
  spec["root"] = {{"path", "rootfs"}, {"readonly", true}};
  spec["hostname"] = "moat";
  spec["mounts"] = StandardMounts();
  ordered_json& linux_section = spec["linux"];
  linux_section["resources"] = {
      {"devices", ordered_json::array({ordered_json{{"allow", false}, {"access", "rwm"}}})}};
  linux_section["namespaces"] = ordered_json::array();
  for (const char* type : {"pid", "network", "ipc", "uts", "mount", "cgroup"}) {
    linux_section["namespaces"].push_back({{"type", type}});
  }
  linux_section["maskedPaths"] = StandardMaskedPaths();
  linux_section["readonlyPaths"] = StandardReadonlyPaths();
  return spec;
}

ordered_json RootlessSpec(uid_t uid, gid_t gid) {
  ordered_json spec = DefaultSpec();
  ordered_json& linux_section = spec["linux"];
  linux_section["namespaces"].push_back({{"type", "user"}});
  const auto mapping = [](uint32_t host) {
    return ordered_json::array({ordered_json{{"containerID", 0}, {"hostID", host}, {"size", 1}}});
  };
  linux_section["uidMappings"] = mapping(uid);
  linux_section["gidMappings"] = mapping(gid);
  linux_section.erase("resources");
  for (ordered_json& mount : spec["mounts"]) {
    if (mount["destination"] == "/sys") {
      mount["type"] = "none";
      mount["source"] = "/sys";
      mount["options"] = {"rbind", "nosuid", "noexec", "nodev", "ro"};
    }
    if (!mount.contains("options")) continue;
    ordered_json kept = ordered_json::array();
    for (const ordered_json& option : mount["options"]) {
      if (option != "gid=5") kept.push_back(option);  // not a group of this namespace
    }
    mount["options"] = kept;
  }
  return spec;
}

}  // namespace moat::runtime
