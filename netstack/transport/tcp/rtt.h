// Round trip time and retransmission timeout (RFC 6298).
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_RTT_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_RTT_H_

#include <cstdint>

#include "netstack/base/time.h"

namespace moat::netstack::tcp {

// DEVIATION: RFC 6298 2.4 wants a minimum of one second. Linux's 200 ms is what peers are used to,
// and still far above their delayed acknowledgements (40 ms).
inline constexpr Duration kMinRto = std::chrono::milliseconds(200);
inline constexpr Duration kMaxRto = std::chrono::seconds(120);  // 2.5: at least 60 s
static_assert(kMaxRto >= std::chrono::seconds(60));  // RFC 8961 4 (4) as well
inline constexpr Duration kInitialRto = std::chrono::seconds(1);  // 2.1

class RttEstimator {
 public:
  // One measured round trip, which ended `now`; at least a nanosecond is taken.
  void Sample(Duration rtt, Time now);

  bool has_sample() const { return srtt_ > Duration::zero(); }
  Duration srtt() const { return srtt_; }      // zero before the first sample
  Duration variance() const { return rttvar_; }
  // The smallest of the last five minutes, or of half of them at least (RFC 8985 6.2, step 1: a
  // path may become a longer one); zero before the first sample.
  Duration min_rtt() const { return min_rtt_; }
  Duration latest() const { return latest_; }

  // The timeout without back-off.
  Duration Rto() const;
  // Doubled `backoff` times, at most kMaxRto (2.5, 5.5).
  Duration Rto(int backoff) const;

  // 5.7: the SYN or SYN-ACK had to be retransmitted, so data starts with three seconds.
  void SynTimedOut() { syn_timed_out_ = 1; }

 private:
  void TakeMinimum(Duration rtt, Time now);

  Duration srtt_{};
  Duration rttvar_{};
  Duration min_rtt_{};
  Duration latest_{};
  uint32_t next_min_us_ = 0;         // the smallest since the seconds below
  uint32_t half_began_s_ : 31 = 0;
  uint32_t syn_timed_out_ : 1 = 0;
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_RTT_H_
