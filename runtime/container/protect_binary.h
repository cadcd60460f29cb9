// Keeps a container from reaching the runtime's own file through /proc/PID/exe while the runtime is
// inside the container (CVE-2019-5736).
#ifndef MOAT_RUNTIME_CONTAINER_PROTECT_BINARY_H_
#define MOAT_RUNTIME_CONTAINER_PROTECT_BINARY_H_

#include "absl/status/status.h"

namespace moat::runtime {

// Runs this program again, with the same arguments, from a detached read-only mount of its file, or
// from a sealed copy in memory where that cannot be; returns OK at once when it already runs so.
// Also makes the process undumpable, so that other processes cannot look into it. To be called
// first of all by every command that makes container processes.
absl::Status ProtectBinary();

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_CONTAINER_PROTECT_BINARY_H_
