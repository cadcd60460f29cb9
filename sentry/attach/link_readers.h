// Reads the frames of attached links into the stack, on the sandbox's event loop.
#ifndef MOAT_SENTRY_ATTACH_LINK_READERS_H_
#define MOAT_SENTRY_ATTACH_LINK_READERS_H_

#include <map>
#include <memory>
#include <vector>

#include "netstack/stack/stack.h"
#include "sentry/attach/packet_attacher.h"
#include "sentry/event_loop.h"

namespace moat::sentry {

class LinkReaders final : public PacketAttacher::Observer {
 public:
  // Both are borrowed and outlive this.
  LinkReaders(netstack::Stack& stack, EventLoop& loop);
  ~LinkReaders() override;

  void OnAttached(netstack::InterfaceIndex index, netstack::AfPacketLink& link) override;
  void OnDetaching(netstack::InterfaceIndex index, netstack::AfPacketLink& link) override;

 private:
  class Reader;

  netstack::Stack& stack_;
  EventLoop& loop_;
  std::map<netstack::InterfaceIndex, std::unique_ptr<Reader>> readers_;
  std::vector<netstack::RxFrame> frames_;  // of the batch in hand; kept for its capacity
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_ATTACH_LINK_READERS_H_
