// A compiled filter: classic BPF as seccomp(2) takes it.
#ifndef MOAT_RUNTIME_SECCOMP_PROGRAM_H_
#define MOAT_RUNTIME_SECCOMP_PROGRAM_H_

#include <linux/filter.h>

#include <cstdint>
#include <vector>

namespace moat::runtime::seccomp {

struct Program {
  std::vector<sock_filter> code;  // at most BPF_MAXINSNS
  uint32_t flags = 0;             // SECCOMP_FILTER_FLAG_*
};

// Loads the program into the calling thread. Async-signal-safe. The caller has no_new_privs or
// CAP_SYS_ADMIN in its user namespace, and its filters so far allow seccomp(2). Returns 0 or an
// errno.
int Load(const Program& program);

}  // namespace moat::runtime::seccomp

#endif  // MOAT_RUNTIME_SECCOMP_PROGRAM_H_
