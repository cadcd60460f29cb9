#include "netstack/transport/tcp/receive_buffer.h"

#include <algorithm>

#include "netstack/wire/tcp_options.h"

namespace moat::netstack::tcp {

void ReceiveBuffer::Init(uint32_t initial, uint32_t max, bool autotune) {
  size_ = initial;
  max_ = std::max(initial, max);
  autotune_ = autotune;
  space_ = initial / 4;
}

void ReceiveBuffer::Fix(uint32_t size) {
  if (size == 0) return;
  size_ = size;
  max_ = std::max(max_, size);
  autotune_ = false;
}

uint8_t ReceiveBuffer::ShiftFor(uint32_t max) {
  uint8_t shift = 0;
  while (shift < kTcpMaxWindowScale && (max >> shift) > 65535) ++shift;
  return shift;
}

void ReceiveBuffer::Start(SeqNum next, Time now) {
  copied_ = rtt_edge_ = next;
  measured_at_ = rtt_from_ = now;
}

void ReceiveBuffer::OnReceived(SeqNum next, uint32_t window, Time now) {
  if (!autotune_ || next < rtt_edge_) return;
  if (rtt_from_ != now) {
    // An upper bound, since the peer need not have filled the window: the smallest is the best.
    const Duration sample = now - rtt_from_;
    rtt_ = rtt_ == Duration::zero() || sample < rtt_ ? sample : (15 * rtt_ + sample) / 16;
  }
  rtt_edge_ = next + std::max<uint32_t>(window, 1);
  rtt_from_ = now;
}

void ReceiveBuffer::OnConsumed(SeqNum copied, uint32_t mss, Duration rtt, Time now,
                               bool may_grow) {
  if (!autotune_) return;
  const Duration period = rtt_ == Duration::zero() ? rtt
                          : rtt == Duration::zero() ? rtt_ : std::min(rtt, rtt_);
  const Duration elapsed = now - measured_at_;
  if (period == Duration::zero() || elapsed < period) return;
  const uint32_t read = copied - copied_;
  if (may_grow && read > space_) {
    // Twice what was read in a round trip, so that a sender in slow start is never held; more while
    // the rate still rises.
    uint64_t wanted = 2ull * read + 16ull * mss;
    if (space_ != 0) wanted += 2 * (wanted * (read - space_) / space_ / 2);
    size_ = static_cast<uint32_t>(std::clamp<uint64_t>(wanted, size_, max_));
    space_ = read;
  }
  copied_ = copied;
  measured_at_ = now;
}

}  // namespace moat::netstack::tcp
