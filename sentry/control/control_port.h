// The control service as a part of the sentry's event loop: accepts what connects to the control
// socket and hands it to the ControlServer.
//
//   absl::StatusOr<int> listener = ListenControlSocket(state_dir + "/control.sock");  // with files
//   ... privileges are dropped ...
//   ControlPort port({.id = id, .owner = getuid()}, &sandbox, sandbox.loop(), sandbox.mutex(),
//                    OwnedFd(*listener));
#ifndef MOAT_SENTRY_CONTROL_CONTROL_PORT_H_
#define MOAT_SENTRY_CONTROL_CONTROL_PORT_H_

#include <cstdint>

#include "absl/synchronization/mutex.h"
#include "base/owned_fd.h"
#include "sentry/control/control_server.h"
#include "sentry/control/stack_access.h"
#include "sentry/event_loop.h"

namespace moat::sentry {

class ControlPort final : public EventHandler {
 public:
  // Made with `lock`, which guards `loop`, held. Everything is borrowed but `listener`.
  ControlPort(ControlServer::Options options, StackAccess* stack, EventLoop& loop,
              absl::Mutex& lock, OwnedFd listener);
  // To be called without the lock: it waits for calls that may be waiting for it.
  ~ControlPort() override;

  void OnEvents(uint32_t events) override;

  ControlServer& server() { return server_; }

 private:
  // False when nothing is left to accept.
  bool AcceptOne();

  EventLoop& loop_;
  absl::Mutex& lock_;
  OwnedFd listener_;
  // Given up when descriptors run out, so that a connection can be taken and closed: otherwise the
  // listener would stay readable and the loop would spin.
  OwnedFd spare_;
  EventLoop::Token token_;
  ControlServer server_;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_CONTROL_CONTROL_PORT_H_
