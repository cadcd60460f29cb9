// A process that is still the same one: a pid alone may be reused, a pid with its start time is
// not.
#ifndef MOAT_RUNTIME_STATE_PROCESS_IDENTITY_H_
#define MOAT_RUNTIME_STATE_PROCESS_IDENTITY_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace moat::runtime {

struct ProcessIdentity {
  pid_t pid = 0;            // 0: none
  uint64_t start_time = 0;  // clock ticks since boot, field 22 of /proc/PID/stat (proc(5))
};

// What /proc/PID/stat says of a process.
struct ProcessStat {
  char state = 0;  // 'R', 'S', ..., 'Z', 'X'
  uint64_t start_time = 0;
};
std::optional<ProcessStat> ParseProcessStat(absl::string_view stat);
std::optional<ProcessStat> ReadProcessStat(pid_t pid);

// The identity of a process that exists now; start_time 0 when it does not.
ProcessIdentity IdentifyProcess(pid_t pid);

// Still there and not a zombie.
bool IsAlive(const ProcessIdentity& process);

// A pidfd of exactly that process, or -1 when it is gone. Owned by the caller, CLOEXEC.
int OpenProcess(const ProcessIdentity& process);

// Sends `signal` to exactly that process. False when it is gone; errno otherwise is
// pidfd_send_signal's.
bool SignalProcess(const ProcessIdentity& process, int signal);

// SIGKILL, then waits at most `milliseconds` until it is gone. True when it is.
bool KillAndWait(const ProcessIdentity& process, int milliseconds);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_STATE_PROCESS_IDENTITY_H_
