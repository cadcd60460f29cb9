// What remains of a connection in TIME-WAIT (RFC 9293 3.10.7.4): enough to answer for it, in a
// fraction of its memory. Lasts 60 seconds, as in Linux (RFC 9293 says 2 MSL, four minutes; the MSL
// is ours to choose).
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_TIME_WAIT_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_TIME_WAIT_H_

#include <cstdint>

#include "netstack/base/timer.h"
#include "netstack/transport/ports.h"
#include "netstack/transport/tcp/core.h"
#include "netstack/transport/tcp/flow.h"
#include "netstack/transport/tcp/segment.h"
#include "netstack/transport/tcp/tcb.h"

namespace moat::netstack::tcp {

inline constexpr Duration kTimeWaitDuration = std::chrono::seconds(60);

class TimeWait final : public Flow {
 public:
  TimeWait(Core& core, const FlowKey& key, InterfaceIndex device, const Tcb& tcb, uint16_t wnd,
           uint64_t id, PortReservation port);
  ~TimeWait();

  // True: `segment` is a SYN that may begin a new connection in place of this one (RFC 6191, RFC
  // 1122 4.2.2.13); the caller destroys this object and gives the SYN to a listener, whose ISN must
  // exceed minimum_isn().
  bool SegmentArrives(const Segment& segment);
  SeqNum minimum_isn() const { return snd_nxt_ + 65537; }
  // Whether connect() may take over the flow (tcp_tw_reuse).
  bool Reusable() const;
  uint64_t id() const { return id_; }
  bool timer_armed() const { return timer_.armed(); }
  // The ACE field of its ACKs (RFC 9768 3.2.2).
  void set_ace(uint8_t ace) { ace_ = ace; }
  ListHook<TimeWait>& hook() { return hook_; }

 private:
  bool IsNewer(const Segment& syn) const;
  void SendAck(const Segment& segment);
  void OnTimer();

  Core& core_;
  ListHook<TimeWait> hook_;
  Timer timer_;
  SeqNum snd_nxt_;
  SeqNum rcv_nxt_;
  uint32_t ts_recent_ = 0;
  uint32_t ts_offset_ = 0;
  Time ts_recent_at_{};
  Time last_invalid_ack_{};
  uint16_t wnd_ = 0;  // as on the wire
  bool timestamps_ = false;
  uint8_t ace_ = 0;
  const uint64_t id_;
  PortReservation port_;
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_TIME_WAIT_H_
