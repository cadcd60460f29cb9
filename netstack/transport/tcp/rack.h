// RACK (RFC 8985 6): which transmission was delivered last, and how much reordering to bear with
// before what was sent earlier is deemed lost. Pure state and arithmetic; the flight keeps the
// records, recovery acts. Names are the RFC's.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_RACK_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_RACK_H_

#include <cstdint>

#include "netstack/base/time.h"
#include "netstack/transport/tcp/flight.h"
#include "netstack/transport/tcp/rtt.h"
#include "netstack/wire/seqnum.h"

namespace moat::netstack::tcp {

class Rack {
 public:
  // Steps 1 to 3 of 6.2. `repeat_is_old`: the ACK's timestamp echo shows that what was
  // retransmitted is acknowledged for its earlier transmission.
  void OnDelivered(const Delivery& delivery, const RttEstimator& rtt, bool repeat_is_old,
                   Time now) {
    if (delivery.reordered > 0) reordering_seen_ = true;
    if (delivery.any_original) Take(delivery.newest_original, now);
    if (delivery.any_repeat && !repeat_is_old &&
        now - delivery.newest_repeat.sent >= rtt.min_rtt()) {
      Take(delivery.newest_repeat, now);
    }
  }
  // Step 4, its adaptation: a D-SACK came, which says that a retransmission was not needed.
  void OnDsack(SeqNum snd_una, SeqNum snd_nxt);
  // The same: a recovery has ended.
  void OnRecoveryEnd();

  // Step 4. `impatient`: in recovery, or as many segments were SACKed as RFC 5681 has duplicate
  // ACKs.
  Duration ReorderingWindow(const RttEstimator& rtt, bool impatient) const;
  // What each transmission has before it is overdue, once a later one was delivered.
  Duration Patience(const RttEstimator& rtt, bool impatient) const {
    return rtt_ + ReorderingWindow(rtt, impatient);
  }

  Time xmit() const { return xmit_; }
  SeqNum end_seq() const { return end_seq_; }
  bool any() const { return xmit_ != Time{}; }
  bool reordering_seen() const { return reordering_seen_; }
  uint8_t multiplier() const { return multiplier_; }

 private:
  void Take(const FlightRecord& record, Time now) {
    if (!record.SentAfter(xmit_, end_seq_)) return;
    xmit_ = record.sent;
    end_seq_ = record.end();
    rtt_ = now - record.sent;
  }

  Time xmit_{};        // RACK.xmit_ts
  Duration rtt_{};     // RACK.rtt
  SeqNum end_seq_;     // RACK.end_seq
  SeqNum dsack_round_;
  uint8_t multiplier_ = 1;  // RACK.reo_wnd_mult
  uint8_t persist_ = 0;     // RACK.reo_wnd_persist
  bool in_dsack_round_ = false;
  bool reordering_seen_ = false;
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_RACK_H_
