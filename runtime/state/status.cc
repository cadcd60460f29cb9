#include "runtime/state/status.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

namespace moat::runtime {

const char* StatusName(ContainerStatus status) {
  static constexpr const char* kNames[] = {"creating", "created", "running", "paused", "stopped"};
  return kNames[static_cast<int>(status)];
}

absl::StatusOr<cgroup::Cgroup> CgroupOf(const ContainerState& state) {
  if (state.cgroup.empty()) return absl::NotFoundError("the container has no control group");
  const auto json = nlohmann::json::parse(state.cgroup, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return absl::DataLossError("state.json: cgroup: not valid JSON");
  return cgroup::Cgroup::FromJson(json);
}

ContainerStatus FindStatus(const ContainerDir& dir, const ContainerState& state) {
  if (!IsAlive(state.init)) return ContainerStatus::kStopped;
  if (!state.complete) return ContainerStatus::kCreating;
  absl::StatusOr<cgroup::Cgroup> cgroup = CgroupOf(state);
  if (cgroup.ok() && cgroup->Frozen().value_or(false)) return ContainerStatus::kPaused;
  if (access(dir.fifo_path().c_str(), F_OK) == 0) return ContainerStatus::kCreated;
  return ContainerStatus::kRunning;
}

}  // namespace moat::runtime
