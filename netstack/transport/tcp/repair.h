// What a connection remembers of its last recovery: proportional rate reduction, and how to take
// the recovery back when it proves to have been needless. And the statistics of what does not
// happen to most connections. Allocated with the first loss, or the first such event: an idle
// connection does not have one.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_REPAIR_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_REPAIR_H_

#include <cstdint>

#include "netstack/base/time.h"
#include "netstack/wire/seqnum.h"

namespace moat::netstack::tcp {

// The search for what the path carries (RFC 4821 7.3), in sizes of the MSS; begun when a black hole
// was met.
struct PathSearch {
  uint32_t low = 0;    // gets through; nothing bigger is sent but as a probe
  uint32_t high = 0;   // does not, as far as is known
  uint32_t probe = 0;  // is being tried by the octets from `begin` to `end`; 0: none is
  SeqNum begin{}, end{};
  Time again = kNever;  // when larger ones are worth a try again, after the search came to its end
};

struct Repair {
  // RFC 6937 3.
  uint32_t prr_delivered = 0;
  uint32_t prr_out = 0;
  uint32_t prr_flight = 1;

  // The window before it, which is 0 when there is no way back to it (RFC 4015 3.1 (9)); and what
  // would show that it was needless.
  uint32_t prior_cwnd = 0;
  uint32_t prior_ssthresh = 0;
  bool may_undo = false;       // that it was needless may still show
  bool undone = false;         // it has: the window is as if there had been none
  SeqNum undo_from;            // SND.UNA when it began
  bool repeated = false;       // something was retransmitted since
  uint32_t unexcused = 0;      // octets retransmitted since, less those that a D-SACK reported
  uint32_t stamp = 0;          // TSval of the first retransmission (RFC 3522 3.2); when `repeated`

  // F-RTO (RFC 5682): undecided whether the timeout was spurious; and its step 2.b: only new data
  // goes.
  bool frto = false;
  bool frto_new_data = false;

  // For tcp_info.
  uint32_t timeouts = 0;            // tcpi_total_rto
  uint32_t timeout_recoveries = 0;  // tcpi_total_rto_recoveries
  Duration timeout_time{};          // tcpi_total_rto_time
  Time timeout_began{};             // of the present one
  uint32_t dsacks = 0;
  uint64_t delivered_marked = 0;    // octets acknowledged with ECE
  uint32_t received_marked = 0;     // packets with CE (RFC 3168)
  uint32_t reordering = 0;          // tcpi_reordering, when it is above the least
  uint32_t reordering_events = 0;   // tcpi_reord_seen
  uint32_t out_of_order = 0;        // tcpi_rcv_ooopack: packets of text beyond a hole
  uint32_t rehashes = 0;            // tcpi_rehash: the flow's label and path are others since
  // Stretches of SendClock that are over, in its ticks.
  uint32_t receiver_limited = 0;
  uint32_t buffer_limited = 0;

  PathSearch path;
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_REPAIR_H_
