// Round trip time and retransmission timeout (RFC 6298).
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_RTT_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_RTT_H_

#include "netstack/base/time.h"

namespace moat::netstack::tcp {

// DEVIATION: RFC 6298 2.4 wants a minimum of one second. Linux's 200 ms is what peers are used to, and
// still far above their delayed acknowledgements (40 ms).
inline constexpr Duration kMinRto = std::chrono::milliseconds(200);
inline constexpr Duration kMaxRto = std::chrono::seconds(120);  // 2.5: at least 60 s
inline constexpr Duration kInitialRto = std::chrono::seconds(1);  // 2.1

class RttEstimator {
 public:
  // One measured round trip; at least a nanosecond is taken.
  void Sample(Duration rtt);

  bool has_sample() const { return srtt_ > Duration::zero(); }
  Duration srtt() const { return srtt_; }      // zero before the first sample
  Duration variance() const { return rttvar_; }
  Duration min_rtt() const { return min_rtt_; }  // smallest ever; zero before the first sample
  Duration latest() const { return latest_; }

  // The timeout without back-off.
  Duration Rto() const;
  // Doubled `backoff` times, at most kMaxRto (2.5, 5.5).
  Duration Rto(int backoff) const;

  // 5.7: the SYN or SYN-ACK had to be retransmitted, so data starts with three seconds.
  void SynTimedOut() { initial_ = std::chrono::seconds(3); }

 private:
  Duration srtt_{};
  Duration rttvar_{};
  Duration min_rtt_{};
  Duration latest_{};
  Duration initial_ = kInitialRto;
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_RTT_H_
