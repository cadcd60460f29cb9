// listen(2) and accept(2): connections that wait, and how the container sees that they do.
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
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

// Bytes in a listener's pair: each new connection makes an edge as long as there are fewer waiting.
constexpr size_t kMostShown = 128;
constexpr int kDefaultMaxBacklog = 4096;  // net.core.somaxconn

// A listener is never writable. The smallest send buffer is full after a few bytes, and a listener
// needs no other again.
void HideListenerWritability(int file) {
  const int smallest = 0;
  setsockopt(file, SOL_SOCKET, SO_SNDBUF, &smallest, sizeof(smallest));
  const std::array<uint8_t, 1> filler{};
  constexpr int kEnough = 8;
  for (int i = 0; i < kEnough; ++i) {
    if (send(file, filler.data(), filler.size(), MSG_DONTWAIT | MSG_NOSIGNAL) <= 0) return;
  }
}

}  // namespace

Reply TcpContainerSocket::Listen(Call& call, int backlog) {
  if (state_ != State::kFresh && state_ != State::kListening) return Reply::Fail(EINVAL);
  const int most = SysctlInt(sandbox_, "core.somaxconn", kDefaultMaxBacklog);
  backlog = static_cast<unsigned>(backlog) > static_cast<unsigned>(most) ? most : backlog;
  const Error error = tcp_->Listen(backlog);
  if (error != Error::kOk) return Reply::Fail(ToErrno(error));
  if (listening_ == nullptr) listening_ = std::make_unique<Listening>();
  listening_->backlog = listening_->stack_backlog = backlog;
  if (state_ == State::kListening) return Reply::Value(0);
  state_ = State::kListening;
  HideListenerWritability(call.file());
  sandbox_.local_listeners().Add(
      {tcp_->Local(), family(), tcp_->options().v6_only, this});
  return Reply::Value(0);
}

// Who waits to be accepted is reset, as by Linux (inet_csk_listen_stop()).
void TcpContainerSocket::StopListening() {
  sandbox_.local_listeners().Remove(this);
  for (Pending& pending : listening_->pending) Discard(sandbox_, pending);
  listening_->pending.clear();
}

void TcpContainerSocket::OfferDirect(OwnedFd end, const Endpoint& local, const Endpoint& remote,
                                     uint64_t client_cookie) {
  listening_->pending.push_back(
      {nullptr, std::move(end), nullptr, local, remote, client_cookie, 0});
  sandbox_.Note(this);
}

// Connections leave the stack's queue as soon as they are there, so that each new one is announced;
// the stack's backlog shrinks by them. The last one that fits stays, for a queue of none cannot be
// asked for.
void TcpContainerSocket::TakeFromStack() {
  const size_t most = static_cast<size_t>(listening_->backlog);
  while (listening_->pending.size() < most && TakeOneFromStack()) {
  }
  const int left = static_cast<int>(most - std::min(listening_->pending.size(), most));
  if (left != std::exchange(listening_->stack_backlog, left)) (void)tcp_->Listen(left);
}

bool TcpContainerSocket::TakeOneFromStack() {
  auto accepted = tcp_->Accept();
  if (!accepted.ok()) return false;
  auto remote = (*accepted)->Remote();
  const Endpoint local = (*accepted)->Local();
  listening_->pending.push_back(
      {std::move(*accepted), OwnedFd(), nullptr, local, remote.ok() ? *remote : Endpoint(), 0, 0});
  return true;
}

// Keeps one byte per pending connection in the container's queue. `file` is the container's end
// when a call has it at hand; without it bytes can only be added.
void TcpContainerSocket::ShowPending(int file) {
  const size_t wanted = std::min(Waiting(), kMostShown);
  std::array<uint8_t, kMostShown> bytes{};
  if (shown_ < wanted) {
    const ssize_t sent =
        send(end_.get(), bytes.data(), wanted - shown_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) shown_ += static_cast<size_t>(sent);
  } else if (shown_ > wanted && file >= 0) {
    const ssize_t taken = recv(file, bytes.data(), shown_ - wanted, MSG_DONTWAIT);
    // Fewer than expected: the program has read from its listener, which nothing entitles it to.
    shown_ = taken > 0 ? shown_ - static_cast<size_t>(taken) : wanted;
  }
}

Reply TcpContainerSocket::Accept(Call& call, int flags) {
  if ((flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) != 0) return Reply::Fail(EINVAL);
  if (state_ != State::kListening) return Reply::Fail(EINVAL);
  TakeFromStack();
  if (listening_->pending.empty()) TakeOneFromStack();  // with a backlog of none, the only one
  if (listening_->pending.empty()) {
    if (call.nonblocking()) return Reply::Fail(EAGAIN);
    return Reply::Park(settings_->receive_timeout, EAGAIN);
  }
  if (!sandbox_.HasRoom()) {
    ++sandbox_.counters().sockets_refused;
    return Reply::Fail(ENFILE);
  }
  return AcceptPending(call, flags);
}

Reply TcpContainerSocket::AcceptPending(Call& call, int flags) {
  Pending& pending = listening_->pending.front();
  int error = WriteAcceptAddress(call, pending.remote, family());
  if (error == 0) error = MakeAccepted(pending, flags);
  if (error != 0) return error == ENOENT ? Reply::Nobody() : Reply::Fail(error);
  // By value: the answer may be lost after the listener has gone.
  auto shared = std::make_shared<Pending>(std::move(pending));
  listening_->pending.pop_front();
  TakeFromStack();
  ShowPending(call.file());
  return Reply::Install(shared->complete, (flags & SOCK_CLOEXEC) != 0, shared->accepted)
      .OnLost([&sandbox = sandbox_, listener = cookie_, shared] {
        auto* back = static_cast<TcpContainerSocket*>(sandbox.Find(listener));
        if (back != nullptr && back->state_ == State::kListening) {
          back->listening_->pending.push_front(std::move(*shared));  // it is the next one again
          sandbox.Note(back);
        } else {
          Discard(sandbox, *shared);
        }
      });
}

// Resets a connection that nobody will accept.
void TcpContainerSocket::Discard(Sandbox& sandbox, Pending& pending) {
  if (pending.handle != nullptr) pending.handle->Abort();
  auto* client = static_cast<TcpContainerSocket*>(sandbox.Find(pending.client));
  if (client != nullptr) client->LeaveUnread();
  auto* accepted = static_cast<TcpContainerSocket*>(sandbox.Find(pending.accepted));
  if (accepted == nullptr) return;
  if (accepted->state_ == State::kConnected) accepted->tcp_->Abort();
  sandbox.Remove(accepted);
}

// Completes the socket that accept() returns, and adds it to the sandbox. 0 or an errno.
int TcpContainerSocket::MakeAccepted(Pending& pending, int flags) {
  const bool nonblocking = (flags & SOCK_NONBLOCK) != 0;
  if (pending.complete != nullptr) {
    fcntl(pending.complete->get(), F_SETFL, nonblocking ? O_RDWR | O_NONBLOCK : O_RDWR);
    return 0;
  }
  const bool direct = pending.direct_end.ok();
  auto handle = direct ? sandbox_.stack().NewTcpSocket(family()) : std::move(pending.handle);
  auto socket = std::make_unique<TcpContainerSocket>(sandbox_, domain_, std::move(handle),
                                                     direct ? State::kDirect : State::kConnected);
  socket->settings_ = settings_;
  if (direct) {
    netstack::SocketOptions options = tcp_->options();
    options.ip_options.reset();
    socket->tcp_->SetOptions(options);
    socket->tcp_->SetTcpOptions(tcp_->tcp_options());
    socket->direct_ = std::make_unique<DirectNames>(pending.local, pending.remote);
    socket->cookie_ = SocketCookie(pending.direct_end.get());
    fcntl(pending.direct_end.get(), F_SETFL, nonblocking ? O_RDWR | O_NONBLOCK : O_RDWR);
    pending.complete = std::make_shared<OwnedFd>(std::move(pending.direct_end));
  } else {
    auto theirs = socket->CreatePair(nonblocking);
    if (!theirs.ok()) {
      pending.handle = socket->ReleaseHandle();
      return theirs.error();
    }
    SetPairOptions(theirs->get(), *settings_);
    pending.complete = std::make_shared<OwnedFd>(std::move(*theirs));
  }
  pending.accepted = socket->cookie_;
  auto* added =
      static_cast<TcpContainerSocket*>(sandbox_.Add(std::move(socket), direct ? 0 : kEvents));
  if (direct) {
    sandbox_.reaper().Watch(added->cookie());
  } else {
    added->OnReady(netstack::ready::kReadable);  // what came before it was accepted
  }
  return 0;
}

// Takes the connection out of a socket that is not to be.
std::unique_ptr<netstack::TcpSocket> TcpContainerSocket::ReleaseHandle() {
  tcp_->SetObserver(nullptr);
  auto handle = std::move(tcp_);
  tcp_ = sandbox_.stack().NewTcpSocket(family());
  return handle;
}

}  // namespace moat::sentry
