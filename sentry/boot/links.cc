#include "sentry/boot/links.h"

#include <utility>
#include <vector>

#include "sentry/base/log.h"

namespace moat::sentry {
namespace {

// Frames per event: the sockets get their turn in between.
constexpr size_t kBudget = 64;

}  // namespace

class Links::Reader final : public EventHandler {
 public:
  Reader(Sandbox& sandbox, netstack::AfPacketLink& link) : sandbox_(sandbox), link_(link) {
    token_ = sandbox_.loop().Add(link_.fd(), EPOLLIN, this);
  }
  ~Reader() override { sandbox_.loop().Remove(token_); }

  void OnEvents(uint32_t) override {
    frames_.clear();
    link_.ReceiveBatch(frames_, kBudget);
    size_t waited = 0;
    for (const netstack::RxFrame& frame : frames_) waited += frame.bytes.size();
    sandbox_.stack().NoteArrivals(waited);
    for (netstack::RxFrame& frame : frames_) {
      sandbox_.stack().Receive(link_.interface(), std::move(frame));
    }
    // A removed device stays readable; the follower will take it away.
    if (link_.gone()) sandbox_.loop().Remove(std::exchange(token_, 0));
  }

 private:
  Sandbox& sandbox_;
  netstack::AfPacketLink& link_;
  EventLoop::Token token_;
  std::vector<netstack::RxFrame> frames_;
};

Links::Links(Sandbox& sandbox) : sandbox_(sandbox), target_(sandbox.stack()) {}

Links::~Links() { sandbox_.loop().Remove(token_); }

absl::StatusOr<std::unique_ptr<Links>> Links::Follow(Sandbox& sandbox) {
  std::unique_ptr<Links> links(new Links(sandbox));
  auto attacher = PacketAttacher::Create(links.get());
  if (!attacher.ok()) return attacher.status();
  links->attacher_ = std::move(*attacher);
  RouteFollower::Options options;
  options.target = &links->target_;
  options.attacher = links->attacher_.get();
  options.log = [](std::string_view line) { Log(LogLevel::kWarn, line); };
  auto follower = RouteFollower::Create(options);
  if (!follower.ok()) return follower.status();
  links->follower_ = std::move(*follower);
  links->token_ = sandbox.loop().Add(links->follower_->fd(), EPOLLIN, links.get());
  return links;
}

void Links::Stop() {
  sandbox_.loop().Remove(std::exchange(token_, 0));
  follower_->Stop();
}

void Links::OnAttached(netstack::InterfaceIndex index, netstack::AfPacketLink& link) {
  readers_[index] = std::make_unique<Reader>(sandbox_, link);
}

void Links::OnDetaching(netstack::InterfaceIndex index, netstack::AfPacketLink&) {
  readers_.erase(index);
}

void Links::OnEvents(uint32_t) { follower_->OnReadable(); }

}  // namespace moat::sentry
