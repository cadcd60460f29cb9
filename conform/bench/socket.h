// A socket of the device, in a case's hands. As everything on the bench, calls do nothing once the
// case has failed. What must succeed fails the case when it does not; Try...() returns the negative
// errno.
//
//   Socket socket = b.OpenUdp();
//   socket.Bind(5000);
//   b.Send(Udp4(b.peer, b.device, 4000, 5000, Pattern(100)));
//   Received datagram = socket.Receive();
#ifndef MOAT_CONFORM_BENCH_SOCKET_H_
#define MOAT_CONFORM_BENCH_SOCKET_H_

#include "conform/bench/bench.h"

namespace moat::conform {

class Socket {
 public:
  Socket(Bench& bench, SocketType type, bool v6);
  Socket(Bench& bench, SocketType type, bool v6, int id)
      : bench_(&bench), type_(type), v6_(v6), id_(id) {}

  int id() const { return id_; }
  bool v6() const { return v6_; }

  void Bind(int port) { Bind(Endpoint{Ip::Any(v6_), port}); }
  void Bind(const Endpoint& local);
  int TryBind(const Endpoint& local);
  void Connect(const Endpoint& remote);  // TCP: begun, which is enough
  int TryConnect(const Endpoint& remote);
  void Listen(int backlog = 16);
  // The next connection, waiting for it.
  Socket Accept(Duration within = kSoon);
  bool HasPending();  // is there a connection to accept? takes and closes it

  void Send(const Bytes& data);                      // all of it must be taken
  void SendTo(const Endpoint& to, const Bytes& data);
  int TrySend(const Bytes& data, const std::optional<Endpoint>& to = std::nullopt,
              bool urgent = false);
  // One datagram, or up to `size` bytes of a stream; fails when nothing comes in time.
  Received Receive(Duration within = kSoon, size_t size = 65536);
  // Exactly `size` bytes of a stream.
  Bytes ReceiveAll(size_t size, Duration within = kSoon);
  void ExpectNoData(Duration within = kQuiet);
  void ExpectEnd(Duration within = kSoon);  // of the stream
  // At once: bytes, 0, or -EAGAIN and other errors.
  int TryReceive(Received* received, size_t size = 65536);

  void Shutdown(ShutdownHow how = ShutdownHow::kWrite);
  void Close();
  void Abort();  // close with SO_LINGER 0
  void Set(Option option, int value);
  int TrySet(Option option, int value);
  // The pending error (a positive errno), waiting for one; 0 when none came.
  int Error(Duration within = kSoon);
  void ExpectError(int error, Duration within = kSoon, Line where = Line::current());
  int LocalPort();

  void Join(const Ip& group, int port = 0) { SetFilter(group, {}, port); }
  void Leave(const Ip& group, int port = 0) { SetFilter(group, {false, {}}, port); }
  void SetFilter(const Ip& group, const SourceFilter& filter, int port = 0);

 private:
  bool usable() const { return bench_->ok() && id_ >= 0; }
  Device& device() { return bench_->Settled(); }
  // Asks again, letting time pass, until `ready` or the deadline.
  template <typename Ready>
  bool Await(Duration within, Ready ready);

  Bench* bench_;
  SocketType type_;
  bool v6_;
  int id_ = -1;
};

}  // namespace moat::conform

#endif  // MOAT_CONFORM_BENCH_SOCKET_H_
