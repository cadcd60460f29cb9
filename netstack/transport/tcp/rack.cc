#include "netstack/transport/tcp/rack.h"

#include <algorithm>

namespace moat::netstack::tcp {
namespace {

constexpr uint8_t kPersist = 16;         // recoveries without a D-SACK that shrink the window again
constexpr uint8_t kMaxMultiplier = 255;  // beyond SRTT, which bounds the window, long before

}  // namespace

void Rack::OnDsack(SeqNum snd_una, SeqNum snd_nxt) {
  if (in_dsack_round_ && snd_una >= dsack_round_) in_dsack_round_ = false;
  if (in_dsack_round_) return;
  in_dsack_round_ = true;
  dsack_round_ = snd_nxt;
  if (multiplier_ < kMaxMultiplier) ++multiplier_;
  persist_ = kPersist;
}

void Rack::OnRecoveryEnd() {
  if (persist_ > 0 && --persist_ == 0) multiplier_ = 1;
}

Duration Rack::ReorderingWindow(const RttEstimator& rtt, bool impatient) const {
  if (!reordering_seen_ && impatient) return Duration::zero();
  return std::min(multiplier_ * rtt.min_rtt() / 4, rtt.srtt());
}

}  // namespace moat::netstack::tcp
