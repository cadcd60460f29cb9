#include "runtime/container/start.h"

#include "runtime/config/parse.h"
#include "runtime/hooks/hooks.h"
#include "runtime/init/start_fifo.h"
#include "runtime/state/status.h"

namespace moat::runtime {
namespace {

constexpr int kLockMilliseconds = 10000;

absl::Status CheckStartable(ContainerStatus status) {
  switch (status) {
    case ContainerStatus::kCreated:
      return absl::OkStatus();
    case ContainerStatus::kStopped:
      return absl::FailedPreconditionError("cannot start a container that has stopped");
    case ContainerStatus::kRunning:
      return absl::FailedPreconditionError("cannot start an already running container");
    case ContainerStatus::kPaused:
      return absl::FailedPreconditionError("cannot start a container that is paused");
    case ContainerStatus::kCreating:
      break;
  }
  return absl::FailedPreconditionError("cannot start a container that is being created");
}

}  // namespace

void RunPoststartHooks(const ContainerDir& dir, const ContainerState& state) {
  absl::StatusOr<std::string> text = ReadConfigFile(dir.config_path());
  // Most configurations have none: a look is cheaper than a parse.
  if (!text.ok() || text->find("\"poststart\"") == std::string::npos) return;
  absl::StatusOr<Spec> spec = ParseSpec(*text);
  if (!spec.ok()) return;
  TryHooks(spec->hooks.poststart, "hooks.poststart", HookStateJson(state, "running"));
}

absl::Status StartContainer(const std::string& root, const std::string& id) {
  absl::StatusOr<ContainerDir> dir = ContainerDir::Open(root, id);
  if (!dir.ok()) return dir.status();
  absl::Status status = dir->Lock(kLockMilliseconds);
  if (!status.ok()) return status;
  absl::StatusOr<ContainerState> state = dir->Load();
  if (!state.ok()) return state.status();
  status = CheckStartable(FindStatus(*dir, *state));
  if (status.ok()) status = ReleaseContainer(dir->fifo_path(), state->init);
  if (!status.ok()) return status;
  RunPoststartHooks(*dir, *state);
  return absl::OkStatus();
}

}  // namespace moat::runtime
