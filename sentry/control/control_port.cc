#include "sentry/control/control_port.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sentry/base/log.h"

namespace moat::sentry {

ControlPort::ControlPort(ControlServer::Options options, StackAccess* stack, EventLoop& loop,
                         absl::Mutex& lock, OwnedFd listener)
    : loop_(loop),
      lock_(lock),
      listener_(std::move(listener)),
      spare_(fcntl(listener_.get(), F_DUPFD_CLOEXEC, 0)),
      token_(loop.Add(listener_.get(), EPOLLIN, this)),
      server_(std::move(options), stack) {}

ControlPort::~ControlPort() {
  absl::MutexLock lock(&lock_);
  loop_.Remove(token_);
}

void ControlPort::OnEvents(uint32_t) {
  while (AcceptOne()) {
  }
}

bool ControlPort::AcceptOne() {
  const int fd = accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd >= 0) {
    if (absl::Status status = server_.OnConnection(fd); !status.ok()) {
      Log(LogLevel::kWarn, absl::StrCat("control connection refused: ", status.message()));
    }
    return true;
  }
  if (errno == ECONNABORTED || errno == EINTR) return true;
  if ((errno == EMFILE || errno == ENFILE) && spare_.ok()) {
    spare_.reset();
    const OwnedFd refused(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    Log(LogLevel::kWarn, "control connection refused: no descriptor left");
  }
  if (!spare_.ok()) spare_.reset(fcntl(listener_.get(), F_DUPFD_CLOEXEC, 0));
  return false;
}

}  // namespace moat::sentry
