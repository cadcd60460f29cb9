#include "runtime/seccomp/program.h"

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace moat::runtime::seccomp {

int Load(const Program& program) {
  sock_fprog native{};
  native.len = static_cast<unsigned short>(program.code.size());
  native.filter = const_cast<sock_filter*>(program.code.data());
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, program.flags, &native) == 0) return 0;
  // SPEC_ALLOW (4.17) is only about speed.
  const uint32_t fewer = program.flags & ~static_cast<uint32_t>(SECCOMP_FILTER_FLAG_SPEC_ALLOW);
  if (errno != EINVAL || fewer == program.flags) return errno;
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, fewer, &native) == 0 ? 0 : errno;
}

}  // namespace moat::runtime::seccomp
