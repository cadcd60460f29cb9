// connect(2): how a connection begins, and what the container sees until it is established.
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>

#include "sentry/abi/errno_map.h"
#include "sentry/sandbox.h"
#include "sentry/socket/inet_socket.h"
#include "sentry/socket/local_listeners.h"
#include "sentry/socket/reaper.h"
#include "sentry/socket/tcp_container_socket.h"

namespace moat::sentry {
namespace {

using netstack::Endpoint;
using netstack::Error;
using netstack::IpAddress;

// What a directly joined pair may hold in each direction: enough for the two programs to run in
// turns on one CPU without waking each other for every write.
constexpr int kDirectBuffer = 1024 * 1024;

void EnlargeSendBuffer(int fd) {
  const int size = kDirectBuffer;
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0) {
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
  }
}

// Whether a socket asks for something that only packets have.
bool WantsPackets(const netstack::TcpSocket& tcp) {
  const netstack::SocketOptions& options = tcp.options();
  return options.ip_options != nullptr ||  // the accepted socket has them too
         options.minimum_ttl != 0 || options.minimum_hop_count != 0 || tcp.tcp_options().save_syn;
}

}  // namespace

Reply TcpContainerSocket::Connect(Call& call, std::span<const uint8_t> name) {
  auto address = DecodeSockaddr(name, AddressUse::kConnect, Rules());
  if (!address.ok()) return Reply::Fail(address.error());
  if (address->unspecified) return ConnectDissolve(call);
  switch (state_) {
    case State::kListening: return Reply::Fail(EISCONN);
    case State::kConnecting:
      if (call.nonblocking()) return Reply::Fail(EALREADY);
      return Reply::Park(settings_->send_timeout, EINPROGRESS);
    case State::kConnected:
    case State::kDirect:
      // The first connect() after the establishment learns of it, further ones fail.
      return std::exchange(connect_reported_, true) ? Reply::Fail(EISCONN) : Reply::Value(0);
    case State::kDead:
    case State::kFresh:
      if (!std::exchange(connect_reported_, true)) {
        if (state_ == State::kDead) SettleError(call.file());
        const int error = std::exchange(pending_error_, 0);
        return Reply::Fail(error != 0 ? error : ECONNABORTED);
      }
      break;
  }
  if (state_ == State::kDead && !RenewPair(call)) return Reply::Fail(ENOBUFS);
  const uint32_t label = settings_->flow_info_send ? FlowLabelOf(name) : 0;
  if (label != tcp_->tcp_options().flow_label) {
    netstack::TcpOptions options = tcp_->tcp_options();
    options.flow_label = label;
    tcp_->SetTcpOptions(options);
  }
  return StartConnect(call, address->endpoint);
}

Reply TcpContainerSocket::StartConnect(Call& call, const Endpoint& remote) {
  Reply reply = Reply::Value(0);
  ForgetClosedListener(remote);
  if (TryDirect(call, remote, &reply)) return reply;
  const Error error = tcp_->Connect(remote);
  if (error != Error::kInProgress && error != Error::kOk) return Reply::Fail(ToErrno(error));
  if (error == Error::kOk) {  // TCP_FASTOPEN_CONNECT: the first write sends the SYN
    connect_reported_ = true;
    OnConnected();
    return Reply::Value(0);
  }
  state_ = State::kConnecting;
  connect_reported_ = false;
  if (!call.nonblocking()) {
    return Reply::Park(settings_->send_timeout, EINPROGRESS);
  }
  HideWritability(call.file());
  return Reply::Fail(EINPROGRESS);
}

bool TcpContainerSocket::SetFastOpenConnect(bool wanted) {
  netstack::TcpOptions options = tcp_->tcp_options();
  const bool before = std::exchange(options.fast_open_connect, wanted);
  if (before != wanted) tcp_->SetTcpOptions(options);
  return before;
}

// tcp_sendmsg_fastopen() and __inet_stream_connect() as behaviour; a blocking call whose data went
// with the SYN does not wait for the handshake. A call that a signal has taken away has left a
// connection that connects, as an interrupted connect() has: the next call waits for it, or is the
// first to learn of it and sends. Calls come here again after they were parked, so each is known by
// its notification.
int TcpContainerSocket::BeginFastOpen(Call& call, std::span<const uint8_t> name, bool waits) {
  constexpr int kClient = 1;  // of tcp_fastopen
  if ((SysctlInt(sandbox_, "ipv4.tcp_fastopen", kClient) & kClient) == 0) return EOPNOTSUPP;
  auto address = DecodeSockaddr(name, AddressUse::kConnect, Rules());
  if (address.ok() && address->unspecified) return EOPNOTSUPP;
  const uint64_t notification = call.notification().id;
  const bool again = fast_open_ == notification;
  if (!again && StillWaits(fast_open_)) return EALREADY;
  if (state_ == State::kListening) return EISCONN;
  if (state_ == State::kConnecting && !waits) return EALREADY;
  if (state_ == State::kConnected || state_ == State::kDirect) {
    if (std::exchange(connect_reported_, true) && !again) return EISCONN;
    fast_open_ = notification;
    return 0;
  }
  fast_open_ = notification;
  if (state_ == State::kConnecting) return EAGAIN;
  const bool asked = SetFastOpenConnect(true);
  const Reply reply = Connect(call, name);  // or what became of the one that was waited for
  (void)SetFastOpenConnect(asked);
  if (reply.kind() == Reply::Kind::kValue) return static_cast<int>(-reply.value());
  if (waits) return EAGAIN;
  HideWritability(call.file());  // MSG_DONTWAIT on a blocking socket
  return EINPROGRESS;
}

// A program that closes a listener and connects to it must be refused, although the event loop may
// not have come to the close yet.
void TcpContainerSocket::ForgetClosedListener(const Endpoint& remote) {
  TcpContainerSocket* listener = sandbox_.local_listeners().Find(remote);
  if (listener == nullptr || listener == this) return;
  pollfd end = {listener->end(), 0, 0};
  if (poll(&end, 1, 0) != 1 || (end.revents & POLLHUP) == 0) return;
  sandbox_.Remove(listener);
  sandbox_.BuryDead();
}

// The end of a fresh pair is writable at once; a connecting socket must not be. Filling it beyond
// the kernel's threshold (a quarter of SO_SNDBUF, unix_writable()) hides POLLOUT until
// OnConnected() drains it, which also makes the edge that epoll waits for.
void TcpContainerSocket::HideWritability(int file) {
  static constexpr std::array<uint8_t, 56 * 1024> kFiller{};
  constexpr int kMostRounds = 64;  // SO_SNDBUF is at most some megabytes
  for (int i = 0; i < kMostRounds; ++i) {
    pollfd writable = {file, POLLOUT, 0};
    if (i != 0 && (poll(&writable, 1, 0) <= 0 || (writable.revents & POLLOUT) == 0)) return;
    const ssize_t size = send(file, kFiller.data(), kFiller.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size <= 0) return;
    filler_ += static_cast<size_t>(size);
  }
}

void TcpContainerSocket::OnConnected() {
  state_ = State::kConnected;
  if (filler_ != 0) {
    DropBytes(end_.get(), std::exchange(filler_, 0));
    readable_ = true;
  }
  sandbox_.Retry(this);
  PumpOut();
}

void TcpContainerSocket::OnConnectFailed(int error) {
  (void)tcp_->Disconnect();
  pending_error_ = error;
  if (filler_ == 0) {
    // Only blocking calls know of this attempt: the pair is as it was, and may be used again. When
    // the one that waited was interrupted, the next connect() reports the outcome.
    state_ = State::kFresh;
    sandbox_.Retry(this);
    return;
  }
  // The filler stays unread, so that closing our end shows POLLERR and POLLHUP.
  filler_ = 0;
  error_shown_ = true;
  CloseEnd();
  sandbox_.Retry(this);
}

// connect() with AF_UNSPEC: the socket becomes fresh again.
Reply TcpContainerSocket::ConnectDissolve(Call& call) {
  if (state_ == State::kListening) StopListening();
  const bool used = state_ != State::kFresh;
  const Error error = tcp_->Disconnect();
  if (error != Error::kOk && error != Error::kNotConnected) return Reply::Fail(ToErrno(error));
  state_ = State::kDead;
  pending_error_ = 0;
  connect_reported_ = true;
  if (used && !RenewPair(call)) return Reply::Fail(ENOBUFS);
  state_ = State::kFresh;
  return Reply::Value(0);
}

// Puts a new pair in the place of a used one, at the descriptor that the call names. Duplicates of
// the old descriptor, and epoll sets that hold it, keep the dead end: on Linux they would see the
// socket revive.
bool TcpContainerSocket::RenewPair(Call& call) {
  const uint64_t old_cookie = cookie_;
  sandbox_.reaper().Unwatch(old_cookie);
  sandbox_.loop().Remove(std::exchange(token_, 0));
  OwnedFd old_end = std::move(end_);
  auto theirs = CreatePair(call.nonblocking());
  const bool close_on_exec = sandbox_.processes().HasCloseOnExec(
      sandbox_.processes().ProcessOf(call.tid()), call.int_argument(0));
  if (!theirs.ok() || !call.Replace(theirs->get(), call.int_argument(0), close_on_exec)) {
    cookie_ = old_cookie;
    end_ = std::move(old_end);
    sandbox_.reaper().Watch(old_cookie);
    return false;
  }
  sandbox_.Rekey(this, old_cookie);
  token_ = sandbox_.loop().Add(end_.get(), kEvents, this);
  state_ = State::kFresh;
  readable_ = waits_for_room_ = fin_received_ = fin_sent_ = false;
  container_shut_write_ = container_shut_read_ = reset_pending_ = end_seen_ = false;
  filler_ = shown_ = 0;
  error_shown_ = false;
  call.set_file(std::move(*theirs));
  return true;
}

// --- Direct loopback -----------------------------------------------------------------------------

// Joins this socket to a listener of the same sandbox: the sentry's end of our pair becomes the
// accepted socket. False when the stack has to do it: nobody listens (it refuses), the backlog is
// full (it retries), or the socket asks for something that only packets have.
bool TcpContainerSocket::TryDirect(Call& call, const Endpoint& remote, Reply* reply) {
  if (!sandbox_.options().direct_loopback || tcp_->options().bound_device != 0) return false;
  if (WantsPackets(*tcp_)) return false;
  const bool loopback = remote.address.IsLoopback();
  if (!loopback && !sandbox_.stack().IsLocalAddress(remote.address)) return false;
  if (sandbox_.stack().IsWatched(netstack::kLoopbackIndex)) return false;  // it is to see packets
  TcpContainerSocket* listener = sandbox_.local_listeners().Find(remote);
  if (listener == nullptr || listener == this || !listener->HasBacklogRoom()) return false;
  if (WantsPackets(*listener->tcp_)) return false;

  Endpoint local = tcp_->Local();
  if (local.address.IsUnspecified() || local.port == 0) {
    const bool v4_loopback = loopback && remote.address.is_v4();
    const IpAddress source = v4_loopback ? IpAddress::V4(127, 0, 0, 1) : remote.address;
    if (local.port == 0) {
      const Endpoint wanted = {local.address.IsUnspecified() ? source : local.address, 0,
                               remote.scope};
      Error error = tcp_->Bind(wanted);
      if (error != Error::kOk) {
        sandbox_.reaper().Sweep();
        sandbox_.BuryDead();
        error = tcp_->Bind(wanted);
      }
      if (error != Error::kOk) return false;
      local = tcp_->Local();
    }
    if (local.address.IsUnspecified()) local.address = source;
  }
  sandbox_.loop().Remove(std::exchange(token_, 0));
  EnlargeSendBuffer(call.file());
  EnlargeSendBuffer(end_.get());
  listener->OfferDirect(std::move(end_), remote, local, cookie_);
  state_ = State::kDirect;
  direct_ = std::make_unique<DirectNames>(local, remote);
  sandbox_.reaper().Watch(cookie_);
  ++sandbox_.counters().connections_direct;
  const bool nonblocking = call.nonblocking();
  connect_reported_ = !nonblocking;
  *reply = nonblocking ? Reply::Fail(EINPROGRESS) : Reply::Value(0);
  return true;
}

}  // namespace moat::sentry
