// A descriptor on the event loop, and what is done when it is readable. Leaves the loop before it
// is closed.
#ifndef MOAT_SENTRY_RESOLVER_LOOP_SOURCE_H_
#define MOAT_SENTRY_RESOLVER_LOOP_SOURCE_H_

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <utility>

#include "base/owned_fd.h"
#include "sentry/event_loop.h"

namespace moat::sentry {

class LoopSource final : public EventHandler {
 public:
  LoopSource(EventLoop& loop, std::function<void()> action)
      : loop_(loop), action_(std::move(action)) {}
  ~LoopSource() override { Close(); }

  // Takes over `fd` in place of what it had. False: it is no descriptor, or the loop refuses it.
  bool Watch(OwnedFd fd) {
    Close();
    fd_ = std::move(fd);
    if (fd_.ok()) token_ = loop_.Add(fd_.get(), EPOLLIN, this);
    return token_ != 0;
  }
  void Close() {
    loop_.Remove(std::exchange(token_, 0));
    fd_.reset();
  }
  int fd() const { return fd_.get(); }

  void OnEvents(uint32_t) override { action_(); }

 private:
  EventLoop& loop_;
  std::function<void()> action_;
  OwnedFd fd_;
  EventLoop::Token token_ = 0;
};

// What an observer of the stack's sockets may do: have the action run when the stack is done.
class Bell {
 public:
  Bell(EventLoop& loop, std::function<void()> action)
      : source_(loop, [this, action = std::move(action)] {
          uint64_t count = 0;
          (void)!read(source_.fd(), &count, sizeof(count));
          action();
        }) {}

  bool Open() { return source_.Watch(OwnedFd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC))); }
  void Close() { source_.Close(); }
  void Ring() {
    const uint64_t one = 1;
    (void)!write(source_.fd(), &one, sizeof(one));
  }

 private:
  LoopSource source_;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_RESOLVER_LOOP_SOURCE_H_
