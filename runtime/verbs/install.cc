// moat install: registers the runtime with Docker and containerd.
#include <climits>
#include <cstdlib>

#include "runtime/verbs/install_flags.h"
#include "runtime/verbs/verbs.h"

namespace moat::runtime {
namespace {

constexpr Flag kFlags[] = {
    kRuntimeNameFlag,
    kDockerConfigFlag,
    kContainerdConfigFlag,
    {"binary", 0, FlagKind::kString, "the program to register (default: this one)"},
    kReloadFlag,
    kDockerPidFileFlag,
};

absl::StatusOr<int> Run(const Globals&, const Arguments& arguments) {
  InstallOptions options = ReadInstallOptions(arguments);
  char resolved[PATH_MAX] = "";
  const std::string binary = arguments.String("binary", "/proc/self/exe");
  options.binary = ::realpath(binary.c_str(), resolved) != nullptr ? resolved : binary;
  if (absl::Status status = Install(options); !status.ok()) return status;
  return 0;
}

}  // namespace

constinit const Verb kInstallVerb = {.name = "install",
                                     .usage = "",
                                     .summary = "register the runtime with Docker and containerd",
                                     .flags = kFlags,
                                     .run = Run};

}  // namespace moat::runtime
