// moat features: what this runtime can do, as JSON. OCI runtime-spec, features.md and
// features-linux.md.
#include <nlohmann/json.hpp>

#include "runtime/process/capabilities.h"
#include "runtime/seccomp/names.h"
#include "runtime/state/container_state.h"
#include "runtime/verbs/output.h"
#include "runtime/verbs/verbs.h"

namespace moat::runtime {
namespace {

using nlohmann::ordered_json;

ordered_json Linux() {
  ordered_json out;
  out["namespaces"] = {"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"};
  ordered_json capabilities = ordered_json::array();
  for (const char* name : CapabilityNames()) capabilities.push_back(name);
  out["capabilities"] = capabilities;
  // The systemd driver maps slices to directories and makes no units.
  out["cgroup"] = {
      {"v1", true}, {"v2", true}, {"systemd", false}, {"systemdUser", false}, {"rdma", true}};
  // SCMP_ACT_NOTIFY is missing: the sentry is the one listener that a process may have.
  out["seccomp"] = {{"enabled", true},
                    {"actions", seccomp::ActionNames()},
                    {"operators", seccomp::CompareNames()},
                    {"archs", seccomp::ArchitectureNames()},
                    {"knownFlags", seccomp::FlagNames()},
                    {"supportedFlags", seccomp::FlagNames()}};
  out["apparmor"] = {{"enabled", true}};
  out["selinux"] = {{"enabled", true}};
  out["intelRdt"] = {{"enabled", false}};
  return out;
}

absl::StatusOr<int> Run(const Globals&, const Arguments&) {
  ordered_json out;
  out["ociVersionMin"] = "1.0.0";
  out["ociVersionMax"] = kOciVersion;
  out["hooks"] = {"prestart",       "createRuntime", "createContainer",
                  "startContainer", "poststart",     "poststop"};
  out["mountOptions"] = {"async",
                         "atime",
                         "bind",
                         "defaults",
                         "dev",
                         "diratime",
                         "dirsync",
                         "exec",
                         "lazytime",
                         "mand",
                         "noatime",
                         "nodev",
                         "nodiratime",
                         "noexec",
                         "nomand",
                         "norelatime",
                         "nostrictatime",
                         "nosuid",
                         "nosymfollow",
                         "private",
                         "ratime",
                         "rbind",
                         "rdev",
                         "rdiratime",
                         "relatime",
                         "remount",
                         "rexec",
                         "rnoatime",
                         "rnodev",
                         "rnodiratime",
                         "rnoexec",
                         "rnorelatime",
                         "rnostrictatime",
                         "rnosuid",
                         "rnosymfollow",
                         "ro",
                         "rprivate",
                         "rrelatime",
                         "rro",
                         "rrw",
                         "rshared",
                         "rslave",
                         "rstrictatime",
                         "rsuid",
                         "rsymfollow",
                         "runbindable",
                         "rw",
                         "shared",
                         "silent",
                         "slave",
                         "strictatime",
                         "suid",
                         "symfollow",
                         "sync",
                         "tmpcopyup",
                         "unbindable"};
  out["linux"] = Linux();
  out["annotations"] = ordered_json::object();
  if (absl::Status status = PrintOutput(out.dump(2) + "\n"); !status.ok()) return status;
  return 0;
}

}  // namespace

constinit const Verb kFeaturesVerb = {
    .name = "features", .usage = "", .summary = "show what the runtime supports", .run = Run};

}  // namespace moat::runtime
