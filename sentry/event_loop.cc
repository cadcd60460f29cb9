#include "sentry/event_loop.h"

#include <errno.h>

#include <cstdlib>

namespace moat::sentry {
namespace {

constexpr EventLoop::Token MakeToken(uint32_t index, uint32_t generation) {
  return (static_cast<uint64_t>(generation) << 32) | index;
}

}  // namespace

EventLoop::EventLoop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_.ok()) std::abort();  // nothing can work without it
}

EventLoop::Slot* EventLoop::Find(Token token) {
  const uint32_t index = static_cast<uint32_t>(token);
  if (token == 0 || index >= slots_.size()) return nullptr;
  Slot& slot = slots_[index];
  return slot.generation == token >> 32 && slot.handler != nullptr ? &slot : nullptr;
}

EventLoop::Token EventLoop::Add(int fd, uint32_t events, EventHandler* handler) {
  uint32_t index;
  if (free_.empty()) {
    index = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  Slot& slot = slots_[index];
  epoll_event event{};
  event.events = events;
  event.data.u64 = MakeToken(index, slot.generation);
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    free_.push_back(index);
    return 0;
  }
  slot.handler = handler;
  slot.fd = fd;
  ++used_;
  return event.data.u64;
}

bool EventLoop::Modify(Token token, uint32_t events) {
  Slot* slot = Find(token);
  if (slot == nullptr) return false;
  epoll_event event{};
  event.events = events;
  event.data.u64 = token;
  return epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, slot->fd, &event) == 0;
}

void EventLoop::Remove(Token token) {
  Slot* slot = Find(token);
  if (slot == nullptr) return;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, slot->fd, nullptr);
  Forget(token);
}

void EventLoop::Forget(Token token) {
  Slot* slot = Find(token);
  if (slot == nullptr) return;
  slot->handler = nullptr;
  slot->fd = -1;
  ++slot->generation;  // never 0 within the life of a sentry
  free_.push_back(static_cast<uint32_t>(token));
  --used_;
}

int EventLoop::Wait(std::span<epoll_event> events, int timeout_ms) {
  const int count =
      epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
  return count < 0 ? 0 : count;  // EINTR: nothing happened
}

void EventLoop::Dispatch(std::span<const epoll_event> events) {
  for (const epoll_event& event : events) {
    Slot* slot = Find(event.data.u64);
    if (slot != nullptr) slot->handler->OnEvents(event.events);
  }
}

}  // namespace moat::sentry
