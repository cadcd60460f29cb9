// What a connection that has something to send waits for, and for how long: the three stop-watches
// that Linux calls tcp_chrono, of which one runs at a time. tcp_info shows them as busy_time,
// rwnd_limited and sndbuf_limited.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_SEND_CLOCK_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_SEND_CLOCK_H_

#include <cstdint>

#include "netstack/base/time.h"

namespace moat::netstack::tcp {

enum class SendLimit : uint8_t {
  kIdle,      // nothing to send, and all that was sent is acknowledged: no watch runs
  kNetwork,   // the congestion window, the pacer, Nagle, or only the ACKs to come
  kReceiver,  // the peer's window
  kBuffer,    // the send buffer is full of what is in flight, and the writer has more
};

// Counts how long there was something to send. Eight octets, since each connection has one: time is
// in ticks of 2^20 ns, about a millisecond, of which 2^32 are 52 days. Stretches are differences
// of instants that were rounded, so that errors of many short ones do not add up.
class SendClock {
 public:
  using Ticks = uint32_t;

  void Start(Time now) { began_ = At(now); }
  // Ends what Start() began; returns how long it was.
  Ticks Stop(Time now) {
    const Ticks length = Running(now);
    busy_ += length;
    return length;
  }
  Ticks Running(Time now) const { return At(now) - began_; }
  Ticks busy() const { return busy_; }

  static Duration Length(Ticks ticks) { return Duration(static_cast<int64_t>(ticks) << kTickBits); }

 private:
  static constexpr int kTickBits = 20;
  static Ticks At(Time now) {
    return static_cast<Ticks>(now.time_since_epoch().count() >> kTickBits);
  }

  Ticks busy_ = 0;
  Ticks began_ = 0;
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_SEND_CLOCK_H_
