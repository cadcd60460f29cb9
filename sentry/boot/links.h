// The links of the configured network namespace: follows its configuration, and reads the frames.
#ifndef MOAT_SENTRY_BOOT_LINKS_H_
#define MOAT_SENTRY_BOOT_LINKS_H_

#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "sentry/attach/packet_attacher.h"
#include "sentry/netlink/follower.h"
#include "sentry/netlink/stack_target.h"
#include "sentry/sandbox.h"

namespace moat::sentry {

class Links final : public PacketAttacher::Observer, public EventHandler {
 public:
  // In the configured namespace, with the sandbox's lock held.
  static absl::StatusOr<std::unique_ptr<Links>> Follow(Sandbox& sandbox);
  ~Links() override;

  // Gives the interfaces back to the kernel.
  void Stop();

 private:
  class Reader;

  explicit Links(Sandbox& sandbox);

  void OnAttached(netstack::InterfaceIndex index, netstack::AfPacketLink& link) override;
  void OnDetaching(netstack::InterfaceIndex index, netstack::AfPacketLink& link) override;
  void OnEvents(uint32_t events) override;  // of the follower

  Sandbox& sandbox_;
  StackTarget target_;
  absl::flat_hash_map<netstack::InterfaceIndex, std::unique_ptr<Reader>> readers_;
  std::unique_ptr<PacketAttacher> attacher_;
  std::unique_ptr<RouteFollower> follower_;
  EventLoop::Token token_ = 0;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_BOOT_LINKS_H_
