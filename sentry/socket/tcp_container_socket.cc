#include "sentry/socket/tcp_container_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <utility>

#include "sentry/abi/errno_map.h"
#include "sentry/sandbox.h"
#include "sentry/socket/inet_socket.h"
#include "sentry/socket/local_listeners.h"
#include "sentry/socket/reaper.h"

namespace moat::sentry {

using netstack::Endpoint;
using netstack::Error;
using netstack::ShutdownHow;
namespace ready = netstack::ready;

TcpContainerSocket::TcpContainerSocket(Sandbox& sandbox, int domain,
                                       std::unique_ptr<netstack::TcpSocket> handle, State state)
    : ContainerSocket(sandbox, domain, SOCK_STREAM, IPPROTO_TCP),
      tcp_(std::move(handle)),
      state_(state) {
  tcp_->SetObserver(this);
}

TcpContainerSocket::~TcpContainerSocket() {
  if (state_ == State::kListening) StopListening();
  tcp_->SetObserver(nullptr);
  sandbox_.answers().Answered(answer_);
}

AddressRules TcpContainerSocket::Rules() const {
  return {SocketKind::kTcp, family(), tcp_->options().v6_only, tcp_->options().bound_device};
}

Reply TcpContainerSocket::Bind(Call& call, std::span<const uint8_t> name) {
  auto address = DecodeSockaddr(name, AddressUse::kBind, Rules());
  if (!address.ok()) return Reply::Fail(address.error());
  if (!MayBind(sandbox_, call.tid(), address->endpoint.port)) return Reply::Fail(EACCES);
  if (state_ != State::kFresh) return Reply::Fail(EINVAL);
  Error error = tcp_->Bind(address->endpoint);
  if (error == Error::kAddressInUse) {
    // Perhaps by a socket that has just been closed.
    sandbox_.FindClosed();
    error = tcp_->Bind(address->endpoint);
  }
  return Reply::Value(-ToErrno(error));
}

ErrnoOr<std::vector<uint8_t>> TcpContainerSocket::Name(bool peer) {
  Endpoint endpoint;
  if (state_ == State::kDirect) {
    endpoint = peer ? direct_->remote : direct_->local;
  } else if (peer) {
    auto remote = tcp_->Remote();
    if (!remote.ok() || state_ == State::kConnecting) return Errno{ENOTCONN};
    endpoint = *remote;
  } else {
    endpoint = tcp_->Local();
  }
  const EncodedAddress encoded = EncodeSockaddr(endpoint, family());
  return std::vector<uint8_t>(encoded.span().begin(), encoded.span().end());
}

Reply TcpContainerSocket::Shutdown(Call& call, int how) {
  if (how < SHUT_RD || how > SHUT_RDWR) return Reply::Fail(EINVAL);
  const bool read = how != SHUT_WR;
  const bool write = how != SHUT_RD;
  switch (state_) {
    case State::kFresh:
    case State::kDead: return Reply::Fail(ENOTCONN);
    case State::kListening:
      // Linux: only the reading side counts, and it stops the listener.
      if (read) {
        StopListening();
        (void)tcp_->Shutdown(ShutdownHow::kRead);
        state_ = State::kFresh;
        sandbox_.Retry(this);
        shutdown(call.file(), SHUT_RDWR);
      }
      return Reply::Value(0);
    case State::kConnecting:
      // RFC 9293 3.10.4: in SYN-RECEIVED the end of the stream follows when the connection stands.
      if (!read && tcp_->state() == netstack::TcpState::kSynReceived) {
        container_shut_write_ = true;
        shutdown(call.file(), how);
        return Reply::Value(0);
      }
      (void)tcp_->Disconnect();
      OnConnectFailed(ECONNRESET);
      return Reply::Value(0);
    case State::kDirect: return Reply::Value(shutdown(call.file(), how) == 0 ? 0 : -errno);
    case State::kConnected: break;
  }
  if (read) {
    container_shut_read_ = true;
    (void)tcp_->Shutdown(ShutdownHow::kRead);
  }
  if (write) container_shut_write_ = true;
  // What was written before is still in the pair; the end of the stream follows it.
  shutdown(call.file(), how);
  if (write) {
    readable_ = end_seen_ = true;
    PumpOut();
  }
  return Reply::Value(0);
}

Reply TcpContainerSocket::GetOption(Call& call, int level, int name, uint64_t value,
                                    uint64_t length_address) {
  if (IsErrorOption(level, name)) SettleError(call.file());
  return GetInetOption({*this, SocketKind::kTcp, family(), state_ == State::kDirect}, call, level,
                       name, value, length_address);
}

Reply TcpContainerSocket::SetOption(Call& call, int level, int name, int32_t length,
                                    std::span<const uint8_t> value) {
  return SetInetOption({*this, SocketKind::kTcp, family(), state_ == State::kDirect}, call, level,
                       name, length, value);
}

// A shown error is one error, held by the kernel as ECONNRESET and here as what it really was:
// whoever reports it first, by read(2) or by SO_ERROR, clears it.
void TcpContainerSocket::SettleError(int file) {
  const int native = TakeNativeError(file);
  if (error_shown_ && native == 0) pending_error_ = 0;
  if (!error_shown_ && native != 0 && pending_error_ == 0) {
    pending_error_ = native;  // a direct connection that was reset
  }
  error_shown_ = false;
}

// --- Messages ------------------------------------------------------------------------------------
// Only the container's own end of the pair is within reach of a native call: whatever another
// thread of the container makes of the registers' memory meanwhile, it reads and writes its own
// stream, and descriptors that it attaches are dropped because the sentry reads without a control
// buffer.

bool TcpContainerSocket::SendIsNative(const OutgoingMessage& message) const {
  const bool connected = state_ == State::kConnected || state_ == State::kConnecting ||
                         state_ == State::kDirect || state_ == State::kDead;
  return connected && message.name.empty() && message.control.empty();
}

bool TcpContainerSocket::ReceiveIsNative(const IncomingMessage& message) const {
  return (message.flags & MSG_ERRQUEUE) == 0 && state_ != State::kFresh &&
         state_ != State::kListening && pending_error_ == 0;
}

int64_t TcpContainerSocket::Send(Call& call, const OutgoingMessage& message) {
  if ((message.flags & MSG_FASTOPEN) != 0) {
    const bool waits = (message.flags & MSG_DONTWAIT) == 0 && !call.nonblocking();
    if (const int error = BeginFastOpen(call, message.name, waits); error != 0) return -error;
  }
  if (state_ == State::kFresh || state_ == State::kListening) return -EPIPE;
  if (pending_error_ != 0) return -std::exchange(pending_error_, 0);
  if (state_ != State::kConnected) return NativeSend(call, message);
  // Linux ignores the address of a connected stream (tcp_sendmsg()); AF_UNIX would refuse it. So
  // the transfer is ours, behind what was written before.
  PumpOut();
  if (readable_ || state_ != State::kConnected) return -EAGAIN;
  const size_t wanted = std::min<uint64_t>(message.data->total, tcp_->WriteSpace());
  if (message.data->total == 0) return 0;
  if (wanted == 0) return fin_sent_ ? -EPIPE : -EAGAIN;
  netstack::Slice slice = netstack::Slice::Allocate(wanted);
  const ssize_t size = call.memory().Gather(*message.data, {slice.mutable_data(), wanted});
  if (size <= 0) return -EFAULT;
  if (!call.Valid()) return -ESRCH;
  slice.RemoveSuffix(wanted - static_cast<size_t>(size));
  const Error error = (message.flags & MSG_OOB) != 0
                          ? tcp_->WriteUrgent(std::move(slice))
                          : tcp_->Write(std::move(slice), (message.flags & MSG_MORE) != 0);
  return error == Error::kOk ? size : -ToErrno(error);
}

// For the states whose bytes the kernel moves: through the container's end, without the address.
int64_t TcpContainerSocket::NativeSend(Call& call, const OutgoingMessage& message) {
  constexpr size_t kMost = 256 * 1024;
  std::vector<uint8_t> bytes(std::min<uint64_t>(message.data->total, kMost));
  const ssize_t size = call.memory().Gather(*message.data, bytes);
  if (size < 0) return -EFAULT;
  if (!call.Valid()) return -ESRCH;
  const ssize_t sent =
      send(call.file(), bytes.data(), static_cast<size_t>(size), MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent >= 0 ? sent : -errno;
}

int64_t TcpContainerSocket::Receive(Call&, IncomingMessage& message) {
  if ((message.flags & MSG_ERRQUEUE) != 0) return -EAGAIN;  // TCP queues no errors here
  if (pending_error_ != 0) return -std::exchange(pending_error_, 0);
  return -ENOTCONN;
}

}  // namespace moat::sentry
