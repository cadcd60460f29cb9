// The calls that neither make sockets nor move messages.
#include <errno.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <vector>

#include "sentry/abi/bytes.h"
#include "sentry/abi/sockaddr.h"
#include "sentry/calls/handlers.h"
#include "sentry/memory/remote_transfer.h"
#include "sentry/options/options.h"

namespace moat::sentry {
namespace {

struct Name {
  std::array<uint8_t, kMaxSockaddr> bytes;
  size_t size = 0;
  std::span<const uint8_t> span() const { return {bytes.data(), size}; }
};

// The socket address in arguments 1 and 2. 0 or an errno.
int ReadName(const Call& call, Name* name) {
  auto length = CheckSockaddrLength(call.int_argument(2));
  if (!length.ok()) return length.error();
  name->size = *length;
  return call.memory().Read(call.argument(1), {name->bytes.data(), name->size}) ? 0 : EFAULT;
}

Reply ServeName(ContainerSocket& socket, Call& call, bool peer) {
  int32_t length = 0;
  if (!call.memory().ReadValue(call.argument(2), &length)) return Reply::Fail(EFAULT);
  if (!call.Valid()) return Reply::Nobody();
  auto name = socket.Name(peer);
  if (!name.ok()) return Reply::Fail(name.error());
  if (length < 0) return Reply::Fail(EINVAL);
  const size_t copied = std::min(static_cast<size_t>(length), name->size());
  const int32_t full = static_cast<int32_t>(name->size());
  RemoteTransfer transfer(call.memory(), RemoteTransfer::Direction::kWrite);
  transfer.Write(call.argument(1), {name->data(), copied});
  transfer.Write(call.argument(2), BytesOf(full));
  return transfer.Commit() ? Reply::Value(0) : Reply::Fail(EFAULT);
}

}  // namespace

Reply ServeBind(ContainerSocket& socket, Call& call) {
  Name name;
  if (int error = ReadName(call, &name); error != 0) return Reply::Fail(error);
  if (!call.Valid()) return Reply::Nobody();
  return socket.Bind(call, name.span());
}

Reply ServeConnect(ContainerSocket& socket, Call& call) {
  Name name;
  if (int error = ReadName(call, &name); error != 0) return Reply::Fail(error);
  if (!call.Valid()) return Reply::Nobody();
  return socket.Connect(call, name.span());
}

Reply ServeListen(ContainerSocket& socket, Call& call) {
  if (!call.Valid()) return Reply::Nobody();
  return socket.Listen(call, call.int_argument(1));
}

Reply ServeAccept(ContainerSocket& socket, Call& call) { return socket.Accept(call, 0); }

Reply ServeAccept4(ContainerSocket& socket, Call& call) {
  return socket.Accept(call, call.int_argument(3));
}

Reply ServeShutdown(ContainerSocket& socket, Call& call) {
  if (!call.Valid()) return Reply::Nobody();
  return socket.Shutdown(call, call.int_argument(1));
}

Reply ServeGetSockName(ContainerSocket& socket, Call& call) {
  return ServeName(socket, call, false);
}

Reply ServeGetPeerName(ContainerSocket& socket, Call& call) {
  return ServeName(socket, call, true);
}

Reply ServeGetSockOpt(ContainerSocket& socket, Call& call) {
  return socket.GetOption(call, call.int_argument(1), call.int_argument(2), call.argument(3),
                          call.argument(4));
}

Reply ServeSetSockOpt(ContainerSocket& socket, Call& call) {
  const int32_t length = call.int_argument(4);
  if (length < 0) return Reply::Fail(EINVAL);
  std::array<uint8_t, kMaxOptionInput> value;
  size_t size = std::min(static_cast<size_t>(length), value.size());
  // Unreadable bytes are an error only for an option that wants them: what can be read of them.
  while (size > 0 && !call.memory().Read(call.argument(3), {value.data(), size})) size /= 2;
  if (!call.Valid()) return Reply::Nobody();
  return socket.SetOption(call, call.int_argument(1), call.int_argument(2), length,
                          {value.data(), size});
}

Reply ServeIoctl(ContainerSocket& socket, Call& call) {
  return socket.Ioctl(call, static_cast<uint32_t>(call.argument(1)), call.argument(2));
}

}  // namespace moat::sentry
