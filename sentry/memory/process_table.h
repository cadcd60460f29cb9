// From the thread number of a notification to its process's files: a bounded cache of pidfds.
//
// A pidfd names one process for ever, so a reused number is noticed: using the old pidfd gives
// ESRCH, and a thread number is checked to belong to its cached process (tgkill(2) with signal 0).
#ifndef MOAT_SENTRY_MEMORY_PROCESS_TABLE_H_
#define MOAT_SENTRY_MEMORY_PROCESS_TABLE_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "base/owned_fd.h"
#include "sentry/abi/errno_or.h"
#include "sentry/memory/identity.h"

namespace moat::sentry {

class ProcessTable {
 public:
  static constexpr size_t kMaxProcesses = 256;
  static constexpr size_t kMaxThreads = 4096;

  ProcessTable();

  // The process of thread `tid`, or 0 when it is gone.
  pid_t ProcessOf(pid_t tid);
  // A duplicate of descriptor `descriptor` of `process` (as ProcessOf() returned it). EBADF; ESRCH
  // when the process is gone.
  ErrnoOr<OwnedFd> Duplicate(pid_t process, int descriptor);

  // The user and the groups of a thread, as its own user namespace numbers them. Absent when it is
  // gone.
  std::optional<Identity> IdentityOf(pid_t thread) const;

  // Takes note of how groups are numbered in the user namespace of the process behind `pidfd`: the
  // sandbox's, when asked of its first process before that runs a program.
  void UseGroupsOf(int pidfd);
  // Whether a thread's effective or a supplementary group is one of `low` to `high` in that
  // namespace, whatever namespace the thread has entered since. False when it is gone.
  bool HasGroupWithin(pid_t thread, int64_t low, int64_t high) const;

  // Whether that descriptor is closed on exec; false when it cannot be told.
  bool HasCloseOnExec(pid_t process, int descriptor) const;
  // The same for a thread that does not share its process's descriptors (unshare(2) of CLONE_FILES,
  // or a first thread that has ended). Needs Linux 6.9; EBADF without.
  static ErrnoOr<OwnedFd> DuplicateOfThread(pid_t thread, int descriptor);

  size_t size() const { return processes_.size(); }

 private:
  struct Process {
    OwnedFd pidfd;
    uint64_t last_used = 0;
  };
  pid_t ReadProcessOf(pid_t thread) const;
  // Of /proc/<process>/<name>, at most a bounded part; empty when it cannot be read.
  std::string ReadFile(const std::string& process, const std::string& name) const;
  // uid_map or gid_map: from the numbers of the sentry's user namespace to those of the process's.
  std::string ReadMap(const std::string& process, const char* name) const;
  int PidfdOf(pid_t process);
  void EvictOldest();

  OwnedFd proc_;  // /proc, which may be out of sight later
  std::string group_map_;  // of the sandbox's user namespace
  absl::flat_hash_map<pid_t, Process> processes_;
  absl::flat_hash_map<pid_t, pid_t> threads_;  // only threads that are not their process's first
  uint64_t uses_ = 0;
};

// SO_COOKIE: the kernel's number of a socket, unique and never reused while the machine runs. 0
// when `fd` is not a socket.
uint64_t SocketCookie(int fd);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_MEMORY_PROCESS_TABLE_H_
