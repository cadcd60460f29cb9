// What `create` and `run` have in common on the command line.
#ifndef MOAT_RUNTIME_VERBS_CREATE_OPTIONS_H_
#define MOAT_RUNTIME_VERBS_CREATE_OPTIONS_H_

#include "absl/status/statusor.h"
#include "runtime/container/create.h"
#include "runtime/container/protect_binary.h"
#include "runtime/verbs/verbs.h"

namespace moat::runtime {

inline constexpr Flag kBundleFlag = {
    "bundle", 'b', FlagKind::kString, "directory of config.json (default: the working directory)"};
inline constexpr Flag kConsoleSocketFlag = {
    "console-socket", 0, FlagKind::kString, "AF_UNIX socket that gets the terminal's master"};
inline constexpr Flag kPidFileFlag = {"pid-file", 0, FlagKind::kString,
                                      "file to write the process id to"};
inline constexpr Flag kNoPivotFlag = {"no-pivot", 0, FlagKind::kBool,
                                      "chroot instead of pivot_root, for a root in a ramdisk"};
inline constexpr Flag kNoNewKeyringFlag = {"no-new-keyring", 0, FlagKind::kBool,
                                           "keep the caller's session keyring"};
inline constexpr Flag kPreserveFdsFlag = {
    "preserve-fds", 0, FlagKind::kString, "pass that many descriptors from 3 up (default: 0)"};

// Checks that we may make containers at all, and protects our binary, before it reads the
// arguments.
inline absl::StatusOr<CreateOptions> ReadCreateOptions(const Globals& globals,
                                                       const Arguments& arguments, bool detach) {
  if (absl::Status status = CheckPrivileges(); !status.ok()) return status;
  if (absl::Status status = ProtectBinary(); !status.ok()) return status;
  absl::StatusOr<ProcessOptions> process = ReadProcessOptions(arguments, detach);
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
  return options;
}

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_VERBS_CREATE_OPTIONS_H_
