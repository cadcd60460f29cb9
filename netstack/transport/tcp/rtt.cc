#include "netstack/transport/tcp/rtt.h"

#include <algorithm>

namespace moat::netstack::tcp {

void RttEstimator::Sample(Duration rtt) {
  rtt = std::max(rtt, Duration(1));
  latest_ = rtt;
  min_rtt_ = has_sample() ? std::min(min_rtt_, rtt) : rtt;
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
  if (!has_sample()) return initial_;
  // As Linux, the floor is on the variance term: the timeout stays a margin above the round trip.
  return std::min(srtt_ + std::max(4 * rttvar_, kMinRto), kMaxRto);
}

Duration RttEstimator::Rto(int backoff) const {
  Duration rto = Rto();
  for (int i = 0; i < backoff && rto < kMaxRto; ++i) rto *= 2;
  return std::min(rto, kMaxRto);
}

}  // namespace moat::netstack::tcp
