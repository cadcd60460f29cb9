// moat run ID: create and start in one; in the foreground also wait and delete.
#include <sys/wait.h>

#include <optional>

#include "runtime/container/foreground.h"
#include "runtime/container/start.h"
#include "runtime/container/teardown.h"
#include "runtime/hooks/hooks.h"
#include "runtime/log/log.h"
#include "runtime/verbs/create_options.h"

namespace moat::runtime {
namespace {

constexpr Flag kFlags[] = {
    kBundleFlag,
    kConsoleSocketFlag,
    {"detach", 'd', FlagKind::kBool, "end when the program runs"},
    {"keep", 0, FlagKind::kBool, "do not delete the container when it ends"},
    kPidFileFlag,
    {"no-subreaper", 0, FlagKind::kBool, "do not wait for the container's orphans"},
    kNoPivotFlag,
    kNoNewKeyringFlag,
    kPreserveFdsFlag,
};

absl::Status Destroy(CreatedContainer& container) {
  const PoststopHooks hooks = LoadPoststopHooks(container.dir, container.state);
  absl::Status status = DestroyContainer(container.dir, container.state);
  TryHooks(hooks.hooks, "hooks.poststop", hooks.state_json);
  return status;
}

absl::StatusOr<int> RunForeground(CreatedContainer& container, Foreground& foreground, bool keep) {
  absl::StatusOr<int> code =
      foreground.Wait(container.state.init.pid, std::move(container.terminal));
  if (keep) return code;
  absl::Status status = Destroy(container);
  if (!status.ok()) Log(LogLevel::kWarning, status.message());
  return code;
}

absl::StatusOr<int> Run(const Globals& globals, const Arguments& arguments) {
  const bool detach = arguments.Bool("detach");
  absl::StatusOr<CreateOptions> options = ReadCreateOptions(globals, arguments, detach);
  if (!options.ok()) return options.status();
  options->await_start = false;

  std::optional<Foreground> foreground;
  if (!detach) foreground.emplace(!arguments.Bool("no-subreaper"));
  absl::StatusOr<CreatedContainer> container = CreateContainer(*options);
  if (!container.ok()) return container.status();
  absl::Status status = StartThroughChannel(*container);
  if (!status.ok()) {
    absl::Status destroyed = Destroy(*container);
    if (!destroyed.ok()) Log(LogLevel::kWarning, destroyed.message());
    return status;
  }
  RunPoststartHooks(container->dir, container->state);
  if (detach) return 0;
  container->dir.Unlock();  // others may look at it, and delete it, from now on
  return RunForeground(*container, *foreground, arguments.Bool("keep"));
}

}  // namespace

constinit const Verb kRunVerb = {.name = "run",
                                 .usage = "<container-id>",
                                 .summary = "create and run a container",
                                 .flags = kFlags,
                                 .min_words = 1,
                                 .max_words = 1,
                                 .error_prefix = "moat run failed: ",
                                 .run = Run};

}  // namespace moat::runtime
