// moat create ID: makes a container that waits for start.
#include "runtime/verbs/create_options.h"

namespace moat::runtime {
namespace {

constexpr Flag kFlags[] = {
    kBundleFlag,
    kConsoleSocketFlag,
    kPidFileFlag,
    kNoPivotFlag,
    kNoNewKeyringFlag,
    kPreserveFdsFlag,
};

absl::StatusOr<int> Run(const Globals& globals, const Arguments& arguments) {
  absl::StatusOr<CreateOptions> options = ReadCreateOptions(globals, arguments, /*detach=*/true);
  if (!options.ok()) return options.status();
  absl::StatusOr<CreatedContainer> container = CreateContainer(*options);
  // As runc: whatever the reason, even a missing program.
  if (!container.ok()) return WithExitCode(container.status(), 1);
  return 0;
}

}  // namespace

constinit const Verb kCreateVerb = {.name = "create",
                                    .usage = "<container-id>",
                                    .summary = "create a container",
                                    .flags = kFlags,
                                    .min_words = 1,
                                    .max_words = 1,
                                    .error_prefix = "moat create failed: ",
                                    .run = Run};

}  // namespace moat::runtime
