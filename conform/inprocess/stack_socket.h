// Netstack's socket handles behind one shape, with negative errnos: what a program on the device
// has.
#ifndef MOAT_CONFORM_INPROCESS_STACK_SOCKET_H_
#define MOAT_CONFORM_INPROCESS_STACK_SOCKET_H_

#include <cerrno>
#include <memory>
#include <optional>

#include "conform/bench/device.h"
#include "netstack/stack/stack.h"

namespace moat::conform {

class StackSocket {
 public:
  virtual ~StackSocket() = default;
  virtual int Bind(const Endpoint& local) = 0;
  virtual int Connect(const Endpoint& remote) = 0;
  virtual int Listen(int backlog) { return -EOPNOTSUPP; }
  virtual int Accept(std::unique_ptr<StackSocket>* accepted) { return -EOPNOTSUPP; }
  virtual int Send(const Bytes& data, const std::optional<Endpoint>& to, bool urgent) = 0;
  virtual int Receive(size_t size, Received* received) = 0;
  virtual int Shutdown(ShutdownHow how) = 0;
  virtual int SetOption(Option option, int value) = 0;
  virtual int TakeError() = 0;
  virtual int LocalPort() = 0;
  virtual int SetFilter(const netstack::IpAddress& group, netstack::InterfaceIndex interface,
                        const SourceFilter& filter) {
    return -EOPNOTSUPP;
  }
};

std::unique_ptr<StackSocket> OpenStackSocket(netstack::Stack& stack, SocketType type, bool v6);

// Sets an option that every socket has; -ENOPROTOOPT when it is none.
int SetCommonOption(netstack::SocketOptions& options, Option option, int value);

}  // namespace moat::conform

#endif  // MOAT_CONFORM_INPROCESS_STACK_SOCKET_H_
