// moat uninstall: takes back what `moat install` did.
#include "runtime/verbs/install_flags.h"
#include "runtime/verbs/verbs.h"

namespace moat::runtime {
namespace {

constexpr Flag kFlags[] = {kRuntimeNameFlag, kDockerConfigFlag, kContainerdConfigFlag, kReloadFlag,
                           kDockerPidFileFlag};

absl::StatusOr<int> Run(const Globals&, const Arguments& arguments) {
  if (absl::Status status = Uninstall(ReadInstallOptions(arguments)); !status.ok()) return status;
  return 0;
}

}  // namespace

constinit const Verb kUninstallVerb = {.name = "uninstall",
                                       .usage = "",
                                       .summary = "take back what install did",
                                       .flags = kFlags,
                                       .run = Run};

}  // namespace moat::runtime
