#include "runtime/state/container_state.h"

#include <nlohmann/json.hpp>

#include "runtime/config/json_reader.h"

namespace moat::runtime {

using nlohmann::ordered_json;

std::string SerializeState(const ContainerState& state) {
  ordered_json out;
  out["id"] = state.id;
  out["bundle"] = state.bundle;
  out["rootfs"] = state.rootfs;
  out["created"] = state.created;
  out["owner"] = state.owner;
  out["annotations"] = state.annotations;
  out["complete"] = state.complete;
  out["init_process_pid"] = state.init.pid;
  out["init_process_start"] = state.init.start_time;
  out["sentry_pid"] = state.sentry.pid;
  out["sentry_start"] = state.sentry.start_time;
  if (!state.cgroup.empty()) {
    out["cgroup"] = ordered_json::parse(state.cgroup, nullptr, /*allow_exceptions=*/false);
  }
  out["network_namespace_path"] = state.network_namespace_path;
  if (!state.sandbox.empty()) out["sandbox"] = state.sandbox;
  return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

absl::StatusOr<ContainerState> ParseState(absl::string_view json) {
  absl::StatusOr<nlohmann::json> tree = ParseJson(json, "state.json");
  if (!tree.ok()) return tree.status();
  ContainerState state;
  absl::Status status;
  JsonReader reader(*tree, "state.json", &status);
  reader.Read("id", &state.id);
  reader.Read("bundle", &state.bundle);
  reader.Read("rootfs", &state.rootfs);
  reader.Read("created", &state.created);
  reader.Read("owner", &state.owner);
  reader.Read("annotations", &state.annotations);
  reader.Read("complete", &state.complete);
  reader.Read("init_process_pid", &state.init.pid);
  reader.Read("init_process_start", &state.init.start_time);
  reader.Read("sentry_pid", &state.sentry.pid);
  reader.Read("sentry_start", &state.sentry.start_time);
  if (reader.Has("cgroup")) state.cgroup = (*tree)["cgroup"].dump();
  reader.Read("network_namespace_path", &state.network_namespace_path);
  reader.Read("sandbox", &state.sandbox);
  if (state.id.empty()) reader.Fail("id", "must not be empty");
  if (!status.ok()) return status;
  return state;
}

std::string HookStateJson(const ContainerState& state, absl::string_view status) {
  ordered_json out;
  out["ociVersion"] = kOciVersion;
  out["id"] = state.id;
  out["status"] = std::string(status);
  if (state.init.pid != 0) out["pid"] = state.init.pid;
  out["bundle"] = state.bundle;
  if (!state.annotations.empty()) out["annotations"] = state.annotations;
  return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace moat::runtime
