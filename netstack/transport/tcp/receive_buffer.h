// How big the receive window may be, and its growth with what the user really reads ("dynamic right
// sizing", as Linux does). Octets of payload. Pure arithmetic: who calls it owns queue and clock.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_RECEIVE_BUFFER_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_RECEIVE_BUFFER_H_

#include <cstdint>

#include "netstack/base/time.h"
#include "netstack/wire/seqnum.h"

namespace moat::netstack::tcp {

class ReceiveBuffer {
 public:
  void Init(uint32_t initial, uint32_t max, bool autotune);
  // SO_RCVBUF: fixed from now on. 0: nothing changes.
  void Fix(uint32_t size);
  // TCP_WINDOW_CLAMP; 0: none.
  void Clamp(uint32_t clamp) { clamp_ = clamp; }

  uint32_t size() const { return clamp_ != 0 && clamp_ < size_ ? clamp_ : size_; }
  uint32_t max() const { return max_; }
  // As the receiver sees it; zero when unknown, and while the size is fixed.
  Duration rtt() const { return autotune_ ? rtt_ : Duration::zero(); }

  void Start(SeqNum next, Time now);
  // Text came in order up to `next`; `window` is what the peer may still send.
  void OnReceived(SeqNum next, uint32_t window, Time now);
  // The user has read up to sequence number `copied`. `rtt` as the sender side knows it, or zero.
  // `may_grow`: whether memory is plenty.
  void OnConsumed(SeqNum copied, uint32_t mss, Duration rtt, Time now, bool may_grow = true);

  // RFC 7323 2.3: the shift that lets max() be advertised.
  static uint8_t ShiftFor(uint32_t max);

 private:
  uint32_t size_ = 65536;
  uint32_t max_ = 65536;
  uint32_t clamp_ = 0;
  uint32_t space_ = 0;      // octets read in the last measured round trip
  bool autotune_ = false;
  SeqNum copied_;           // at the start of the measurement
  Time measured_at_{};
  // A round trip as the receiver sees it: a whole window's worth of data.
  SeqNum rtt_edge_;
  Time rtt_from_{};
  Duration rtt_{};
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_RECEIVE_BUFFER_H_
