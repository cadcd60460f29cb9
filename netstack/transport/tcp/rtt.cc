#include "netstack/transport/tcp/rtt.h"

#include <algorithm>
#include <cstdint>

#include "netstack/base/timer.h"

namespace moat::netstack::tcp {

namespace {

constexpr uint32_t kHalfWindow = 150;  // seconds
constexpr Duration kInitialRtoAfterLostSyn = std::chrono::seconds(3);
// RFC 6298 2.2, 4: G, the grain of the timer that waits for it, is within the floor of the variance
// term.
static_assert(kMinRto >= TimerQueue::kTick);

}  // namespace

void RttEstimator::TakeMinimum(Duration rtt, Time now) {
  const auto us = static_cast<uint32_t>(
      std::clamp<int64_t>((rtt.count() + 999) / 1000, 1, UINT32_MAX));
  const uint32_t second =
      static_cast<uint32_t>(now.time_since_epoch() / std::chrono::seconds(1)) & 0x7fffffff;
  const uint32_t age = (second - half_began_s_) & 0x7fffffff;
  const bool half_over = !has_sample() || age >= kHalfWindow;
  const bool all_over = !has_sample() || age >= 2 * kHalfWindow;
  if (half_over) {
    min_rtt_ = all_over ? rtt : std::min<Duration>(rtt, std::chrono::microseconds(next_min_us_));
    next_min_us_ = us;
    half_began_s_ = second;
  } else {
    min_rtt_ = std::min(min_rtt_, rtt);
    next_min_us_ = std::min(next_min_us_, us);
  }
}

void RttEstimator::Sample(Duration rtt, Time now) {
  rtt = std::max(rtt, Duration(1));
  latest_ = rtt;
  TakeMinimum(rtt, now);
  if (!has_sample()) {  // 2.2
    srtt_ = rtt;
    rttvar_ = rtt / 2;
    return;
  }
  const Duration error = rtt > srtt_ ? rtt - srtt_ : srtt_ - rtt;
  rttvar_ = (3 * rttvar_ + error) / 4;
  srtt_ = std::max((7 * srtt_ + rtt) / 8, Duration(1));
}

Duration RttEstimator::Rto() const {
  if (!has_sample()) return syn_timed_out_ != 0 ? kInitialRtoAfterLostSyn : kInitialRto;
  // As Linux, the floor is on the variance term: the timeout stays a margin above the round trip.
  return std::min(srtt_ + std::max(4 * rttvar_, kMinRto), kMaxRto);
}

Duration RttEstimator::Rto(int backoff) const {
  Duration rto = Rto();
  for (int i = 0; i < backoff && rto < kMaxRto; ++i) rto *= 2;
  return std::min(rto, kMaxRto);
}

}  // namespace moat::netstack::tcp
