// Time that moves only when a test says so.
#ifndef MOAT_NETSTACK_TESTING_FAKE_CLOCK_H_
#define MOAT_NETSTACK_TESTING_FAKE_CLOCK_H_

#include "netstack/base/time.h"

namespace moat::netstack {

class FakeClock : public Clock {
 public:
  // Not zero, so that a forgotten initial value shows.
  static constexpr Time kStart = kTimeZero + std::chrono::seconds(1000);

  Time Now() const override { return now_; }
  void Advance(Duration by) { now_ += by; }
  void Set(Time now) { now_ = now; }

 private:
  Time now_ = kStart;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TESTING_FAKE_CLOCK_H_
