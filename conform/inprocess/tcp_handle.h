// A TCP socket of netstack.
#ifndef MOAT_CONFORM_INPROCESS_TCP_HANDLE_H_
#define MOAT_CONFORM_INPROCESS_TCP_HANDLE_H_

#include <memory>
#include <utility>

#include "conform/inprocess/convert.h"
#include "conform/inprocess/stack_socket.h"

namespace moat::conform {

class TcpHandle : public StackSocket {
 public:
  explicit TcpHandle(std::unique_ptr<netstack::TcpSocket> socket) : socket_(std::move(socket)) {}
  ~TcpHandle() override;  // as close(2): resets when data is unread or SO_LINGER is 0

  int Bind(const Endpoint& local) override { return NegativeErrno(socket_->Bind(ToStack(local))); }
  int Connect(const Endpoint& remote) override {
    return NegativeErrno(socket_->Connect(ToStack(remote)));
  }
  int Listen(int backlog) override { return NegativeErrno(socket_->Listen(backlog)); }
  int Accept(std::unique_ptr<StackSocket>* accepted) override;
  int Send(const Bytes& data, const std::optional<Endpoint>& to, bool urgent) override;
  int Receive(size_t size, Received* received) override;
  int Shutdown(ShutdownHow how) override {
    return NegativeErrno(socket_->Shutdown(static_cast<netstack::ShutdownHow>(how)));
  }
  int SetOption(Option option, int value) override;
  int TakeError() override { return -NegativeErrno(socket_->TakeError()); }
  int LocalPort() override { return socket_->Local().port; }

 private:
  int SetTcpOption(Option option, int value);

  std::unique_ptr<netstack::TcpSocket> socket_;
  bool reset_on_close_ = false;  // SO_LINGER 0
};

}  // namespace moat::conform

#endif  // MOAT_CONFORM_INPROCESS_TCP_HANDLE_H_
