// When to acknowledge text: at once, at the end of the batch, or delayed (RFC 9293 3.8.6.3, RFC
// 5681 4.2), with Linux's quick-ack and ping-pong modes. Pure policy: who calls it sends and owns
// the timer.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_ACK_POLICY_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_ACK_POLICY_H_

#include <cstdint>

#include "netstack/base/time.h"

namespace moat::netstack::tcp {

// As Linux (TCP_DELACK_MIN, TCP_DELACK_MAX); RFC 9293 allows up to 500 ms.
inline constexpr Duration kMinAckDelay = std::chrono::milliseconds(40);
inline constexpr Duration kMaxAckDelay = std::chrono::milliseconds(200);

class AckPolicy {
 public:
  enum class Verdict : uint8_t { kNow, kAtFlush, kDelayed };

  void Init(uint32_t advertised_mss);

  // In-order text arrived. `segment` is the size of the packets on the wire, `merged` that several
  // came as one; `unacknowledged` is RCV.NXT - Last.ACK.sent.
  Verdict OnText(uint32_t segment, bool merged, uint32_t unacknowledged, Duration rto, Time now);
  // The program has read everything. True: an ACK that is owed goes now, since no reply is expected
  // to carry it and the peer may wait for it with the rest of a message (Nagle).
  // DEVIATION: Linux does so for ever; here a peer that goes on with small segments, of which
  // `unacknowledged` octets are little of the `window`, gets one for several of them after a while
  // (RFC 9293 SHLD-18), or whoever reads eagerly would acknowledge each by itself.
  bool OnDrained(uint32_t unacknowledged, uint32_t window);
  // An acknowledgement went out, alone or on data.
  void OnAckSent() {
    pending_ = false;
    texts_ = 0;
    if (quick_ > 0) --quick_;
  }
  // We sent data: soon after receiving some it is a conversation, whose replies carry the ACKs.
  void OnDataSent(Time now) {
    drained_ = 0;
    if (last_text_ != Time{} && now - last_text_ < ack_timeout_) ping_pong_ = true;
  }
  // Out-of-order text, or a delayed ACK that came too late: acknowledge everything for a while.
  void EnterQuickAck() {
    quick_ = kQuickAcks;
    drained_ = 0;
    ping_pong_ = false;
  }
  void LeaveQuickAck() { ping_pong_ = true; }  // TCP_QUICKACK 0
  void OnDelayExpired();

  bool pending() const { return pending_; }  // an ACK is owed and delayed or held for the flush
  void SetPending() { pending_ = true; }
  Duration delay() const;
  Duration ack_timeout() const { return ack_timeout_; }
  uint32_t receive_mss() const { return receive_mss_; }

 private:
  static constexpr uint8_t kQuickAcks = 16;
  static constexpr uint8_t kTextsPerAck = 4;  // few beside any congestion window

  void UpdateTimeout(Duration rto, Time now);

  uint32_t advertised_mss_ = 1460;
  uint32_t receive_mss_ = 536;  // estimate of what the peer sends as full segments
  Duration ack_timeout_{};
  Time last_text_{};
  uint8_t quick_ = 0;
  uint8_t drained_ = 0;  // ACKs for reads, one after the other, without a full segment
  uint8_t texts_ = 0;    // segments since the last ACK, kTextsPerAck at most
  bool ping_pong_ = false;
  bool pending_ = false;
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_ACK_POLICY_H_
