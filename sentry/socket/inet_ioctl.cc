// ioctl(2) on inet and packet sockets: queue sizes are answered here, interface requests by ioctl/.
#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <optional>

#include "sentry/sandbox.h"
#include "sentry/socket/datagram_container_socket.h"
#include "sentry/socket/packet_container_socket.h"
#include "sentry/socket/tcp_container_socket.h"

namespace moat::sentry {
namespace {

Reply WriteInt(const Call& call, uint64_t address, int value) {
  if (!call.Valid()) return Reply::Nobody();
  return call.memory().WriteValue(address, value) ? Reply::Value(0) : Reply::Fail(EFAULT);
}

// The size of the next datagram, not of all that wait.
Reply WriteNextSize(const Call& call, uint64_t address) {
  const ssize_t size = recv(call.file(), nullptr, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
  return WriteInt(call, address, size > 0 ? static_cast<int>(size) : 0);
}

int NativeInt(int file, unsigned long request) {
  int value = 0;
  return ioctl(file, request, &value) == 0 ? value : 0;
}

// Whether the next octet to be read is the last of the urgent data. What the program has not read
// lies in the pair, behind what the stack has.
bool AtMark(const netstack::TcpSocket& tcp, int file) {
  const std::optional<int32_t> end = tcp.UrgentEnd();
  return end.has_value() && *end + NativeInt(file, FIONREAD) == 1;
}

}  // namespace

Reply TcpContainerSocket::Ioctl(Call& call, uint32_t request, uint64_t argument) {
  switch (request) {
    case FIONREAD:
      if (state_ == State::kListening) return Reply::Fail(EINVAL);
      if (state_ == State::kDirect) return Reply::Continue();
      return WriteInt(call, argument,
                      NativeInt(call.file(), FIONREAD) + static_cast<int>(tcp_->ReadableBytes()));
    case SIOCOUTQ:
      if (state_ == State::kListening) return Reply::Fail(EINVAL);
      if (state_ == State::kDirect) return Reply::Continue();
      return WriteInt(call, argument,
                      static_cast<int>(tcp_->UnackedBytes()) +
                          (end_.ok() ? NativeInt(end_.get(), FIONREAD) : 0));
    case SIOCOUTQNSD:
      if (state_ == State::kListening) return Reply::Fail(EINVAL);
      return WriteInt(call, argument, static_cast<int>(tcp_->UnsentBytes()));
    case SIOCATMARK: return WriteInt(call, argument, AtMark(*tcp_, call.file()) ? 1 : 0);
    default: return sandbox_.InterfaceIoctl(call, request, argument);
  }
}

Reply DatagramContainerSocket::Ioctl(Call& call, uint32_t request, uint64_t argument) {
  switch (request) {
    case FIONREAD: return WriteNextSize(call, argument);
    case SIOCOUTQ: return WriteInt(call, argument, 0);
    default: return sandbox_.InterfaceIoctl(call, request, argument);
  }
}

Reply PacketContainerSocket::Ioctl(Call& call, uint32_t request, uint64_t argument) {
  switch (request) {
    case FIONREAD: return WriteNextSize(call, argument);
    case SIOCOUTQ: return WriteInt(call, argument, 0);
    default: return sandbox_.InterfaceIoctl(call, request, argument);
  }
}

}  // namespace moat::sentry
