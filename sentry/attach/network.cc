#include "sentry/attach/network.h"

#include <string_view>
#include <utility>

#include "sentry/base/log.h"

namespace moat::sentry {

Network::Network(netstack::Stack& stack, EventLoop& loop)
    : loop_(loop), target_(stack), readers_(stack, loop) {}

absl::StatusOr<std::unique_ptr<Network>> Network::Attach(netstack::Stack& stack, EventLoop& loop) {
  auto network = std::unique_ptr<Network>(new Network(stack, loop));
  auto attacher = PacketAttacher::Create(&network->readers_);
  if (!attacher.ok()) return attacher.status();
  network->attacher_ = *std::move(attacher);
  auto follower = RouteFollower::Create(
      {.target = &network->target_,
       .attacher = network->attacher_.get(),
       .log = [](std::string_view line) { Log(LogLevel::kWarn, line); }});
  if (!follower.ok()) return follower.status();
  network->follower_ = *std::move(follower);
  network->token_ = loop.Add(network->follower_->fd(), EPOLLIN, network.get());
  return network;
}

Network::~Network() {
  loop_.Remove(token_);
  if (follower_ != nullptr) follower_->Stop();
}

void Network::OnEvents(uint32_t) { follower_->OnReadable(); }

}  // namespace moat::sentry
