#include "netstack/transport/tcp/hystart.h"

#include <algorithm>

namespace moat::netstack::tcp {
namespace {

// RFC 9406 4.3.
constexpr Duration kMinRttThreshold = std::chrono::milliseconds(4);
constexpr Duration kMaxRttThreshold = std::chrono::milliseconds(16);
constexpr int kMinRttDivisor = 8;
constexpr uint8_t kRttSamples = 8;
constexpr uint32_t kCssGrowthDivisor = 4;
constexpr uint8_t kCssRounds = 5;

}  // namespace

void HyStart::StartRound(SeqNum end) {
  window_end_ = end;
  last_min_ = current_min_;
  current_min_ = Duration::max();
  samples_ = 0;
}

void HyStart::Judge(const AckSample& sample) {
  if (sample.latest_rtt <= Duration::zero()) return;
  current_min_ = std::min(current_min_, sample.latest_rtt);
  if (samples_ < kRttSamples) ++samples_;
  if (samples_ < kRttSamples) return;
  if (css_rounds_ > 0) {
    // The growth of the round trip was not the queue's: back to slow start.
    if (current_min_ < css_baseline_) css_rounds_ = 0;
    return;
  }
  if (last_min_ == Duration::max()) return;
  const Duration threshold =
      std::clamp(last_min_ / kMinRttDivisor, kMinRttThreshold, kMaxRttThreshold);
  if (current_min_ < last_min_ + threshold) return;
  css_baseline_ = current_min_;
  css_rounds_ = 1;
}

uint32_t HyStart::Grow(const AckSample& sample, CongestionWindow& window) {
  // 4.3: only the first slow start; later ones know where to end.
  if (window.ssthresh != kInfiniteSsthresh) return SlowStart(sample.acked, window);
  if (!started_) {
    started_ = true;
    window_end_ = sample.nxt;
  }
  Judge(sample);
  if (css_rounds_ > 0) {
    window.cwnd += sample.acked / kCssGrowthDivisor;
  } else {
    (void)SlowStart(sample.acked, window);
  }
  if (sample.una >= window_end_) {
    StartRound(sample.nxt);
    if (css_rounds_ > 0 && ++css_rounds_ > kCssRounds) window.ssthresh = window.cwnd;
  }
  return 0;
}

}  // namespace moat::netstack::tcp
