// The kernel's socket calls, or those of whoever intercepts them.
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "conform/agent/agent.h"
#include "conform/agent/socket_options.h"

namespace moat::conform {
namespace {

constexpr int kFlags = SOCK_NONBLOCK | SOCK_CLOEXEC;

int Open(int family, int type, int protocol) { return socket(family, type | kFlags, protocol); }

int Accept(int id) { return accept4(id, nullptr, nullptr, kFlags); }

// The standard streams are the agent's own.
int Close(int id) {
  if (id > STDERR_FILENO) return close(id);
  errno = EBADF;
  return -1;
}

}  // namespace

const SocketCalls& KernelSockets() {
  static constexpr SocketCalls kCalls = {
      .open = Open,
      .bind = ::bind,
      .connect = ::connect,
      .listen = ::listen,
      .accept = Accept,
      .sendto = ::sendto,
      .recvfrom = ::recvfrom,
      .shutdown = ::shutdown,
      .close = Close,
      .setsockopt = ::setsockopt,
      .getsockopt = ::getsockopt,
      .getsockname = ::getsockname,
      .interface_of = InterfaceOf,
      .set_filter = SetGroupFilter,
  };
  return kCalls;
}

}  // namespace moat::conform
