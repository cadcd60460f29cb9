// SEGMENT ARRIVES in SYN-SENT (RFC 9293 3.10.7.3), and what a SYN's options mean.
#include <algorithm>

#include "netstack/transport/tcp/connection.h"

namespace moat::netstack::tcp {

void Connection::SynSentArrives(Segment& segment) {
  // First, check the ACK bit.
  const bool has_ack = segment.Has(tcp_flag::kAck);
  const uint32_t early = fast_open_ == nullptr ? 0 : fast_open_->syn_text;
  if (has_ack) {
    const bool acceptable = segment.ack > tcb_.snd.iss && segment.ack <= tcb_.snd.nxt + early;
    // RFC 7323 3.2: an echo that we never sent is as good as a wrong ACK (Linux, PAWSActive).
    const bool echo_wrong = segment.options.has_timestamps && tcb_.ts.enabled &&
                            segment.options.ts_echo != 0 &&
                            static_cast<int32_t>(core_.TimestampNow() + tcb_.ts.offset -
                                                 segment.options.ts_echo) < 0;
    if (echo_wrong) ++core_.counters.paws_active;
    if (!acceptable || echo_wrong) {
      core_.SendReset(segment);  // not to a RST
      return;
    }
  }
  // Second, check the RST bit.
  if (segment.Has(tcp_flag::kRst)) {
    if (has_ack) Die(Error::kConnectionRefused);
    return;
  }
  // Third, check security: none. Fourth, check the SYN bit.
  if (!segment.Has(tcp_flag::kSyn)) return;
  TakeSyn(segment);
  if (!has_ack) {
    // Both sides opened at once (3.5, figure 8).
    SetState(TcpState::kSynReceived);
    backoff_ = retransmits_ = 0;
    const bool first = open_deferred();  // no SYN of ours has gone, so no timer runs
    fast_open_.reset();                  // the text goes later
    if (first) {
      SendFirstSyn();
    } else {
      (void)SendSyn();  // as SYN, ACK; a failure is a loss
    }
    return;
  }
  tcb_.snd.una = segment.ack;
  if (fast_open_ != nullptr) TakeFastOpenAnswer(segment);
  if (retransmits_ == 0) {
    rtt_.Sample(core_.Now() - last_send_, core_.Now());
  } else {
    rtt_.SynTimedOut();
  }
  // The window of a SYN is never scaled (RFC 7323 2.2).
  tcb_.snd.wnd = tcb_.snd.max_wnd = segment.wnd;
  tcb_.snd.wl1 = segment.seq;
  tcb_.snd.wl2 = segment.ack;
  Established();
  if (accecn_ != nullptr) AckAccEcnAnswer();
  // Text or a FIN on the SYN,ACK goes on with the sixth step.
  if (segment.text.size() > 0 || segment.Has(tcp_flag::kFin)) {
    CheckUrgent(segment);
    ReceiveText(segment);
    CheckFin(segment);
  }
  if (state_ == TcpState::kEstablished && send_queue_.empty() && accecn_ == nullptr) SendAck();
}

// IRS and the options, from a SYN with or without ACK.
void Connection::TakeSyn(const Segment& segment) {
  tcb_.rcv.irs = segment.seq;
  tcb_.rcv.nxt = segment.seq + 1;
  tcb_.rcv.acked = tcb_.rcv.nxt;
  // What the SYN offered is all that the peer may send before our next segment.
  tcb_.rcv.adv = tcb_.rcv.nxt + std::min<uint32_t>(receive_buffer_.size(), 65535);
  receive_buffer_.Start(tcb_.rcv.nxt, core_.Now());
  TakeEcnSetup(segment);
  TakeSynOptions(segment.options);
}

void Connection::TakeSynOptions(const TcpOptionSet& options) {
  const Sysctls& sysctls = core_.sysctls;
  tcb_.peer_mss = options.has_mss ? options.mss : 0;
  const bool offered_timestamps = sysctls.timestamps->value() != 0;
  tcb_.ts.enabled = options.has_timestamps && offered_timestamps;
  if (tcb_.ts.enabled) {
    tcb_.ts.recent = options.ts_value;
    tcb_.ts.recent_at = core_.Now();
  }
  tcb_.sack = options.sack_permitted && sysctls.sack->value() != 0;
  if (options.has_window_scale && sysctls.window_scaling->value() != 0) {
    tcb_.snd.shift = options.window_scale;
  } else {
    tcb_.snd.shift = tcb_.rcv.shift = 0;
    window_scaling_ = false;
  }
  TakeUserTimeout(options.user_timeout);
  UpdateMss();
}

}  // namespace moat::netstack::tcp
