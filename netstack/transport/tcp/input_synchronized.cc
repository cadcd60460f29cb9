// The steps of RFC 9293 3.10.7.4 for SYN-RECEIVED and the synchronized states. Each returns false
// when the segment is done with.
#include <algorithm>

#include "netstack/transport/tcp/connection.h"
#include "netstack/transport/tcp/listener.h"
#include "netstack/transport/tcp/state.h"

namespace moat::netstack::tcp {
namespace {

// RFC 7323 5.5: a TS.Recent older than this is not to be trusted.
constexpr Duration kTimestampLife = std::chrono::hours(24 * 24);

constexpr uint8_t kPredicted = tcp_flag::kAck;
constexpr uint8_t kPredictedMask = static_cast<uint8_t>(~tcp_flag::kPsh);
constexpr uint8_t kAccEcnMask = static_cast<uint8_t>(kPredictedMask & ~FlagsOfAce(3));

}  // namespace

// Header prediction (RFC 7323 appendix, Jacobson): the next segment of a quiet connection, which is
// an ACK of new data, or text that is exactly next, or both. Takes only what needs none of the
// checks.
bool Connection::FastPath(Segment& segment) {
  if (state_ != TcpState::kEstablished) return false;
  const uint8_t mask = accecn_ == nullptr ? kPredictedMask : kAccEcnMask;
  if ((segment.flags & mask) != kPredicted) return false;
  if (segment.seq != tcb_.rcv.nxt) return false;
  if ((segment.options.sack_count | segment.options.user_timeout) != 0) return false;
  if (tcb_.ts.enabled != segment.options.has_timestamps) return false;
  if (tcb_.ts.enabled && static_cast<int32_t>(segment.options.ts_value - tcb_.ts.recent) < 0)
    return false;
  if (recovery_ != Recovery::kOpen || out_of_order_ != nullptr || syn_ack_unacked_) return false;
  // A CE mark (RFC 3168 5) wants more.
  const uint8_t codepoint = segment.packet->traffic_class & ip_ecn::kMask;
  if (codepoint == ip_ecn::kCe && (ecn_ || accecn_ != nullptr)) return false;
  const auto size = static_cast<uint32_t>(segment.text.size());
  if (size == 0) {
    // Pure ACK of something in flight.
    if (segment.ack <= tcb_.snd.una || segment.ack > tcb_.snd.nxt) return false;
    ++core_.counters.header_prediction_acks;
    UpdateTimestamp(segment);
    if (accecn_ != nullptr) [[unlikely]] CountMarks(segment);
    ProcessAck(segment);
    return true;
  }
  if (segment.ack < tcb_.snd.una || segment.ack > tcb_.snd.nxt) return false;
  if (read_shut_ || size > ReceiveWindow() || !MemoryForText(size)) return false;
  ++core_.counters.header_prediction_hits;
  UpdateTimestamp(segment);
  if (codepoint != ip_ecn::kNotEct && ecn_) [[unlikely]] ecn_seen_ = true;
  if (accecn_ != nullptr) [[unlikely]] CountMarks(segment);
  if (segment.ack == tcb_.snd.una) {
    UpdateSendWindow(segment);
  } else {
    ProcessAck(segment);  // a reply that acknowledges what it answers
  }
  ReceiveInOrder(segment, segment.seq, std::move(segment.text));
  AckText(segment);
  return true;
}

// RFC 7323 5.3 R1, 3.2.
bool Connection::CheckTimestamps(const Segment& segment) {
  if (!tcb_.ts.enabled || segment.Has(tcp_flag::kRst)) return true;
  if (!segment.options.has_timestamps) {
    // 3.2: once negotiated, a segment without is dropped silently. A retransmitted SYN has its own
    // rules.
    return segment.Has(tcp_flag::kSyn);
  }
  const bool old = static_cast<int32_t>(segment.options.ts_value - tcb_.ts.recent) < 0;
  if (!old || core_.Now() - tcb_.ts.recent_at > kTimestampLife) return true;
  ++core_.counters.paws_estab;
  AnswerUnacceptable(segment, core_.counters.ack_skipped_paws);
  return false;
}

bool Connection::CheckSequence(Segment& segment) {
  const SeqNum nxt = tcb_.rcv.nxt;
  const uint32_t window = ReceiveWindow();
  const uint32_t length = segment.length();
  bool acceptable;
  if (length == 0) {
    acceptable = window == 0 ? segment.seq == nxt : segment.seq.InWindow(nxt, window);
    // A pure ACK right at the edge of a full window is not outside of it (RFC 9293 3.10.7.4, note).
    // A RST there is (RFC 5961 3.2).
    if (window != 0 && segment.seq == nxt + window && !segment.Has(tcp_flag::kRst))
      acceptable = true;
  } else {
    acceptable = segment.seq.InWindow(nxt, window) || (segment.end() - 1).InWindow(nxt, window) ||
                 (segment.seq <= nxt && segment.end() > nxt + window && window > 0);
  }
  if (acceptable) {
    UpdateTimestamp(segment);
    return true;
  }
  // Simultaneous open: the peer's SYN,ACK repeats the SYN that we have, and its ACK is what we wait
  // for.
  if (state_ == TcpState::kSynReceived && segment.Has(tcp_flag::kSyn) &&
      segment.Has(tcp_flag::kAck) && segment.seq == tcb_.rcv.irs && segment.ack == tcb_.snd.nxt) {
    // Nor do its ECE and CWR mean what they do without SYN (RFC 3168 6.1.1).
    segment.flags &= static_cast<uint8_t>(~(tcp_flag::kSyn | tcp_flag::kEce | tcp_flag::kCwr));
    segment.had_syn = true;
    segment.seq += 1;
    return true;
  }
  // "If the RCV.WND is zero, no segments will be acceptable, but special allowance should be made
  // to accept valid ACKs, URGs, and RSTs": go on with a segment that is next, less its text.
  if (window == 0 && segment.seq == nxt && !segment.Has(tcp_flag::kSyn)) {
    if (segment.text.size() > 0) ++core_.counters.zero_window_drop;
    const bool answer = segment.length() > 0 && !segment.Has(tcp_flag::kRst);
    // RFC 3168 6.1.6: the mark of a window probe counts, since its number is hard to guess.
    if (answer && ecn_) {
      TakeCongestionMark(segment);
      segment.flags &= static_cast<uint8_t>(~tcp_flag::kCwr);
    }
    segment.text = Slice();
    segment.flags &= static_cast<uint8_t>(~tcp_flag::kFin);
    if (answer) SendAckNow();
    return true;
  }
  AnswerUnacceptable(segment, core_.counters.ack_skipped_seq);
  return false;
}

// An ACK in reply to a segment outside of the window, unless it is a RST. Those without data are
// answered sparingly, or two hosts could ping-pong them for ever; `skipped` counts those that are
// not.
void Connection::AnswerUnacceptable(const Segment& segment, Counter& skipped) {
  if (segment.Has(tcp_flag::kRst)) return;
  const bool opening = state_ == TcpState::kSynReceived || syn_ack_unacked_;
  if (opening && segment.Has(tcp_flag::kSyn) && segment.seq == tcb_.rcv.irs) {
    // Our SYN,ACK was lost, or crossed the retransmission.
    if (!TakeRepeatedSyn(segment)) return;
    if (core_.AllowInvalidAck(last_invalid_ack_)) {
      syn_ack_repeated_ = true;
      (void)SendSyn();
    } else {
      ++core_.counters.ack_skipped_syn_received;
    }
    return;
  }
  TakeRepeatedSynAck(segment);
  if (segment.text.size() == 0 && !core_.AllowInvalidAck(last_invalid_ack_)) {
    ++skipped;
    if (accecn_ != nullptr) accecn_->handshake_ack = false;
    return;
  }
  const bool old_text = segment.text.size() > 0 && segment.text_seq() < tcb_.rcv.nxt;
  if (old_text && accecn_ != nullptr) SuspectAccEcnOption();
  if (!old_text || !tcb_.sack || core_.sysctls.dsack->value() == 0) {
    SendAck();
    return;
  }
  // RFC 2883 4: report what came again. A spurious retransmission says that our ACKs get lost or
  // late.
  ++core_.counters.dsack_old_sent;
  ++core_.counters.delayed_ack_lost;
  ack_policy_.EnterQuickAck();
  const SackBlock duplicate{segment.text_seq(), Min(segment.text_end(), tcb_.rcv.nxt)};
  SendAck(&duplicate);
}

// RFC 5961 3, 4, 5: a segment that may be forged is answered with what a real peer would recognise.
void Connection::ChallengeAck() {
  if (!core_.AllowInvalidAck(last_invalid_ack_) || !core_.AllowChallengeAck()) {
    ++core_.counters.ack_skipped_challenge;
    return;
  }
  ++core_.counters.challenge_ack;
  SendAck();
}

bool Connection::CheckReset(const Segment& segment) {
  if (!segment.Has(tcp_flag::kRst)) return true;
  if (segment.seq != tcb_.rcv.nxt) {  // RFC 5961 3.2
    ChallengeAck();
    return false;
  }
  if (state_ == TcpState::kSynReceived) {
    if (passive_) ++core_.counters.embryonic_rsts;
    Die(passive_ ? Error::kOk : Error::kConnectionRefused);
    return false;
  }
  if (syn_ack_unacked_ && fast_open_ != nullptr) fast_open_->queue->Penalize(core_.Now());
  const bool closing = state_ == TcpState::kClosing || state_ == TcpState::kLastAck;
  if (IsCurrentlyEstablished(state_)) ++core_.counters.estab_resets;
  Error error = Error::kConnectionReset;
  if (closing) error = Error::kOk;
  if (state_ == TcpState::kCloseWait) error = Error::kBrokenPipe;  // as Linux
  Die(error);
  return false;
}

bool Connection::CheckSyn(Segment& segment) {
  if (!segment.Has(tcp_flag::kSyn)) return true;
  if (state_ == TcpState::kSynReceived && passive_) {
    // Back to LISTEN: whoever sent it will try again.
    Die(Error::kOk);
    return false;
  }
  ++core_.counters.syn_challenge;  // RFC 5961 4.2
  ChallengeAck();
  return false;
}

bool Connection::CheckAck(Segment& segment) {
  if (!segment.Has(tcp_flag::kAck)) return false;
  if (state_ == TcpState::kSynReceived && !AckInSynReceived(segment)) return false;
  if (syn_ack_unacked_ && !AckOfEarlySynAck(segment)) return false;
  // RFC 5961 5.2; nor, as Linux, can be acknowledged what was never sent: before the first octet.
  const auto span =
      static_cast<uint32_t>(std::min<uint64_t>(tcb_.snd.max_wnd, stats_.bytes_acked + 1));
  const bool too_old = segment.ack < tcb_.snd.una - span;
  if (segment.ack > tcb_.snd.nxt || too_old) {
    ChallengeAck();
    return false;
  }
  ProcessAck(segment);
  if (state_ == TcpState::kClosed) return false;
  return AckOfFin();
}

bool Connection::AckInSynReceived(Segment& segment) {
  if (!(segment.ack > tcb_.snd.una && segment.ack <= tcb_.snd.nxt)) {
    core_.SendReset(segment);
    return false;
  }
  // TCP_DEFER_ACCEPT: the bare ACK is ignored once; data, or the ACK of the repeated SYN,ACK, will
  // do.
  if (listener_ != nullptr && settings_->tcp.defer_accept && retransmits_ == 0 &&
      segment.length() == 0) {
    return false;
  }
  if (listener_ != nullptr && listener_->AcceptQueueFull()) {
    ++core_.counters.listen_overflows;
    ++core_.counters.listen_drops;
    if (core_.sysctls.abort_on_overflow->value() != 0) {
      core_.SendReset(segment);
      Die(Error::kOk);
    }
    return false;  // the SYN,ACK is retransmitted, the peer will acknowledge again
  }
  // RFC 6298 3 (Karn): nobody knows which of several SYN,ACKs this acknowledges.
  if (retransmits_ > 0) {
    rtt_.SynTimedOut();
  } else if (!syn_ack_repeated_) {
    rtt_.Sample(core_.Now() - last_send_, core_.Now());
  }
  tcb_.snd.una = tcb_.snd.iss + 1;
  tcb_.snd.wnd = static_cast<uint32_t>(segment.wnd) << tcb_.snd.shift;
  tcb_.snd.max_wnd = std::max(tcb_.snd.max_wnd, tcb_.snd.wnd);
  tcb_.snd.wl1 = segment.seq;
  tcb_.snd.wl2 = segment.ack;
  fast_open_.reset();
  TakeHandshakeAck(segment);
  Established();
  return true;
}

// The states that wait for the ACK of our FIN.
bool Connection::AckOfFin() {
  if (!fin_sent_ || tcb_.snd.una != tcb_.snd.nxt) return true;
  switch (state_) {
    case TcpState::kFinWait1:
      SetState(TcpState::kFinWait2);
      if (!orphan()) return true;
      if (settings_->tcp.linger2 < Duration::zero()) {
        ++core_.counters.abort_on_data;  // as Linux: nobody waits for what the peer may send
        Die(Error::kOk);
        return false;
      }
      StartFinWait2Timer();
      return true;
    case TcpState::kClosing:
      EnterTimeWait();
      return false;
    case TcpState::kLastAck:
      Die(Error::kOk);
      return false;
    default:
      return true;
  }
}

// The urgent octet stays in the stream, as RFC 6093 6 advises; DEVIATION: Linux takes it out unless
// SO_OOBINLINE is set.
void Connection::CheckUrgent(const Segment& segment) {
  if (!segment.Has(tcp_flag::kUrg) || !MayReceive(state_)) return;
  const SeqNum up = segment.seq + segment.up;
  if (tcb_.rcv.urgent && up <= tcb_.rcv.up) return;
  if (up < tcb_.rcv.nxt) return;
  tcb_.rcv.urgent = true;
  tcb_.rcv.up = up;
  urgent_pending_ = true;
}

// A FIN behind a hole is remembered until the hole is filled.
void Connection::NoteFin(Segment& segment) {
  if (!segment.Has(tcp_flag::kFin)) return;
  segment.flags &= static_cast<uint8_t>(~tcp_flag::kFin);
  const SeqNum end = segment.text_end();
  if (end < tcb_.rcv.nxt || end > tcb_.rcv.nxt + ReceiveWindow()) return;
  fin_known_ = true;
  fin_seq_ = end;
}

void Connection::CheckFin(Segment& segment) {
  if (state_ == TcpState::kClosed || fin_received_) return;
  NoteFin(segment);
  if (!fin_known_ || fin_seq_ != tcb_.rcv.nxt) return;
  fin_received_ = true;
  tcb_.rcv.nxt += 1;
  tcb_.rcv.adv = Max(tcb_.rcv.adv, tcb_.rcv.nxt);
  out_of_order_.reset();
  SendAck();
  switch (state_) {
    case TcpState::kSynReceived:
    case TcpState::kEstablished:
      SetState(TcpState::kCloseWait);
      break;
    case TcpState::kFinWait1:
      // Our FIN is not acknowledged, or AckOfFin() would have left this state.
      SetState(TcpState::kClosing);
      break;
    case TcpState::kFinWait2:
      EnterTimeWait();
      break;
    default:
      break;
  }
}

}  // namespace moat::netstack::tcp
