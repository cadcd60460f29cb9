// HyStart++ (RFC 9406): ends the first slow start when round trips grow, before it has filled the
// path's queue, by way of some rounds of slower growth in case the growth of the round trip was
// chance. For algorithms whose slow start is RFC 5681's. Names are the RFC's; windows are octets.
//
// DEVIATION: its limit of L segments per ACK (4.2) is left out, for the reason given at
// SlowStart().
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_HYSTART_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_HYSTART_H_

#include <cstdint>

#include "netstack/base/time.h"
#include "netstack/transport/tcp/congestion.h"
#include "netstack/wire/seqnum.h"

namespace moat::netstack::tcp {

class HyStart {
 public:
  // Slow start with the octets of `sample`: grows the window, and may end slow start by setting
  // ssthresh. Returns the octets that are left for congestion avoidance.
  uint32_t Grow(const AckSample& sample, CongestionWindow& window);

  bool in_css() const { return css_rounds_ > 0; }

 private:
  void StartRound(SeqNum end);
  void Judge(const AckSample& sample);

  Duration current_min_ = Duration::max();  // currentRoundMinRTT
  Duration last_min_ = Duration::max();     // lastRoundMinRTT
  Duration css_baseline_ = Duration::max();
  SeqNum window_end_;
  uint8_t samples_ = 0;       // rttSampleCount, which matters up to N_RTT_SAMPLE
  uint8_t css_rounds_ = 0;    // rounds of conservative slow start begun; 0: not in it
  bool started_ = false;
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_HYSTART_H_
