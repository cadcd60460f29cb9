// A connection in AccECN mode (RFC 9768): the handshake's feedback, ACE and options of what goes
// out, marks and feedback that come in. Negotiation is ecn.cc's, the counters are accecn.h's, and
// the response to marks is recovery.cc's, the same as to an echo of RFC 3168.
#include <algorithm>

#include "netstack/transport/tcp/connection.h"

namespace moat::netstack::tcp {
namespace {

// 3.2.3.2.2: text that was acknowledged comes again so often, each time after at most so many ACKs
// with an option.
constexpr uint8_t kOptionLosses = 3;
constexpr uint8_t kFewOptionAcks = 2;

// What a handshake fed back as the codepoint of our SYN or SYN,ACK. Both are sent as Not-ECT.
bool SaysMangled(uint8_t ace) { return ace == 3 || ace == 4 || ace == 6; }
bool SaysMarked(uint8_t ace) { return ace == HandshakeAce(ip_ecn::kCe); }

uint8_t CodepointOf(const Segment& segment) {
  return segment.packet->traffic_class & ip_ecn::kMask;
}

}  // namespace

// --- Handshake -----------------------------------------------------------------------------------

// By the SYN that we answer, or the SYN,ACK that answers ours.
void Connection::EnterAccEcn(const Segment& segment) {
  if (accecn_ == nullptr) {
    accecn_ = std::make_unique<AccEcn>();
    core_.memory.Charge(sizeof(AccEcn));
  }
  accecn_->handshake_codepoint = CodepointOf(segment);
  accecn_->round_end = tcb_.snd.nxt;
}

// In SYN-SENT: what the SYN,ACK says beside its codepoint.
void Connection::TakeAccEcnAnswer(const Segment& segment) {
  const uint8_t ace = segment.ace();
  EnterAccEcn(segment);
  accecn_->in.OnSynAck(CodepointOf(segment), static_cast<uint32_t>(segment.text.size()));
  accecn_->out.TestOption(segment.options);
  accecn_->handshake_marked = SaysMarked(ace);
  if (SaysMangled(ace)) accecn_->send_ect = false;  // 3.2.2.3
}

// ESTABLISHED by our SYN. 3.2.2.1: a pure ACK comes first, whatever else there is to send.
void Connection::AckAccEcnAnswer() {
  if (accecn_->handshake_marked) OnMarkedHandshake();
  accecn_->handshake_ack = true;
  SendAck();
}

// 3.1.5: a SYN that repeats the one we have answered. False: it ended the connection.
bool Connection::TakeRepeatedSyn(const Segment& segment) {
  if (segment.Has(tcp_flag::kAck)) return true;
  const EcnMode asked = AskedEcn(segment);
  const bool two_kinds = (accecn_ != nullptr && asked == EcnMode::kClassic) ||
                         (ecn_ && asked == EcnMode::kAccurate);
  if (two_kinds && AcceptsAccEcn(core_)) {
    SendRst();
    Die(passive_ ? Error::kOk : Error::kConnectionReset);
    return false;
  }
  // RFC 3168 6.1.1: the peer has given ECN up. Our answer says that we understood, and if it should
  // use ECN nevertheless its marks are echoed.
  if (asked == EcnMode::kNone) ecn_ect_ = false;
  if (accecn_ == nullptr) return true;
  accecn_->handshake_codepoint = CodepointOf(segment);
  accecn_->syn_repeated = true;
  if (asked == EcnMode::kNone) accecn_->send_ect = false;
  return true;
}

// The SYN,ACK again: our ACK was lost. The latest codepoint is fed back (3.1.5), by a pure ACK
// (3.2.2.1).
void Connection::TakeRepeatedSynAck(const Segment& segment) {
  if (accecn_ == nullptr || passive_ || segment.seq != tcb_.rcv.irs) return;
  if (!segment.Has(tcp_flag::kSyn) || !segment.Has(tcp_flag::kAck)) return;
  accecn_->handshake_codepoint = CodepointOf(segment);
  accecn_->in.OnSynAck(CodepointOf(segment), 0);
  accecn_->handshake_ack = true;
}

// Table 4: the ACK of our SYN,ACK, if it is a pure one.
void Connection::TakeHandshakeAck(const Segment& segment) {
  if (accecn_ == nullptr || segment.had_syn) return;
  const bool pure =
      segment.text.empty() && !segment.Has(tcp_flag::kFin) && segment.options.sack_count == 0;
  if (!pure) return;
  const uint8_t ace = segment.ace();
  accecn_->handshake_taken = true;
  if (ace == 0) accecn_->send_ect = accecn_->heed = false;  // note 1
  if (SaysMangled(ace)) accecn_->send_ect = false;          // 3.2.2.3
  if (SaysMarked(ace)) {
    accecn_->handshake_marked = true;
    accecn_->out.OnMarkedSynAck();
  }
}

// Our SYN or SYN,ACK met congestion: the first window is one segment, as for a lost one.
void Connection::OnMarkedHandshake() {
  accecn_->handshake_marked = false;
  ++core_.counters.ecn_reductions;
  if (!algorithm_->owns_window) window_.cwnd = std::min(window_.cwnd, tcb_.snd.mss);
}

// --- Data Receiver -------------------------------------------------------------------------------

// An acceptable segment, of whatever kind (3.2).
void Connection::CountMarks(const Segment& segment) {
  const auto octets = static_cast<uint32_t>(segment.text.size());
  const bool owes = octets > 0 || tcb_.rcv.nxt != tcb_.rcv.acked;
  // Links merge only packets of the same codepoint.
  if (accecn_->in.OnPacket(CodepointOf(segment), segment.packets(), octets, owes))
    accecn_->ack_now = true;
}

// 3.2.2.5.1, when nothing else has acknowledged. Packets that came as one get one ACK, as the RFC
// allows.
void Connection::AckMarks() {
  if (!accecn_->ack_now || state_ == TcpState::kClosed) return;
  // An ACK of ACKs must not look like a duplicate.
  SendAck(nullptr, /*with_sack=*/tcb_.rcv.nxt != tcb_.rcv.acked);
}

// 3.2.3.2.2: ACKs with an option seem to get lost.
void Connection::SuspectAccEcnOption() {
  if (accecn_->option_acks == 0) return;
  const bool few = accecn_->option_acks <= kFewOptionAcks;
  accecn_->option_acks = 0;
  accecn_->option_losses = few ? accecn_->option_losses + 1 : 0;
  if (accecn_->option_losses >= kOptionLosses) accecn_->options_stopped = true;
}

// What goes out with SYN clear says our counters; with SYN set ecn.cc has said what the flags are.
void Connection::StampAccEcn(TcpFields& fields, TcpOptionSet& options, uint32_t text) {
  AccEcn& state = *accecn_;
  const bool syn = (fields.flags & tcp_flag::kSyn) != 0;
  bool handshake = syn;
  if (!syn) {
    uint8_t ace = state.in.ace();
    if (state.handshake_ack && text == 0) {
      ace = HandshakeAce(state.handshake_codepoint);
      options.sack_count = 0;
      handshake = true;
      state.handshake_ack = false;
    }
    fields.flags = static_cast<uint8_t>((fields.flags & ~FlagsOfAce(3)) | FlagsOfAce(ace));
    fields.ae = AeOfAce(ace);
    state.in.OnAckSent();
    state.ack_now = false;
  }
  const bool first_text = !passive_ && text > 0 && fields.seq == tcb_.snd.iss + 1;
  if (state.options_stopped || (fields.flags & (tcp_flag::kAck | tcp_flag::kRst)) != tcp_flag::kAck)
    return;
  if (syn && (retransmits_ > 0 || state.syn_repeated)) return;  // 3.2.3.2.2
  // SACK has precedence for two blocks (3.2.3.3). A full-sized segment has no room.
  const size_t blocks = std::min<size_t>(options.sack_count, 2);
  const size_t taken = TcpFixedOptionsSize(options) + (blocks == 0 ? 0 : 4 + 8 * blocks);
  size_t room = kTcpMaxOptionsSize - std::min(taken, kTcpMaxOptionsSize);
  if (options.user_timeout != 0) [[unlikely]] text += kTcpUserTimeoutSize;
  if (text > 0) room = std::min<size_t>(room, tcb_.snd.mss - std::min(text, tcb_.snd.mss));
  const auto mode = static_cast<AccEcnReceiver::Options>(core_.sysctls.ecn_option->value());
  if (!state.in.PutOption(mode, handshake || first_text, room, options)) return;
  if (state.option_acks < 255) ++state.option_acks;
  if (first_text) state.option_on_first_text = true;
}

// --- Data Sender ---------------------------------------------------------------------------------

// 3.2.3.2.2: the first text had an option and was lost.
void Connection::NoteAccEcnRepeat(SeqNum seq) {
  if (accecn_->option_on_first_text && seq == tcb_.snd.iss + 1) accecn_->options_stopped = true;
}

// A.1: an ACK that acknowledges neither new octets nor new time may be older than others that came
// before it.
bool Connection::AccEcnSuperseded(const Segment& segment, const AckEvent& event) {
  bool newer = event.delivered > 0;
  if (tcb_.ts.enabled && segment.options.has_timestamps) {
    const uint32_t stamp = segment.options.ts_value;
    if (!accecn_->has_stamp || static_cast<int32_t>(stamp - accecn_->newest_stamp) > 0) {
      accecn_->newest_stamp = stamp;
      accecn_->has_stamp = newer = true;
    }
  }
  return !newer;
}

void Connection::TakeAccEcn(const Segment& segment, AckEvent& event) {
  AccEcn& state = *accecn_;
  if (passive_) state.out.TestOption(segment.options);
  const bool superseded = AccEcnSuperseded(segment, event);
  if (segment.had_syn) return;  // those flags are no ACE
  if (state.handshake_taken) {
    state.handshake_taken = false;
    if (!state.handshake_marked) return;
    ++core_.counters.delivered_ce;
    if (flight_.empty() && tcb_.snd.nxt == tcb_.snd.iss + 1) {
      OnMarkedHandshake();
    } else {
      state.handshake_marked = false;  // text went early (RFC 7413)
      event.echo = true;
    }
    return;
  }
  // 3.2.2.4.
  if (state.first_feedback && segment.ace() == 0) state.send_ect = state.heed = false;
  state.first_feedback = false;
  if (superseded) return;
  const AccEcnSender::Delivered delivered = {event.delivered, event.delivery.packets};
  const uint32_t marked = state.out.OnAck(segment.ace(), segment.options, delivered, tcb_.snd.mss);
  if (tcb_.snd.una > state.round_end) {
    state.out.OnRound();
    state.round_end = tcb_.snd.nxt;
  }
  if (state.out.mangled()) state.send_ect = false;
  if (state.out.always_marked()) state.send_ect = state.heed = false;
  core_.counters.delivered_ce += marked;
  event.echo = marked > 0 && state.heed;
  if (event.echo) event.marked = std::min(state.out.marked_octets(), event.delivered);
}

}  // namespace moat::netstack::tcp
