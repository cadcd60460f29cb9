// From linux.seccomp to a program: the whole of this directory in one call.
#ifndef MOAT_RUNTIME_SECCOMP_COMPILE_H_
#define MOAT_RUNTIME_SECCOMP_COMPILE_H_

#include "absl/status/statusor.h"
#include "runtime/config/seccomp.h"
#include "runtime/seccomp/program.h"

namespace moat::runtime::seccomp {

// Errors name the field. Well below a millisecond for Docker's default profile with three
// architectures.
//
//   absl::StatusOr<Program> program = Compile(*spec.linux_.seccomp);
//   ... in the container's process, after the sentry's filter:  int error = Load(*program);
absl::StatusOr<Program> Compile(const Seccomp& profile);

}  // namespace moat::runtime::seccomp

#endif  // MOAT_RUNTIME_SECCOMP_COMPILE_H_
