// Names of system calls to numbers, for any architecture that a profile may list.
#ifndef MOAT_RUNTIME_SECCOMP_SYSCALLS_H_
#define MOAT_RUNTIME_SECCOMP_SYSCALLS_H_

#include <cstdint>
#include <optional>
#include <string>

namespace moat::runtime::seccomp {

struct SyscallNumbers {
  std::optional<uint32_t> direct;
  // 32-bit x86 also reaches sockets and System V IPC through one call, socketcall(2) or ipc(2),
  // that names the real one in its first argument.
  struct Multiplexed {
    uint32_t number;
    uint32_t first_argument;
  };
  std::optional<Multiplexed> multiplexed;
};

// Neither is set when the architecture has no such call or the name is not known.
SyscallNumbers ResolveSyscall(const std::string& name, uint32_t architecture_token);

}  // namespace moat::runtime::seccomp

#endif  // MOAT_RUNTIME_SECCOMP_SYSCALLS_H_
