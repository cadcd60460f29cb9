// The seccomp profile of a container, "linux.seccomp", in the spec's own names ("SCMP_ACT_ERRNO",
// "SCMP_ARCH_X86_64", "SCMP_CMP_EQ"). Source: OCI runtime-spec, config-linux.md, "Seccomp".
// Names are not judged here: runtime/seccomp compiles the profile and knows which exist.
#ifndef MOAT_RUNTIME_CONFIG_SECCOMP_H_
#define MOAT_RUNTIME_CONFIG_SECCOMP_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace moat::runtime {

struct SeccompArg {
  uint32_t index = 0;  // 0..5
  uint64_t value = 0;
  uint64_t value_two = 0;  // only for SCMP_CMP_MASKED_EQ
  std::string op;
};

struct SeccompRule {
  std::vector<std::string> names;  // of system calls; never empty
  std::string action;
  std::optional<uint32_t> errno_ret;  // absent: EPERM
  std::vector<SeccompArg> args;       // all must hold
};

struct Seccomp {
  std::string default_action;
  std::optional<uint32_t> default_errno_ret;
  std::vector<std::string> architectures;
  std::vector<std::string> flags;
  std::string listener_path;
  std::string listener_metadata;
  std::vector<SeccompRule> syscalls;
};

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_CONFIG_SECCOMP_H_
