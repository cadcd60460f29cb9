#include "conform/bench/socket.h"

#include <algorithm>
#include <cstring>

namespace moat::conform {
namespace {

constexpr Duration kPollEvery = 5ms;

}  // namespace

Socket::Socket(Bench& bench, SocketType type, bool v6) : bench_(&bench), type_(type), v6_(v6) {
  if (!bench.ok()) return;
  id_ = device().Open(type, v6);
  bench.AcceptErrno(id_, "open a socket");
}

template <typename Ready>
bool Socket::Await(Duration within, Ready ready) {
  const Duration deadline = bench_->Now() + within;
  while (usable()) {
    if (ready()) return true;
    const Duration now = bench_->Now();
    if (now >= deadline) return false;
    bench_->Wait(std::min(kPollEvery, deadline - now));
  }
  return false;
}

int Socket::TryBind(const Endpoint& local) { return usable() ? device().Bind(id_, local) : 0; }
void Socket::Bind(const Endpoint& local) { bench_->AcceptErrno(TryBind(local), "bind"); }

int Socket::TryConnect(const Endpoint& remote) {
  return usable() ? device().Connect(id_, remote) : 0;
}
void Socket::Connect(const Endpoint& remote) {
  const int result = TryConnect(remote);
  if (result != -EINPROGRESS) bench_->AcceptErrno(result, "connect");
}

void Socket::Listen(int backlog) {
  if (usable()) bench_->AcceptErrno(device().Listen(id_, backlog), "listen");
}

Socket Socket::Accept(Duration within) {
  int accepted = -EAGAIN;
  Await(within, [&] { return (accepted = device().Accept(id_)) != -EAGAIN; });
  if (bench_->ok()) bench_->AcceptErrno(accepted, "accept a connection");
  return Socket(*bench_, type_, v6_, accepted);
}

bool Socket::HasPending() {
  if (!usable()) return false;
  const int accepted = device().Accept(id_);
  if (accepted >= 0) device().Close(accepted);
  return accepted >= 0;
}

int Socket::TrySend(const Bytes& data, const std::optional<Endpoint>& to, bool urgent) {
  return usable() ? device().Send(id_, data, to, urgent) : 0;
}

void Socket::Send(const Bytes& data) {
  size_t sent = 0;
  int result = 0;
  Await(5s, [&] {
    result = TrySend(Bytes(data.begin() + static_cast<ptrdiff_t>(sent), data.end()));
    if (result > 0) sent += static_cast<size_t>(result);
    return sent >= data.size() || (result < 0 && result != -EAGAIN);
  });
  if (bench_->ok()) bench_->AcceptErrno(result, "send");
}

void Socket::SendTo(const Endpoint& to, const Bytes& data) {
  bench_->AcceptErrno(TrySend(data, to), "send");
}

int Socket::TryReceive(Received* received, size_t size) {
  return usable() ? device().Receive(id_, size, received) : 0;
}

Received Socket::Receive(Duration within, size_t size) {
  Received received;
  int result = -EAGAIN;
  Await(within, [&] { return (result = TryReceive(&received, size)) != -EAGAIN; });
  if (bench_->ok()) bench_->AcceptErrno(result, "receive");
  return received;
}

Bytes Socket::ReceiveAll(size_t size, Duration within) {
  Bytes all;
  const Duration deadline = bench_->Now() + within;
  while (usable() && all.size() < size) {
    const Duration left = std::max(deadline - bench_->Now(), Duration(0));
    const Received received = Receive(left, size - all.size());
    if (bench_->ok() && received.data.empty()) bench_->Fail("the stream ended early");
    all.insert(all.end(), received.data.begin(), received.data.end());
  }
  return all;
}

void Socket::ExpectNoData(Duration within) {
  Received received;
  int result = -EAGAIN;
  Await(within, [&] { return (result = TryReceive(&received)) > 0; });
  if (result > 0) bench_->Fail("the socket received " + std::to_string(result) + " bytes");
}

void Socket::ExpectEnd(Duration within) {
  Received received;
  int result = -EAGAIN;
  Await(within, [&] { return (result = TryReceive(&received)) != -EAGAIN; });
  if (!bench_->ok() || result == 0) return;
  bench_->Fail(result > 0 ? std::string("data instead of the end of the stream")
                          : std::string("no end of the stream: ") + std::strerror(-result));
}

void Socket::Shutdown(ShutdownHow how) {
  if (usable()) bench_->AcceptErrno(device().Shutdown(id_, how), "shutdown");
}

void Socket::Close() {
  if (usable()) bench_->AcceptErrno(device().Close(id_), "close");
  id_ = -1;
}

void Socket::Abort() {
  Set(Option::kLinger, 0);
  Close();
}

int Socket::TrySet(Option option, int value) {
  return usable() ? device().SetOption(id_, option, value) : 0;
}
void Socket::Set(Option option, int value) {
  bench_->AcceptErrno(TrySet(option, value), "set a socket option");
}

int Socket::Error(Duration within) {
  int error = 0;
  Await(within, [&] { return (error = device().TakeError(id_)) != 0; });
  if (error < 0) bench_->AcceptErrno(error, "read SO_ERROR");
  return error;
}

void Socket::ExpectError(int error, Duration within, Line where) {
  const int seen = Error(within);
  if (!bench_->ok() || seen == error) return;
  bench_->Fail(std::string("the socket's error is \"") + std::strerror(seen) + "\", wanted \"" +
                   std::strerror(error) + "\"",
               where);
}

int Socket::LocalPort() {
  const int port = usable() ? device().LocalPort(id_) : 0;
  bench_->AcceptErrno(port, "read the local port");
  return port;
}

void Socket::SetFilter(const Ip& group, const SourceFilter& filter, int port) {
  if (!usable()) return;
  bench_->AcceptErrno(device().SetFilter(id_, group, port, filter), "join or leave a group");
}

}  // namespace moat::conform
