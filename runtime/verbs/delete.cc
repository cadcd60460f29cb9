// moat delete ID: removes what a stopped container holds; with --force, whatever state it is in.
#include "absl/strings/str_cat.h"
#include "runtime/container/teardown.h"
#include "runtime/hooks/hooks.h"
#include "runtime/state/status.h"
#include "runtime/verbs/verbs.h"

namespace moat::runtime {
namespace {

constexpr Flag kFlags[] = {
    {"force", 'f', FlagKind::kBool, "kill the container (SIGKILL) if it is still running"},
};

constexpr int kLockMilliseconds = 10000;

absl::Status CheckDeletable(const std::string& id, ContainerStatus status, bool force) {
  // Created: its program has not run, so that nothing is lost.
  if (force || status == ContainerStatus::kStopped || status == ContainerStatus::kCreated) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat("cannot delete container ", id,
                                                    " that is not stopped: ", StatusName(status)));
}

absl::Status Delete(ContainerDir& dir, bool force) {
  absl::StatusOr<ContainerState> state = dir.Load();
  if (state.ok()) {
    absl::Status status = CheckDeletable(dir.id(), FindStatus(dir, *state), force);
    if (!status.ok()) return status;
    // A create that hangs in a hook holds the lock; without its process it fails and lets go.
    if (force) KillProcesses(*state);
  }
  absl::Status status = dir.Lock(kLockMilliseconds);
  if (absl::IsNotFound(status)) return absl::OkStatus();  // another command has removed it
  if (!status.ok() && !force) return status;
  state = dir.Load();
  if (!state.ok()) return force ? DestroyUnknown(dir) : state.status();
  const PoststopHooks hooks = LoadPoststopHooks(dir, *state);
  status = DestroyContainer(dir, *state);
  TryHooks(hooks.hooks, "hooks.poststop", hooks.state_json);
  return status;
}

absl::StatusOr<int> Run(const Globals& globals, const Arguments& arguments) {
  const bool force = arguments.Bool("force");
  absl::StatusOr<ContainerDir> dir = ContainerDir::Open(globals.root, arguments.word(0));
  if (absl::IsNotFound(dir.status()) && force) return 0;
  if (!dir.ok()) return dir.status();
  absl::Status status = Delete(*dir, force);
  if (!status.ok()) return status;
  return 0;
}

}  // namespace

constinit const Verb kDeleteVerb = {.name = "delete",
                                    .usage = "<container-id>",
                                    .summary = "delete what a container holds",
                                    .flags = kFlags,
                                    .min_words = 1,
                                    .max_words = 1,
                                    .run = Run};

}  // namespace moat::runtime
