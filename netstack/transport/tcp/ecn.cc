// Explicit congestion notification: which kind is negotiated (RFC 3168 6.1.1, RFC 9768 3.1), and
// RFC 3168's receiver. What goes out with which codepoint is the same for both. The response to an
// echo is recovery.cc's (EnterReduced).
#include "netstack/transport/tcp/connection.h"

namespace moat::netstack::tcp {
namespace {

constexpr uint8_t kSetup = tcp_flag::kEce | tcp_flag::kCwr;

// By values of tcp_ecn, as Linux: what the peer may ask for, and what we ask for.
constexpr EcnMode kIncoming[] = {EcnMode::kNone,     EcnMode::kClassic,  EcnMode::kClassic,
                                 EcnMode::kAccurate, EcnMode::kAccurate, EcnMode::kAccurate};
constexpr EcnMode kOutgoing[] = {EcnMode::kNone,     EcnMode::kClassic, EcnMode::kNone,
                                 EcnMode::kAccurate, EcnMode::kClassic, EcnMode::kNone};

// RFC 9768 table 2: what a SYN,ACK agrees to when AccECN was asked for, by its flags as a number. 5
// is reserved and counts as agreement (3.1.3); 7 reflects what we sent, as broken hosts do.
constexpr EcnMode kAnswers[] = {EcnMode::kNone,     EcnMode::kClassic,  EcnMode::kAccurate,
                                EcnMode::kAccurate, EcnMode::kAccurate, EcnMode::kAccurate,
                                EcnMode::kAccurate, EcnMode::kNone};
constexpr uint8_t kNothing = 0, kClassicGranted = 1, kClassicAsked = 3, kAccurateAsked = 7;

// SYNs, and SYN,ACKs, that ask for or agree to AccECN before one that does not (RFC
// 9768 3.1.4.1, 3.1.4.2).
constexpr uint8_t kAccurateRetries = 1;

EcnMode ModeOf(const EcnMode (&table)[6], const Core& core) {
  return table[static_cast<size_t>(core.sysctls.ecn->value())];
}

}  // namespace

// RFC 9768 3.1.3: any other combination than those that RFC 3168 knows is a request.
EcnMode Connection::AskedEcn(const Segment& syn) {
  if (syn.ace() == kNothing) return EcnMode::kNone;
  return syn.ace() == kClassicAsked ? EcnMode::kClassic : EcnMode::kAccurate;
}

bool Connection::AcceptsAccEcn(const Core& core) {
  return ModeOf(kIncoming, core) == EcnMode::kAccurate;
}

EcnMode Connection::JudgeEcn(const Core& core, const Segment& syn) {
  const EcnMode most = ModeOf(kIncoming, core);
  if (most == EcnMode::kNone) return EcnMode::kNone;
  if (most == EcnMode::kAccurate && AskedEcn(syn) == EcnMode::kAccurate) return EcnMode::kAccurate;
  // RFC 3168 6.1.1: an ECN-capable codepoint on a SYN itself is a sign that somebody sets bits at
  // random.
  const bool clean = (syn.packet->traffic_class & ip_ecn::kMask) == ip_ecn::kNotEct;
  return clean && (syn.flags & kSetup) == kSetup ? EcnMode::kClassic : EcnMode::kNone;
}

// The flags of our SYN or SYN,ACK, as a number.
uint8_t Connection::EcnSetupAce(bool answer) {
  const bool fallback = core_.sysctls.ecn_fallback->value() != 0;
  if (answer) {
    if (accecn_ == nullptr) return ecn_ && ecn_ect_ ? kClassicGranted : kNothing;
    if (retransmits_ <= kAccurateRetries || !fallback)
      return HandshakeAce(accecn_->handshake_codepoint);
    accecn_->send_ect = false;  // 3.1.5: the peer may have understood that there is no ECN
    return kNothing;
  }
  // One kind only is asked for, whatever becomes of the sysctl (3.1.5).
  if (retransmits_ == 0) {
    ecn_ = ecn_ect_ = ModeOf(kOutgoing, core_) == EcnMode::kClassic;
    accecn_asked_ = ModeOf(kOutgoing, core_) == EcnMode::kAccurate;
  }
  if (accecn_asked_) return retransmits_ > kAccurateRetries && fallback ? kNothing : kAccurateAsked;
  // RFC 3168 6.1.1.1: what drops SYNs that ask for it must not keep us from connecting. Marks are
  // still echoed to a peer that answers the first one (6.1.1), but nothing of ours is ECN-capable.
  if (retransmits_ > 0 && fallback) ecn_ect_ = false;
  return ecn_ && ecn_ect_ ? kClassicAsked : kNothing;
}

// The peer's SYN, or its SYN,ACK that answers ours.
void Connection::TakeEcnSetup(const Segment& segment) {
  const bool answer = segment.Has(tcp_flag::kAck) && state_ == TcpState::kSynSent;
  EcnMode mode;
  if (answer && accecn_asked_) {
    mode = kAnswers[segment.ace()];
  } else if (answer) {
    mode = ecn_ && (segment.flags & kSetup) == tcp_flag::kEce ? EcnMode::kClassic : EcnMode::kNone;
  } else {
    mode = JudgeEcn(core_, segment);
  }
  ecn_ = mode == EcnMode::kClassic;
  ecn_ect_ = ecn_ && (passive_ || ecn_ect_);
  if (mode != EcnMode::kAccurate) return;
  if (answer) {
    TakeAccEcnAnswer(segment);
  } else {
    EnterAccEcn(segment);
  }
}

// RFC 3168 6.1.3: each ACK echoes a CE mark until the sender says that it has reduced its window.
void Connection::TakeCongestionMark(const Segment& segment) {
  if (segment.Has(tcp_flag::kCwr)) {
    echo_ce_ = false;
    // Its window may be one segment: do not keep it waiting.
    if (segment.text.size() > 0) ack_policy_.EnterQuickAck();
  }
  const uint8_t codepoint = segment.packet->traffic_class & ip_ecn::kMask;
  if (segment.text.size() == 0 || codepoint == ip_ecn::kNotEct) return;
  ecn_seen_ = true;
  if (codepoint != ip_ecn::kCe) return;
  NeedRepair().received_marked += segment.packets();
  if (!echo_ce_) ack_policy_.EnterQuickAck();
  echo_ce_ = true;
}

// RFC 3168 6.1.5, 6.1.6: neither what is sent again nor window probes nor pure ACKs are
// ECN-capable.
uint8_t Connection::TrafficClass(uint8_t configured, bool new_text) const {
  const auto rest = static_cast<uint8_t>(configured & ~ip_ecn::kMask);
  const bool capable = ecn_ect_ || (accecn_ != nullptr && accecn_->send_ect);
  return capable && new_text ? rest | ip_ecn::kEct0 : rest;
}

// RFC 3168 6.1.2: at most one reaction per window of data.
bool Connection::HeedsEcho() const {
  if (repair_ != nullptr && repair_->undone) return true;
  const bool same_window =
      tcb_.snd.una <= recover_ && recover_ <= tcb_.snd.nxt && recover_ != tcb_.snd.iss;
  return !same_window;
}

}  // namespace moat::netstack::tcp
