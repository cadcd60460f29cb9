// Explicit congestion notification (RFC 3168): its negotiation, the receiver's echo, and what goes out with which
// codepoint. The response to an echo is recovery.cc's (EnterReduced).
#include "netstack/transport/tcp/connection.h"

namespace moat::netstack::tcp {
namespace {

constexpr uint8_t kSetup = tcp_flag::kEce | tcp_flag::kCwr;
constexpr uint8_t kEcnMask = 3;    // of TOS or Traffic Class (5)
constexpr uint8_t kEct0 = 2;
constexpr uint8_t kCe = 3;

// Values of tcp_ecn.
constexpr int64_t kOff = 0;
constexpr int64_t kAsk = 1;

}  // namespace

// 6.1.1: the flags of our SYN or SYN,ACK.
uint8_t Connection::EcnSetupFlags(bool answer) {
  if (answer) return ecn_ ? tcp_flag::kEce : uint8_t{0};
  // 6.1.1.1: what drops SYNs that ask for it must not keep us from connecting.
  const bool again = retransmits_ > 0 && core_.sysctls.ecn_fallback->value() != 0;
  ecn_ = core_.sysctls.ecn->value() == kAsk && !again;
  return ecn_ ? kSetup : uint8_t{0};
}

// The peer's SYN, or its SYN,ACK that answers ours.
void Connection::TakeEcnSetup(const Segment& segment) {
  const uint8_t flags = segment.flags & kSetup;
  if (segment.Has(tcp_flag::kAck) && state_ == TcpState::kSynSent) {
    ecn_ = ecn_ && flags == tcp_flag::kEce;
    return;
  }
  ecn_ = AcceptsEcn(core_, segment);
}

bool Connection::AcceptsEcn(const Core& core, const Segment& syn) {
  // 6.1.1: an ECN-capable codepoint on a SYN itself is a sign that somebody sets bits at random.
  const bool clean = (syn.packet->traffic_class & kEcnMask) == 0;
  return core.sysctls.ecn->value() != kOff && (syn.flags & kSetup) == kSetup && clean;
}

// 6.1.3: each ACK echoes a CE mark until the sender says that it has reduced its window.
void Connection::TakeCongestionMark(const Segment& segment) {
  if (segment.Has(tcp_flag::kCwr)) {
    echo_ce_ = false;
    // Its window may be one segment: do not keep it waiting.
    if (segment.text.size() > 0) ack_policy_.EnterQuickAck();
  }
  if (segment.text.size() == 0 || (segment.packet->traffic_class & kEcnMask) != kCe) return;
  if (!echo_ce_) ack_policy_.EnterQuickAck();
  echo_ce_ = true;
}

// 6.1.5, 6.1.6: neither what is sent again nor window probes nor pure ACKs are ECN-capable.
uint8_t Connection::TrafficClass(uint8_t configured, bool new_text) const {
  const auto rest = static_cast<uint8_t>(configured & ~kEcnMask);
  return ecn_ && new_text ? rest | kEct0 : rest;
}

// 6.1.2: at most one reaction per window of data.
bool Connection::HeedsEcho() const {
  const bool same_window = tcb_.snd.una <= recover_ && recover_ <= tcb_.snd.nxt && recover_ != tcb_.snd.iss;
  return !same_window;
}

}  // namespace moat::netstack::tcp
