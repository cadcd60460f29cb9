// How other threads reach the sandbox's stack. The control service runs on threads of its own; the
// stack belongs to the sentry's event loop and is used under one lock.
#ifndef MOAT_SENTRY_CONTROL_STACK_ACCESS_H_
#define MOAT_SENTRY_CONTROL_STACK_ACCESS_H_

#include <vector>

#include "absl/functional/function_ref.h"
#include "netstack/stack/stack.h"

namespace moat::sentry {

class StackAccess {
 public:
  virtual ~StackAccess() = default;

  // Runs `body` with the stack's lock held. `body` must not block.
  virtual void Read(absl::FunctionRef<void(netstack::Stack&)> body) = 0;

  // As Read(), for a body that changes something: the stack's clock is fresh when it starts, and
  // what it causes is sent (Stack::Flush) and the event loop reconsiders its next deadline
  // afterwards.
  virtual void Change(absl::FunctionRef<void(netstack::Stack&)> body) = 0;

  // Every socket of the sandbox. Takes the lock itself. Whoever keeps sockets beside the stack
  // (directly joined loopback connections) adds them here.
  virtual std::vector<netstack::SocketInfo> ListSockets() {
    std::vector<netstack::SocketInfo> sockets;
    Read([&sockets](netstack::Stack& stack) { sockets = stack.ListSockets(); });
    return sockets;
  }
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_CONTROL_STACK_ACCESS_H_
