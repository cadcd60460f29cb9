// What the runtime remembers of a container between two commands: <root>/<id>/state.json. The
// configuration is kept beside it as it was given (config.json), so that a bundle may change or
// vanish. Names of fields in the file follow runc's where they mean the same.
#ifndef MOAT_RUNTIME_STATE_CONTAINER_STATE_H_
#define MOAT_RUNTIME_STATE_CONTAINER_STATE_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "runtime/state/process_identity.h"

namespace moat::runtime {

// The version of the OCI runtime specification that moat's own output follows.
inline constexpr char kOciVersion[] = "1.0.2";

struct ContainerState {
  std::string id;
  std::string bundle;   // absolute
  std::string rootfs;   // absolute
  std::string created;  // RFC 3339 with nanoseconds
  std::string owner;    // user name or number of who created it
  std::map<std::string, std::string> annotations;

  // False while create is at work: the container counts as "creating".
  bool complete = false;
  ProcessIdentity init;
  ProcessIdentity sentry;

  std::string cgroup;  // JSON of cgroup::Cgroup::ToJson(); empty: none

  // linux.namespaces[network].path, empty when the container's network namespace was made for it.
  std::string network_namespace_path;

  // The container whose sentry serves this one's network too; empty: its own.
  std::string sandbox;
};

std::string SerializeState(const ContainerState& state);
absl::StatusOr<ContainerState> ParseState(absl::string_view json);

// The JSON that hooks get on standard input (OCI runtime-spec, runtime.md, "State"). A zero pid is
// left out.
std::string HookStateJson(const ContainerState& state, absl::string_view status);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_STATE_CONTAINER_STATE_H_
