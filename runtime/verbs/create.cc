// moat create ID: makes a container that waits for start.
#include "runtime/container/create.h"
#include "runtime/container/protect_binary.h"
#include "runtime/verbs/verbs.h"

namespace moat::runtime {
namespace {

constexpr Flag kFlags[] = {
    {"bundle", 'b', FlagKind::kString, "directory of config.json (default: the working directory)"},
    {"console-socket", 0, FlagKind::kString, "AF_UNIX socket that gets the terminal's master"},
    {"pid-file", 0, FlagKind::kString, "file to write the process id to"},
    {"no-pivot", 0, FlagKind::kBool, "chroot instead of pivot_root, for a root in a ramdisk"},
    {"no-new-keyring", 0, FlagKind::kBool, "keep the caller's session keyring"},
    {"preserve-fds", 0, FlagKind::kString, "pass that many descriptors from 3 up (default: 0)"},
};

absl::StatusOr<int> Run(const Globals& globals, const Arguments& arguments) {
  absl::Status status = CheckPrivileges();
  if (status.ok()) status = ProtectBinary();
  if (!status.ok()) return status;
  absl::StatusOr<ProcessOptions> process = ReadProcessOptions(arguments, /*detach=*/true);
  if (!process.ok()) return process.status();
  CreateOptions options;
  options.root = globals.root;
  options.id = arguments.word(0);
  options.bundle = arguments.String("bundle");
  options.process = *std::move(process);
  options.systemd_cgroup = globals.systemd_cgroup;
  options.no_pivot = arguments.Bool("no-pivot");
  options.no_new_keyring = arguments.Bool("no-new-keyring");
  options.debug = globals.debug;
  absl::StatusOr<CreatedContainer> container = CreateContainer(options);
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
