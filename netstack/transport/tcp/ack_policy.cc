#include "netstack/transport/tcp/ack_policy.h"

#include <algorithm>

namespace moat::netstack::tcp {

// As tcp_initialize_rcv_mss() of Linux.
void AckPolicy::Init(uint32_t advertised_mss) {
  advertised_mss_ = advertised_mss;
  receive_mss_ = std::min(receive_mss_, advertised_mss);
}

void AckPolicy::UpdateTimeout(Duration rto, Time now) {
  if (last_text_ == Time{}) {
    ack_timeout_ = kMinAckDelay;
    quick_ = kQuickAcks;
    return;
  }
  const Duration gap = now - last_text_;
  if (gap <= kMinAckDelay / 2) {
    ack_timeout_ = ack_timeout_ / 2 + kMinAckDelay / 2;
  } else if (gap < ack_timeout_) {
    ack_timeout_ = std::min(ack_timeout_ / 2 + gap, rto);
  } else if (gap > rto) {
    // So long a pause means that the sender starts over and waits for each ACK.
    quick_ = kQuickAcks;
    drained_ = 0;
  }
}

AckPolicy::Verdict AckPolicy::OnText(uint32_t segment, bool merged, uint32_t unacknowledged,
                                     Duration rto, Time now) {
  if (segment > receive_mss_) receive_mss_ = std::min(segment, std::max(advertised_mss_, 536u));
  if (segment >= receive_mss_) drained_ = 0;
  texts_ = std::min<uint8_t>(texts_ + 1, kTextsPerAck);
  UpdateTimeout(rto, now);
  last_text_ = now;
  pending_ = true;
  // RFC 5681 4.2: at least every second full-sized segment.
  if (unacknowledged > receive_mss_) return merged ? Verdict::kAtFlush : Verdict::kNow;
  if (quick_ > 0 && !ping_pong_) return Verdict::kAtFlush;
  return Verdict::kDelayed;
}

bool AckPolicy::OnDrained(uint32_t unacknowledged, uint32_t window) {
  if (!pending_ || ping_pong_) return false;
  const bool scarce = unacknowledged >= window / 4;  // it may be room that the peer waits for
  if (drained_ == kQuickAcks) return scarce || texts_ == kTextsPerAck;
  if (!scarce) ++drained_;
  return true;
}

Duration AckPolicy::delay() const { return std::clamp(ack_timeout_, kMinAckDelay, kMaxAckDelay); }

void AckPolicy::OnDelayExpired() {
  if (ping_pong_) {
    // The reply that should have carried it did not come: no conversation.
    ping_pong_ = false;
    ack_timeout_ = kMinAckDelay;
  } else {
    ack_timeout_ = std::min(ack_timeout_ * 2, kMaxAckDelay);
  }
}

}  // namespace moat::netstack::tcp
