// UDP and ping sockets of netstack.
#ifndef MOAT_CONFORM_INPROCESS_DATAGRAM_HANDLE_H_
#define MOAT_CONFORM_INPROCESS_DATAGRAM_HANDLE_H_

#include <memory>
#include <utility>

#include "conform/inprocess/convert.h"
#include "conform/inprocess/stack_socket.h"

namespace moat::conform {

class DatagramHandle : public StackSocket {
 public:
  explicit DatagramHandle(std::unique_ptr<netstack::DatagramSocket> socket)
      : socket_(std::move(socket)) {}

  int Bind(const Endpoint& local) override { return NegativeErrno(socket_->Bind(ToStack(local))); }
  int Connect(const Endpoint& remote) override {
    return NegativeErrno(socket_->Connect(ToStack(remote)));
  }
  int Send(const Bytes& data, const std::optional<Endpoint>& to, bool urgent) override;
  int Receive(size_t size, Received* received) override;
  int Shutdown(ShutdownHow how) override {
    return NegativeErrno(socket_->Shutdown(static_cast<netstack::ShutdownHow>(how)));
  }
  int SetOption(Option option, int value) override;
  int TakeError() override { return -NegativeErrno(socket_->TakeError()); }
  int LocalPort() override { return socket_->Local().port; }
  int SetFilter(const netstack::IpAddress& group, netstack::InterfaceIndex interface,
                const SourceFilter& filter) override;

 private:
  std::unique_ptr<netstack::DatagramSocket> socket_;
};

}  // namespace moat::conform

#endif  // MOAT_CONFORM_INPROCESS_DATAGRAM_HANDLE_H_
