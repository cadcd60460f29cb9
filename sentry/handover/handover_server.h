// The sentry's side of sentry.sock: learns of processes and takes over their listeners.
#ifndef MOAT_SENTRY_HANDOVER_HANDOVER_SERVER_H_
#define MOAT_SENTRY_HANDOVER_HANDOVER_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/owned_fd.h"
#include "sentry/event_loop.h"

namespace moat::sentry {

// Creates the listening socket, mode 0600, in place of one that is there already.
absl::StatusOr<OwnedFd> ListenSentrySocket(const std::string& state_dir);

// Lives on the event loop, under the sandbox's lock.
class HandoverServer final : public EventHandler {
 public:
  static constexpr size_t kMaxConnections = 64;

  struct Delegate {
    // A process was announced; `first` is the sandbox's init.
    std::function<void(OwnedFd pidfd, bool first)> on_process;
    // Its filter is loaded: serve this listener. 0 or an errno.
    std::function<int(OwnedFd listener)> on_listener;
  };

  HandoverServer(EventLoop& loop, OwnedFd listening, Delegate delegate);
  ~HandoverServer() override;

  void OnEvents(uint32_t events) override;

  // Processes that have been announced but not handed over.
  size_t open() const { return connections_.size(); }

 private:
  class Connection;

  EventLoop& loop_;
  OwnedFd listening_;
  Delegate delegate_;
  EventLoop::Token token_;
  absl::flat_hash_map<Connection*, std::unique_ptr<Connection>> connections_;
  std::unique_ptr<Connection> finished_;  // kept until its handler has returned
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_HANDOVER_HANDOVER_SERVER_H_
