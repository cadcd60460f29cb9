// Readiness of descriptors, delivered under the sandbox's lock by the one event-loop thread.
//
// Registration may happen on any thread that holds the lock. A handler may remove itself or others
// at any time, also while a batch of events is being delivered: it is not called after Remove().
#ifndef MOAT_SENTRY_EVENT_LOOP_H_
#define MOAT_SENTRY_EVENT_LOOP_H_

#include <sys/epoll.h>

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "base/owned_fd.h"

namespace moat::sentry {

class EventHandler {
 public:
  virtual ~EventHandler() = default;
  // `events` as epoll_wait(2) reports them. Called with the sandbox's lock held.
  virtual void OnEvents(uint32_t events) = 0;
};

class EventLoop {
 public:
  EventLoop();

  // Names a registration. 0 is none.
  using Token = uint64_t;

  // `events` are EPOLLIN and friends, EPOLLET included if wanted. `fd` and `handler` are borrowed
  // until Remove(). 0 when epoll refuses (out of memory, or a descriptor that cannot be polled).
  Token Add(int fd, uint32_t events, EventHandler* handler);
  bool Modify(Token token, uint32_t events);
  // The same where the descriptor is closed at once and has no duplicate: the kernel then forgets
  // it.
  void Forget(Token token);
  void Remove(Token token);  // before the descriptor is closed; 0 is ignored

  // Waits for events without any lock (timeout as epoll_wait(2)), then Dispatch() delivers them.
  int Wait(std::span<epoll_event> events, int timeout_ms);
  void Dispatch(std::span<const epoll_event> events);

  size_t size() const { return used_; }

 private:
  struct Slot {
    EventHandler* handler = nullptr;
    int fd = -1;
    uint32_t generation = 1;
  };
  Slot* Find(Token token);

  OwnedFd epoll_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
  size_t used_ = 0;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_EVENT_LOOP_H_
