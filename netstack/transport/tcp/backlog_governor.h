// Keeps the queue in front of the stack short, by the windows that near peers are offered.
//
// Where the stack is the bottleneck of its peers, which on one machine it often is, all octets of
// all open windows wait in its links. More of them add waiting time for everybody and push each
// other out of the caches, and bring no throughput: eight iperf3 streams from the same machine ran
// 15 % faster, one 10 %, with the queue kept below a MiB. So the windows of near connections have a
// common ceiling, which comes down while much is found waiting and goes up while little is. Far
// peers are not held: their windows are full of what is on its way.
//
// Octets of frames and of window. Pure arithmetic; a stack whose owner never tells what waited is
// not governed.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_BACKLOG_GOVERNOR_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_BACKLOG_GOVERNOR_H_

#include <cstddef>
#include <cstdint>

#include "netstack/base/time.h"

namespace moat::netstack::tcp {

class BacklogGovernor {
 public:
  static constexpr size_t kLong = 1 << 20;   // waited together: the ceiling comes down
  static constexpr size_t kShort = 1 << 19;  // below: it goes up
  // As much as a connection is offered at first.
  static constexpr uint32_t kLowest = 64 << 10;
  // Round trips from which a peer is far. A queue of kLong octets is worked off in less than that.
  static constexpr Duration kFar = std::chrono::milliseconds(10);

  // `waited`: octets that were taken from a link at once. `largest`: what a window may ever be.
  void OnArrivals(size_t waited, uint32_t largest);

  // What a connection with this round trip time may offer of `window`. Zero: it is not known, or
  // the window is what the program has asked for, which it gets.
  uint32_t Limit(uint32_t window, Duration rtt) const {
    const bool near = rtt != Duration::zero() && rtt < kFar;
    return near && window > ceiling_ ? ceiling_ : window;
  }

 private:
  uint32_t ceiling_ = UINT32_MAX;
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_BACKLOG_GOVERNOR_H_
