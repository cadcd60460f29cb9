// The sandbox's side of the configured network namespace: its links attached, its tables followed. One
// object, for the sentry's start.
#ifndef MOAT_SENTRY_ATTACH_NETWORK_H_
#define MOAT_SENTRY_ATTACH_NETWORK_H_

#include <memory>

#include "absl/status/statusor.h"
#include "netstack/stack/stack.h"
#include "sentry/attach/link_readers.h"
#include "sentry/attach/packet_attacher.h"
#include "sentry/event_loop.h"
#include "sentry/netlink/follower.h"
#include "sentry/netlink/stack_target.h"

namespace moat::sentry {

class Network final : public EventHandler {
 public:
  // With the lock that guards `stack` and `loop` held, by a thread that is in the configured network
  // namespace; later events are handled by the loop's thread, which must be in it too. Both are borrowed.
  static absl::StatusOr<std::unique_ptr<Network>> Attach(netstack::Stack& stack, EventLoop& loop);

  // Detaches everything: the kernel answers on its interfaces again.
  ~Network() override;

  void OnEvents(uint32_t events) override;

  const RouteFollower& follower() const { return *follower_; }

 private:
  Network(netstack::Stack& stack, EventLoop& loop);

  EventLoop& loop_;
  StackTarget target_;
  LinkReaders readers_;
  std::unique_ptr<PacketAttacher> attacher_;
  std::unique_ptr<RouteFollower> follower_;
  EventLoop::Token token_ = 0;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_ATTACH_NETWORK_H_
