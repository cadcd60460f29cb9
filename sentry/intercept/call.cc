#include "sentry/intercept/call.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#include "sentry/intercept/listener.h"

namespace moat::sentry {
namespace {

// The number of the installed descriptor, or -1 with errno.
int AddDescriptor(int listener, const seccomp_notif_addfd& request) {
  for (;;) {
    const int result = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &request);
    // EINTR: a signal for us, not for the caller; the request has been taken back.
    if (result >= 0 || errno != EINTR) return result;
  }
}

}  // namespace

bool Call::Valid() const { return listener_->Valid(notification_.id); }

bool Call::nonblocking() const {
  const int flags = fcntl(file_.get(), F_GETFL);
  return flags >= 0 && (flags & O_NONBLOCK) != 0;
}

int Call::InstallAndAnswer(int fd, bool close_on_exec) const {
  seccomp_notif_addfd request{};
  request.id = notification_.id;
  request.flags = SECCOMP_ADDFD_FLAG_SEND;
  request.srcfd = static_cast<uint32_t>(fd);
  request.newfd_flags = close_on_exec ? O_CLOEXEC : 0;
  const int result = AddDescriptor(listener_->fd(), request);
  if (result >= 0) return result;
  return errno == EINPROGRESS ? -ENOENT : -errno;
}

bool Call::Replace(int fd, int target, bool close_on_exec) const {
  seccomp_notif_addfd request{};
  request.id = notification_.id;
  request.flags = SECCOMP_ADDFD_FLAG_SETFD;
  request.srcfd = static_cast<uint32_t>(fd);
  request.newfd = static_cast<uint32_t>(target);
  request.newfd_flags = close_on_exec ? O_CLOEXEC : 0;
  return AddDescriptor(listener_->fd(), request) >= 0;
}

}  // namespace moat::sentry
