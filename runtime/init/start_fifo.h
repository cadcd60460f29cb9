// How `moat start` releases a created container: <root>/<id>/exec.fifo.
//
// The container's first process opens the FIFO for writing, which blocks until `start` opens it for
// reading. It then writes "0", and keeps the end open until execve closes it (CLOEXEC): the end of
// file tells `start` that the program runs. Anything after the "0" is the reason why it does not.
#ifndef MOAT_RUNTIME_INIT_START_FIFO_H_
#define MOAT_RUNTIME_INIT_START_FIFO_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/owned_fd.h"
#include "runtime/state/process_identity.h"

namespace moat::runtime {

// Makes the FIFO. `owner` and `group` are the ids outside that are root inside. Returns it as
// O_PATH.
absl::StatusOr<OwnedFd> MakeStartFifo(const std::string& path, uid_t owner, gid_t group);

// In the container's process. `self_fd` is its /proc/self in a procfs that shows it, `fifo_fd` the
// O_PATH descriptor. Waits without limit; a `start` that dies half way is as if it had not been.
absl::StatusOr<OwnedFd> WaitForStart(int self_fd, int fifo_fd);

void ReportStartFailure(int fifo, const absl::Status& status);

// In `start`: removes the FIFO, which makes the container "running", releases the process and waits
// until its program runs. The error is the process's own, with its exit code.
absl::Status ReleaseContainer(const std::string& path, const ProcessIdentity& init);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_INIT_START_FIFO_H_
