// A seccomp notification descriptor: receiving calls and answering them.
#ifndef MOAT_SENTRY_INTERCEPT_LISTENER_H_
#define MOAT_SENTRY_INTERCEPT_LISTENER_H_

#include <linux/seccomp.h>

#include <atomic>
#include <cstdint>

#include "base/owned_fd.h"

namespace moat::sentry {

class Listener {
 public:
  // Asks the kernel for synchronous wake-ups where it knows them (6.6): caller and sentry then take
  // turns on one CPU.
  explicit Listener(OwnedFd fd);

  int fd() const { return fd_.get(); }

  enum class Received : uint8_t {
    kCall,
    kAgain,   // interrupted, or the call was taken back: ask again
    kHangup,  // no filtered process is left
  };
  // Blocks until there is a call.
  Received Receive(seccomp_notif* call) const;
  // True while the caller waits for the answer.
  bool Valid(uint64_t id) const;
  // False: the caller is gone, or a signal took the call away.
  bool Answer(uint64_t id, int64_t result) const;
  bool Continue(uint64_t id) const;

 private:
  bool Send(const seccomp_notif_resp& response) const;

  OwnedFd fd_;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_INTERCEPT_LISTENER_H_
