// One thread per notification listener, blocked in SECCOMP_IOCTL_NOTIF_RECV. That is the only way
// to have the caller and the sentry take turns on one CPU (SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP): a
// tenth of what a wake-up on another, idle CPU costs.
#ifndef MOAT_SENTRY_BOOT_LISTENER_THREADS_H_
#define MOAT_SENTRY_BOOT_LISTENER_THREADS_H_

#include <pthread.h>

#include <atomic>
#include <memory>
#include <vector>

#include "base/owned_fd.h"
#include "sentry/event_loop.h"
#include "sentry/intercept/listener.h"
#include "sentry/sandbox.h"

namespace moat::sentry {

class ListenerThreads {
 public:
  static constexpr size_t kMost = 1024;  // processes started by create and exec, alive at a time

  explicit ListenerThreads(Sandbox& sandbox);
  ~ListenerThreads();

  // Starts serving. 0 or an errno. With the sandbox's lock held, as everything here.
  int Start(OwnedFd listener);
  // Listeners with filtered processes behind them.
  size_t alive() const;

 private:
  struct Service;
  // Makes the event loop look round when a thread has ended.
  class EndNotice final : public EventHandler {
   public:
    explicit EndNotice(EventLoop& loop);
    ~EndNotice() override;
    void OnEvents(uint32_t events) override;
    void Signal() const;

   private:
    EventLoop& loop_;
    OwnedFd fd_;
    EventLoop::Token token_;
  };
  static void* Main(void* service);
  void Collect();

  Sandbox& sandbox_;
  EndNotice end_notice_;
  std::vector<std::unique_ptr<Service>> services_;
};

// Receives and answers calls until no filtered process is left. What a thread runs.
void ServeListener(Sandbox& sandbox, const std::shared_ptr<Listener>& listener);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_BOOT_LISTENER_THREADS_H_
