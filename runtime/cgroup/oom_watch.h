// Tells when the kernel's out-of-memory killer visits a cgroup. v1: an eventfd registered in
// cgroup.event_control (cgroup-v1/memory.rst section 9); v2: inotify on memory.events.
#ifndef MOAT_RUNTIME_CGROUP_OOM_WATCH_H_
#define MOAT_RUNTIME_CGROUP_OOM_WATCH_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "runtime/cgroup/cgroup.h"

namespace moat::runtime::cgroup {

class OomWatch {
 public:
  // NotFound when the machine has no memory controller.
  static absl::StatusOr<OomWatch> Start(const Cgroup& cgroup);
  OomWatch(OomWatch&& other) noexcept;
  OomWatch& operator=(OomWatch&&) = delete;
  ~OomWatch();

  // Readable when something may have happened; then call Poll().
  int fd() const { return fd_; }

  struct Event {
    bool oom = false;   // the killer came since the last call
    bool gone = false;  // the cgroup was removed: no more events
  };
  Event Poll();

 private:
  OomWatch(const CgroupDir& memory) : memory_(memory) {}
  uint64_t Kills() const;

  CgroupDir memory_;
  int fd_ = -1;
  uint64_t seen_ = 0;  // v2: oom_kill as of the last call
};

}  // namespace moat::runtime::cgroup

#endif  // MOAT_RUNTIME_CGROUP_OOM_WATCH_H_
