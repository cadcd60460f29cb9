// The end of a sandbox: closes every connection as the kernel does for a process that has died, and
// waits a bounded time until the last bytes and FINs are acknowledged.
#ifndef MOAT_SENTRY_BOOT_FAREWELL_H_
#define MOAT_SENTRY_BOOT_FAREWELL_H_

#include "netstack/base/timer.h"
#include "sentry/sandbox.h"

namespace moat::sentry {

class Farewell {
 public:
  static constexpr netstack::Duration kLongest = std::chrono::seconds(2);
  static constexpr netstack::Duration kStep = std::chrono::milliseconds(20);

  explicit Farewell(Sandbox& sandbox);

  // Asked after each batch of events; there will be one every kStep.
  bool Done();

 private:
  void OnTimer() { timer_.Arm(sandbox_.clock().Now() + kStep); }
  bool Outstanding() const;

  Sandbox& sandbox_;
  const netstack::Time deadline_;
  netstack::Timer timer_;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_BOOT_FAREWELL_H_
