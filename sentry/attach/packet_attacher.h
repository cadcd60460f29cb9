// Opens interfaces of the configured network namespace for the stack: silences the kernel on them,
// then takes their frames through AF_PACKET. The only place of the sentry that names a kind of
// link.
#ifndef MOAT_SENTRY_ATTACH_PACKET_ATTACHER_H_
#define MOAT_SENTRY_ATTACH_PACKET_ATTACHER_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "netstack/link/af_packet.h"
#include "sentry/attach/silencer.h"
#include "sentry/netlink/config_target.h"

namespace moat::sentry {

class PacketAttacher final : public LinkAttacher {
 public:
  // Who reads the frames.
  class Observer {
   public:
    virtual ~Observer() = default;
    // `link` may be polled from now on; the interface is about to be added to the stack.
    virtual void OnAttached(netstack::InterfaceIndex index, netstack::AfPacketLink& link) = 0;
    // Last chance to stop polling; `link` is destroyed when this returns.
    virtual void OnDetaching(netstack::InterfaceIndex index, netstack::AfPacketLink& link) = 0;
  };

  // For the network namespace of the calling thread; Attach() must be called in the same one.
  // `observer` is borrowed and outlives this.
  static absl::StatusOr<std::unique_ptr<PacketAttacher>> Create(Observer* observer);
  // Detaches what still is attached.
  ~PacketAttacher() override;

  absl::StatusOr<netstack::Link*> Attach(netstack::InterfaceIndex index,
                                         const std::string& name) override;
  void Detach(netstack::InterfaceIndex index) override;

 private:
  PacketAttacher(Silencer silencer, Observer* observer)
      : silencer_(std::move(silencer)), observer_(observer) {}

  Silencer silencer_;
  Observer* observer_;
  std::map<netstack::InterfaceIndex, std::unique_ptr<netstack::AfPacketLink>> links_;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_ATTACH_PACKET_ATTACHER_H_
