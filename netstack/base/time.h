// Time as values. Netstack never asks the system what time it is: every entry point that needs the
// time reads the Clock that its caller gave it, so a test's fake clock is the only clock there is.
//
// Units: nanoseconds since an arbitrary epoch that never goes backwards (CLOCK_MONOTONIC in the
// sentry, zero in tests).
#ifndef MOAT_NETSTACK_BASE_TIME_H_
#define MOAT_NETSTACK_BASE_TIME_H_

#include <chrono>
#include <cstdint>

namespace moat::netstack {

using Duration = std::chrono::nanoseconds;

// Tag that keeps netstack's time points from mixing with the standard clocks'.
struct StackTimeline {
  using duration = Duration;
  using rep = Duration::rep;
  using period = Duration::period;
  using time_point = std::chrono::time_point<StackTimeline>;
  static constexpr bool is_steady = true;
};

using Time = StackTimeline::time_point;

inline constexpr Time kTimeZero{};
inline constexpr Time kNever = Time::max();

// The caller's clock. Now() must not go backwards. It may be cached for one batch of work, which is
// what the sentry does.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time Now() const = 0;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_BASE_TIME_H_
