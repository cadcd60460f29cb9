// moat kill ID [SIGNAL]: sends a signal to the container's first process, or to all.
#include <signal.h>

#include "runtime/state/container_dir.h"
#include "runtime/state/status.h"
#include "runtime/verbs/signal_number.h"
#include "runtime/verbs/verbs.h"

namespace moat::runtime {
namespace {

constexpr Flag kFlags[] = {
    {"all", 'a', FlagKind::kBool, "send the signal to every process of the container"},
};

absl::Status SignalAll(const ContainerState& state, int signal) {
  absl::StatusOr<cgroup::Cgroup> cgroup = CgroupOf(state);
  if (!cgroup.ok() || !cgroup->Exists()) return absl::OkStatus();
  return cgroup->Kill(signal);
}

absl::Status SignalInit(const ContainerState& state, ContainerStatus status, int signal) {
  if (status == ContainerStatus::kStopped || !SignalProcess(state.init, signal)) {
    return absl::FailedPreconditionError("container not running");
  }
  if (signal != SIGKILL || status != ContainerStatus::kPaused) return absl::OkStatus();
  // A frozen process of cgroup v1 does not even die.
  absl::StatusOr<cgroup::Cgroup> cgroup = CgroupOf(state);
  return cgroup.ok() ? cgroup->Thaw() : cgroup.status();
}

absl::StatusOr<int> Run(const Globals& globals, const Arguments& arguments) {
  const std::string word = arguments.words().size() > 1 ? arguments.word(1) : "SIGTERM";
  absl::StatusOr<ContainerDir> dir = ContainerDir::Open(globals.root, arguments.word(0));
  if (!dir.ok()) return dir.status();
  absl::StatusOr<int> signal = SignalNumber(word);
  if (!signal.ok()) return signal.status();
  absl::StatusOr<ContainerState> state = dir->Load();
  if (!state.ok()) return state.status();
  absl::Status status = arguments.Bool("all")
                            ? SignalAll(*state, *signal)
                            : SignalInit(*state, FindStatus(*dir, *state), *signal);
  if (!status.ok()) return status;
  return 0;
}

}  // namespace

constinit const Verb kKillVerb = {.name = "kill",
                                  .usage = "<container-id> [signal]",
                                  .summary = "send a signal (default: SIGTERM) to a container",
                                  .flags = kFlags,
                                  .min_words = 1,
                                  .max_words = 2,
                                  .run = Run};

}  // namespace moat::runtime
