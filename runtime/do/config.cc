#include "runtime/do/config.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/do/do_init.h"

namespace moat::runtime {

using nlohmann::json;

std::vector<std::string> MergeEnvironment(const std::vector<std::string>& environment) {
  std::vector<std::pair<std::string, std::string>> merged;
  for (const std::string& entry : environment) {
    const size_t equals = entry.find('=');
    if (equals == std::string::npos || equals == 0) continue;
    const std::string name = entry.substr(0, equals);
    auto found = std::find_if(merged.begin(), merged.end(),
                              [&](const auto& other) { return other.first == name; });
    if (found == merged.end()) found = merged.insert(merged.end(), {name, ""});
    found->second = entry.substr(equals + 1);
  }
  std::vector<std::string> out;
  for (const auto& [name, value] : merged) out.push_back(absl::StrCat(name, "=", value));
  return out;
}

json StandardMounts() {
  const auto mount = [](const char* destination, const char* type, const char* source,
                        std::vector<std::string> options) {
    return json{{"destination", destination},
                {"type", type},
                {"source", source},
                {"options", std::move(options)}};
  };
  return json::array({
      json{{"destination", "/proc"}, {"type", "proc"}, {"source", "proc"}},
      mount("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}),
      mount("/dev/pts", "devpts", "devpts",
            {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}),
      mount("/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}),
      mount("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}),
      mount("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}),
      mount("/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"}),
  });
}

json StandardMaskedPaths() {
  return {"/proc/acpi",          "/proc/asound",     "/proc/kcore",       "/proc/keys",
          "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
          "/sys/firmware",       "/proc/scsi"};
}

json StandardReadonlyPaths() {
  return {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
}

json DefaultCapabilities() {
  return {"CAP_AUDIT_WRITE", "CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",    "CAP_FSETID",
          "CAP_KILL",        "CAP_MKNOD",   "CAP_NET_BIND_SERVICE", "CAP_NET_RAW",   "CAP_SETFCAP",
          "CAP_SETGID",      "CAP_SETPCAP", "CAP_SETUID",           "CAP_SYS_CHROOT"};
}

json MakeDoConfig(const DoConfig& config) {
  const json capabilities = DefaultCapabilities();
  json out;
  out["ociVersion"] = "1.0.2";
  out["root"] = {{"path", config.root}, {"readonly", config.read_only_root}};
  out["hostname"] = config.hostname;
  out["process"] = {
      {"terminal", config.terminal},
      {"user", {{"uid", 0}, {"gid", 0}}},
      {"args", config.args},
      {"env", MergeEnvironment(config.environment)},
      {"cwd", config.cwd},
      {"capabilities",
       {{"bounding", capabilities}, {"effective", capabilities}, {"permitted", capabilities}}}};
  out["mounts"] = StandardMounts();
  if (!config.init.empty()) {
    json args = {kDoInitPath, kDoInitVerb, "--"};
    for (const std::string& word : config.args) args.push_back(word);
    out["process"]["args"] = args;
    out["mounts"].push_back({{"destination", kDoInitPath},
                             {"type", "bind"},
                             {"source", config.init},
                             {"options", {"bind", "ro", "nosuid", "nodev"}}});
  }
  out["annotations"] = config.annotations;
  json namespaces = json::array();
  for (const char* type : {"pid", "ipc", "uts", "mount"}) namespaces.push_back({{"type", type}});
  namespaces.push_back({{"type", "network"}, {"path", config.network_namespace}});
  json deny = json::object({{"allow", false}, {"access", "rwm"}});
  out["linux"] = {{"namespaces", namespaces},
                  {"cgroupsPath", config.cgroups_path},
                  {"resources", {{"devices", json::array({deny})}}},
                  {"maskedPaths", StandardMaskedPaths()},
                  {"readonlyPaths", StandardReadonlyPaths()}};
  return out;
}

}  // namespace moat::runtime
