// When the event loop looks for the next event: at once and again and again, after a pause, or when
// the kernel wakes it. Each pays for some loads and costs others, so whether it paid is remembered.
#ifndef MOAT_SENTRY_BOOT_PACING_H_
#define MOAT_SENTRY_BOOT_PACING_H_

#include <algorithm>
#include <cstdint>

namespace moat::sentry {

// Something that is worth trying as long as it pays: after misses the next attempts are rarer and
// rarer.
class Gamble {
 public:
  // Whether to try this time.
  bool Wanted() {
    if (skip_ == 0) return true;
    --skip_;
    return false;
  }
  void Paid() {
    misses_ = 0;
    penalty_ = 1;
  }
  void Missed() {
    if (++misses_ <= kPatience) return;
    skip_ = penalty_;
    penalty_ = std::min(2 * penalty_, kMostSkipped);
  }

 private:
  static constexpr int kMostSkipped = 256;
  static constexpr int kPatience = 4;  // misses in a row that are forgiven

  int misses_ = 0;   // in a row
  int penalty_ = 1;  // attempts to leave out after a miss
  int skip_ = 0;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_BOOT_PACING_H_
