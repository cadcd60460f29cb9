#include "runtime/cgroup/oom_watch.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"

namespace moat::runtime::cgroup {

OomWatch::OomWatch(OomWatch&& other) noexcept
    : memory_(std::move(other.memory_)), fd_(std::exchange(other.fd_, -1)), seen_(other.seen_) {}

OomWatch::~OomWatch() {
  if (fd_ >= 0) ::close(fd_);
}

uint64_t OomWatch::Kills() const {
  const auto events = memory_.dir.ReadTable("memory.events");
  return events.ok() ? Lookup(*events, "oom_kill") : 0;
}

absl::StatusOr<OomWatch> OomWatch::Start(const Cgroup& cgroup) {
  if (const CgroupDir* v1 = cgroup.Find(Version::kV1, "memory")) {
    OomWatch watch(*v1);
    const std::string file = v1->dir.File("memory.oom_control");
    const int control = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (control < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cgroup: open ", file));
    watch.fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    const absl::Status registered =
        v1->dir.Write("cgroup.event_control", absl::StrCat(watch.fd_, " ", control));
    ::close(control);
    if (!registered.ok()) return registered;
    return watch;
  }
  const CgroupDir* v2 = cgroup.Find(Version::kV2, "memory");
  if (v2 == nullptr) return absl::NotFoundError("cgroup: no memory controller");
  OomWatch watch(*v2);
  watch.fd_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  const std::string file = v2->dir.File("memory.events");
  if (watch.fd_ < 0 || ::inotify_add_watch(watch.fd_, file.c_str(), IN_MODIFY) < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cgroup: watch ", file));
  }
  watch.seen_ = watch.Kills();
  return watch;
}

OomWatch::Event OomWatch::Poll() {
  Event event;
  char buffer[4096];
  const ssize_t n = ::read(fd_, buffer, sizeof buffer);
  // The removal of a cgroup is announced as an event too.
  event.gone = !memory_.dir.Exists();
  if (memory_.version == Version::kV1) {
    event.oom = n > 0 && !event.gone;
    return event;
  }
  const uint64_t now = Kills();
  event.oom = now > seen_;
  seen_ = now;
  return event;
}

}  // namespace moat::runtime::cgroup
