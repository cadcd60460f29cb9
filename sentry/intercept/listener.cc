#include "sentry/intercept/listener.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <cstring>

namespace moat::sentry {
namespace {

// Linux 6.6's additions to seccomp.h, which older headers lack.
constexpr unsigned long kSetFlags = SECCOMP_IOW(4, __u64);
constexpr unsigned long kSyncWakeUp = 1;

bool HungUp(int fd) {
  pollfd poll_fd = {fd, 0, 0};
  return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

}  // namespace

Listener::Listener(OwnedFd fd) : fd_(std::move(fd)) {
  // Best effort: without it calls are only slower.
  ioctl(fd_.get(), kSetFlags, kSyncWakeUp);
}

Listener::Received Listener::Receive(seccomp_notif* call) const {
  std::memset(call, 0, sizeof(*call));
  if (ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_RECV, call) == 0) return Received::kCall;
  // ENOENT is both a call that was taken back and the end of the last process.
  return HungUp(fd_.get()) ? Received::kHangup : Received::kAgain;
}

bool Listener::Valid(uint64_t id) const {
  return ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

bool Listener::Answer(uint64_t id, int64_t result) const {
  seccomp_notif_resp response{};
  response.id = id;
  if (result < 0) {
    response.error = static_cast<int32_t>(result);
  } else {
    response.val = result;
  }
  return Send(response);
}

bool Listener::Continue(uint64_t id) const {
  seccomp_notif_resp response{};
  response.id = id;
  response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  return Send(response);
}

bool Listener::Send(const seccomp_notif_resp& response) const {
  while (ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_SEND, &response) != 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

}  // namespace moat::sentry
