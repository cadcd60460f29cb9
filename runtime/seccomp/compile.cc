#include "runtime/seccomp/compile.h"

#include <linux/bpf_common.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/seccomp/generate.h"
#include "runtime/seccomp/names.h"
#include "runtime/seccomp/policy.h"

namespace moat::runtime::seccomp {

absl::StatusOr<Program> Compile(const Seccomp& profile) {
  const absl::StatusOr<uint32_t> flags = FlagsFromNames(profile.flags);
  if (!flags.ok()) return flags.status();
  const absl::StatusOr<Policy> policy = MakePolicy(profile);
  if (!policy.ok()) return policy.status();
  Program program{.code = Generate(*policy), .flags = *flags};
  if (program.code.size() > BPF_MAXINSNS) {
    return absl::InvalidArgumentError(
        absl::StrCat("linux.seccomp: the profile is too large: ", program.code.size(),
                     " instructions, the kernel takes ", BPF_MAXINSNS));
  }
  return program;
}

}  // namespace moat::runtime::seccomp
