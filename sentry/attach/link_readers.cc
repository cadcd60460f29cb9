#include "sentry/attach/link_readers.h"

#include <utility>

namespace moat::sentry {
namespace {

// Frames for one visit to the event loop: enough to amortise it, few enough to be fair to others.
constexpr size_t kBatch = 64;
constexpr int kBatches = 4;

}  // namespace

class LinkReaders::Reader final : public EventHandler {
 public:
  Reader(LinkReaders& owner, netstack::InterfaceIndex index, netstack::AfPacketLink& link)
      : owner_(owner), index_(index), link_(link),
        token_(owner.loop_.Add(link.fd(), EPOLLIN, this)) {}
  ~Reader() override { owner_.loop_.Remove(token_); }

  void OnEvents(uint32_t) override {
    std::vector<netstack::RxFrame>& frames = owner_.frames_;
    for (int i = 0; i < kBatches; ++i) {
      frames.clear();
      const size_t count = link_.ReceiveBatch(frames, kBatch);
      for (netstack::RxFrame& frame : frames) owner_.stack_.Receive(index_, std::move(frame));
      if (count < kBatch) break;
    }
    frames.clear();  // lets go of the storages
    // A removed device stays readable for ever; the follower will detach it.
    if (link_.gone()) owner_.loop_.Remove(std::exchange(token_, 0));
  }

 private:
  LinkReaders& owner_;
  const netstack::InterfaceIndex index_;
  netstack::AfPacketLink& link_;
  EventLoop::Token token_;
};

LinkReaders::LinkReaders(netstack::Stack& stack, EventLoop& loop) : stack_(stack), loop_(loop) {}

LinkReaders::~LinkReaders() = default;

void LinkReaders::OnAttached(netstack::InterfaceIndex index, netstack::AfPacketLink& link) {
  readers_[index] = std::make_unique<Reader>(*this, index, link);
}

void LinkReaders::OnDetaching(netstack::InterfaceIndex index, netstack::AfPacketLink&) {
  readers_.erase(index);
}

}  // namespace moat::sentry
