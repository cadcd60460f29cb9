// One TCP connection, from its SYN until it is CLOSED. It outlives the socket handle that opened it
// when it still has something to send (an orphan).
//
// The class is one state machine in several files, each a step of RFC 9293 3.10:
//   connection.cc            OPEN, SEND, CLOSE, ABORT, STATUS: the user's calls (3.10.1 to 3.10.6)
//   segment_arrives.cc       SEGMENT ARRIVES (3.10.7): the numbered steps
//   input_syn_sent.cc        its SYN-SENT part; input_listen.cc (Listener) its LISTEN part
//   input_synchronized.cc    its steps for the other states
//   acknowledge.cc           step five: what an ACK means to the send side
//   recovery.cc              loss detection and repair (RFC 5681, 6582, 8985, 6937)
//   early_data.cc            data on the SYN (RFC 7413)
//   pacing.cc                sending at a rate
//   ecn.cc, accurate_ecn.cc  explicit congestion notification (RFC 3168); AccECN (RFC 9768)
//   loss_probe.cc            tail loss probes (RFC 8985 7)
//   undo.cc                  needless recoveries (RFC 3522, 4015, 5682)
//   receive.cc               step seven: text; windows and acknowledgements that we send
//   output.cc, transmit.cc   what may be sent now; building one segment
//   send_limits.cc           what holds data back, and for how long
//   path_search.cc           segment sizes after a black hole (RFC 4821)
//   user_timeout.cc          the user timeout that the peer suggests (RFC 5482)
//   timers.cc                USER, RETRANSMISSION and TIME-WAIT TIMEOUT (3.10.8), probes, keepalive
//   lifecycle.cc             changes of state, the end of a connection, ICMP errors
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_CONNECTION_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_CONNECTION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "netstack/base/timer.h"
#include "netstack/ip/ip_sender.h"
#include "netstack/socket/socket.h"
#include "netstack/socket/tcp_socket.h"
#include "netstack/transport/tcp/accecn.h"
#include "netstack/transport/tcp/ack_policy.h"
#include "netstack/transport/tcp/congestion.h"
#include "netstack/transport/tcp/core.h"
#include "netstack/transport/tcp/delivery_rate.h"
#include "netstack/transport/tcp/fast_open.h"
#include "netstack/transport/tcp/flight.h"
#include "netstack/transport/tcp/flow.h"
#include "netstack/transport/tcp/out_of_order_queue.h"
#include "netstack/transport/tcp/pacer.h"
#include "netstack/transport/tcp/rack.h"
#include "netstack/transport/tcp/receive_buffer.h"
#include "netstack/transport/tcp/receive_queue.h"
#include "netstack/transport/tcp/repair.h"
#include "netstack/transport/tcp/rtt.h"
#include "netstack/transport/tcp/segment.h"
#include "netstack/transport/tcp/send_clock.h"
#include "netstack/transport/tcp/send_queue.h"
#include "netstack/transport/tcp/tcb.h"

namespace moat::netstack::tcp {

class Listener;

// tcp_info's tcpi_ca_state.
enum class Recovery : uint8_t { kOpen, kDisorder, kReduced, kFast, kLoss };

class Connection final : public Flow {
 public:
  Connection(Core& core, uint64_t id, const FlowKey& key, SharedSettings settings,
             PortReservation port);
  ~Connection();

  // What one costs the memory budget beside its queues: itself, its place in the tables, its route.
  static size_t MemoryCost();

  // --- User calls (connection.cc) --------------------------------------------------------------
  // Active OPEN: finds a route and sends the SYN. The flow must be in the table.
  Error Open();
  // Passive OPEN by `listener`: answers `syn`, and takes its text when `fast_open` says so.
  Error OpenPassive(Listener& listener, const Segment& syn, SeqNum iss,
                    std::unique_ptr<FastOpen> fast_open);
  // The same when a cookie has answered the SYN: nothing is sent, the caller feeds the ACK next.
  Error OpenFromCookie(Listener& listener, const Segment& syn, SeqNum iss);
  // Whether the first write will send the SYN.
  bool open_deferred() const { return fast_open_ != nullptr && fast_open_->deferred; }
  Error Write(Slice data, bool more);
  Error WriteUrgent(Slice data);
  // For a writer, who is taken to wait when it is offered little (send_limits.cc).
  size_t WriteSpace() {
    const size_t space = Space();
    if (space < send_buffer_ / 3) NoteWriterWaits(space);
    return space;
  }
  // Memory may be there again for a writer that was told of too little.
  void TryAgain();
  size_t Peek(std::span<std::span<const uint8_t>> pieces) const {
    return receive_queue_.Peek(pieces);
  }
  size_t ReadableBytes() const { return receive_queue_.size(); }
  std::optional<int32_t> UrgentEnd() const;
  void Consume(size_t n);
  bool AtEndOfStream() const;
  Error Shutdown(ShutdownHow how);
  // The handle goes away: close(2). The connection finishes as an orphan, or not at all.
  void Close();
  void Abort(Error error = Error::kOk);
  // The local address will be another host's: a RST goes, and the user learns why.
  void LoseAddress() { Abort(Error::kConnectionAborted); }
  Error TakeError();
  uint32_t Ready() const;
  void SetObserver(SocketObserver* observer);
  const SharedSettings& settings() const { return settings_; }
  void ApplySettings(SharedSettings settings);
  Error SetCongestionControl(std::string_view name);
  std::string_view congestion_control() const { return algorithm_->name; }
  TcpInfo Info();
  TcpState state() const { return state_; }
  uint64_t id() const { return id_; }
  size_t UnackedBytes() const { return send_queue_.size(); }
  size_t UnsentBytes() const { return send_queue_.size() - SentOctets(); }
  bool was_established() const { return was_established_; }
  PortReservation TakePort() { return std::move(port_); }

  // --- Events ----------------------------------------------------------------------------------
  void SegmentArrives(Segment& segment);
  // An ICMP error about a segment of ours with sequence number `seq`.
  void OnIcmpError(const IcmpErrorIn& error, SeqNum seq);
  bool InFlight(SeqNum seq) const;  // sent, and not acknowledged
  // End of the batch: acknowledgements that were held back.
  void Flush();

  // --- Queues of others ------------------------------------------------------------------------
  ListHook<Connection>& all_hook() { return all_hook_; }
  ListHook<Connection>& listener_hook() { return listener_hook_; }
  // What `syn` asks for; what it gets; whether AccECN may be had at all (ecn.cc).
  static EcnMode AskedEcn(const Segment& syn);
  static EcnMode JudgeEcn(const Core& core, const Segment& syn);
  static bool AcceptsAccEcn(const Core& core);
  void Accepted() { listener_ = nullptr; }     // has a handle now
  void ListenerGone() { listener_ = nullptr; }
  const Tcb& tcb() const { return tcb_; }
  bool send_timer_armed() const { return send_timer_.armed(); }
  bool ack_timer_armed() const { return ack_timer_.armed(); }
  bool idle_timer_armed() const { return idle_timer_.armed(); }

 private:
  // --- connection.cc ---------------------------------------------------------------------------
  Error Prepare(SeqNum iss);
  Error BecomeSynReceived(Listener& listener, const Segment& syn, SeqNum iss);
  Error CheckWrite(size_t size);
  size_t BufferSpace() const;
  size_t Space() const;
  size_t ScarceSpace(size_t wanted) const;
  bool Writable() const;
  // The budget learns what the queues keep alive now.
  void SettleMemory() {
    size_t now = send_queue_.footprint() + receive_queue_.footprint();
    if (out_of_order_ != nullptr) now += out_of_order_->footprint();
    core_.memory.Adjust(charged_, now);
    charged_ = now;
  }
  bool MayWrite() const;
  bool UnsentLow() const;  // TCP_NOTSENT_LOWAT
  void CloseSendSide();

  // --- early_data.cc ---------------------------------------------------------------------------
  void PrepareFastOpen();
  void SendFirstSyn();
  uint32_t SynText() const;
  void TakeFastOpenAnswer(const Segment& segment);
  void SuspectFastOpen();
  void RefuseFastOpen();
  FastOpenRefusals::Path FastOpenPath() const;
  void AcceptEarly(const Segment& syn);
  bool AckOfEarlySynAck(const Segment& segment);

  // --- segment_arrives.cc ----------------------------------------------------------------------
  void SynSentArrives(Segment& segment);
  void SynchronizedArrives(Segment& segment);

  // --- input_syn_sent.cc -----------------------------------------------------------------------
  void TakeSynOptions(const TcpOptionSet& options);
  void TakeSyn(const Segment& segment);

  // --- input_synchronized.cc: false means that the segment is done with --------------------------
  bool FastPath(Segment& segment);
  bool CheckSequence(Segment& segment);
  bool CheckTimestamps(const Segment& segment);
  bool CheckReset(const Segment& segment);
  bool CheckSyn(Segment& segment);
  bool CheckAck(Segment& segment);
  bool AckInSynReceived(Segment& segment);
  bool AckOfFin();
  void CheckUrgent(const Segment& segment);
  void NoteFin(Segment& segment);
  void CheckFin(Segment& segment);
  void AfterInput();
  void AnswerUnacceptable(const Segment& segment, Counter& skipped);
  void ChallengeAck();

  // --- acknowledge.cc --------------------------------------------------------------------------
  void ProcessAck(const Segment& segment);
  bool UpdateSendWindow(const Segment& segment);
  struct AckEvent;
  Duration TakeRttSample(const Segment& segment, std::optional<Time> sent, bool acked_new);
  void UpdateTimestamp(const Segment& segment);
  void TakeBackProbe();
  bool TakeDsack(const Segment& segment, SackBlock* block);
  void TakeSacks(const Segment& segment, AckEvent& event);
  void TakeAck(const Segment& segment, AckEvent& event);
  void NoteEcho(const Segment& segment, AckEvent& event) const;
  void GrowSendBuffer();

  // --- recovery.cc -----------------------------------------------------------------------------
  struct AckEvent {
    uint32_t acked = 0;      // octets by which SND.UNA moved
    uint32_t lost = 0;       // octets newly deemed lost, with SACK
    uint32_t delivered = 0;  // octets newly known to be delivered, SACKed ones included
    uint32_t in_flight_before = 0;
    bool duplicate = false;  // RFC 6675 2, or 5681 2 without SACK
    bool plain = false;      // neither text nor FIN came with it
    bool sacked_new = false;
    bool echo = false;       // ECE (RFC 3168), or packets newly known to be marked (RFC 9768)
    bool dsack = false;      // it reports duplicate_block as received twice (RFC 2883)
    bool has_echo = false;   // ts_echo is its timestamp echo
    bool repeat_is_old = false;  // the echo is older than the retransmission that it acknowledges
    uint32_t ts_echo = 0;
    uint32_t marked = 0;     // of `delivered`, what arrived marked
    SackBlock duplicate_block;
    Duration rtt{};          // measured by it; zero: not
    Delivery delivery;
    // Out: how long the next candidate for a loss still has (RFC 8985 6.2 step 5); zero: there is
    // none.
    Duration reorder_left{};
  };
  void OnAckEvent(AckEvent& event);
  void OpenAck(AckEvent& event);
  bool DetectLoss(AckEvent& event);
  bool ShouldEnterRecovery(AckEvent& event);
  void Reduce();
  void EnterRecovery(uint32_t delivered);
  void EnterReduced(uint32_t delivered);
  void ReducedAck(AckEvent& event);
  void RecoveryAck(AckEvent& event);
  void ReduceProportionally(uint32_t delivered);
  void LossAck(AckEvent& event);
  void GrowWindow(const AckEvent& event);
  void NoteSlowStartEnd();
  void LeaveRecovery();
  void LeaveLoss();
  void OnRetransmissionTimeout();
  uint32_t DuplicateCredit() const;
  uint32_t Pipe() const;
  Repair& NeedRepair();
  CongestionControl& congestion() {
    if (congestion_ == nullptr) congestion_ = algorithm_->make();
    return *congestion_;
  }

  // --- pacing.cc -------------------------------------------------------------------------------
  void UpdatePacing();
  uint64_t PacingRate();
  uint64_t UnpacedRate() const;
  bool PacerHolds() { return paced_ && pacer_->Holds(core_.Now()); }
  void PacerSent(uint32_t octets) {
    if (paced_) pacer_->Sent(octets, PacingRate(), core_.Now());
  }
  void OnPacingTimer();
  void TellEveryAck(const AckEvent& event, const RateSample& sample);

  // --- ecn.cc ----------------------------------------------------------------------------------
  uint8_t EcnSetupAce(bool answer);
  void TakeEcnSetup(const Segment& segment);
  void TakeCongestionMark(const Segment& segment);
  uint8_t TrafficClass(uint8_t configured, bool new_text) const;
  bool HeedsEcho() const;

  // --- accurate_ecn.cc: while accecn_ is there, but for the first two and where it says so -------
  void EnterAccEcn(const Segment& segment);
  void TakeAccEcnAnswer(const Segment& segment);
  void AckAccEcnAnswer();
  bool TakeRepeatedSyn(const Segment& segment);     // always
  void TakeRepeatedSynAck(const Segment& segment);  // always
  void TakeHandshakeAck(const Segment& segment);    // always
  void OnMarkedHandshake();
  void CountMarks(const Segment& segment);
  void AckMarks();
  void SuspectAccEcnOption();
  void StampAccEcn(TcpFields& fields, TcpOptionSet& options, uint32_t text);
  void NoteAccEcnRepeat(SeqNum seq);
  bool AccEcnSuperseded(const Segment& segment, const AckEvent& event);
  void TakeAccEcn(const Segment& segment, AckEvent& event);

  // --- undo.cc ---------------------------------------------------------------------------------
  void BeginUndo();
  void NoteRepeat(uint32_t length);
  bool CausedByOriginal(const AckEvent& event) const;
  void UndoWindow();
  void KeepReduction();
  bool TryUndo(const AckEvent& event);
  bool TryUndoPartly(const AckEvent& event);
  bool TryUndoByDsack();
  void OnDsack(const AckEvent& event);
  void NoteReordering(uint32_t octets);
  bool FrtoAck(const AckEvent& event);
  bool OnlyNewData() const {
    return recovery_ == Recovery::kLoss && repair_->frto_new_data;
  }

  // --- loss_probe.cc ---------------------------------------------------------------------------
  bool LossProbeAllowed() const;
  Duration LossProbeTimeout(Duration rto) const;
  Time RetransmissionDeadline() const;
  void ArmFlightTimer(bool progress, Duration reorder_left);
  void ArmLossProbe();
  void OnLossProbeTimeout();
  bool ProbeWithNewData();
  bool ProbeWithLast();
  void LossProbeAck(const AckEvent& event);
  void OnReorderTimeout();

  // --- receive.cc ------------------------------------------------------------------------------
  void ReceiveText(Segment& segment);
  void ReceiveInOrder(Segment& segment, SeqNum seq, Slice text);
  void ReceiveOutOfOrder(const Segment& segment, SeqNum seq, Slice text);
  void DrainOutOfOrder();
  bool MemoryForText(size_t size);
  bool MakeRoom(size_t size);
  uint32_t WindowLimit() const;
  SeqNum ReadPosition() const {  // of the next octet that the user gets
    return tcb_.rcv.nxt - (fin_received_ ? 1 : 0) - static_cast<uint32_t>(receive_queue_.size());
  }
  void SettleUrgent();
  void AckText(const Segment& segment);
  uint32_t ReceiveWindow() const;  // RCV.WND: advertised and not yet used
  uint16_t AdvertiseWindow();      // as for the header; moves the right edge
  void WantFlush() { core_.WantFlush(flush_hook_); }
  void SendAckNow();
  bool SendDsack(const SackBlock& block);

  // --- output.cc -------------------------------------------------------------------------------
  void Output(bool force = false);  // force: send less than a full segment too
  bool RetransmitLost();
  bool RetransmitRecord(size_t i, uint32_t limit);
  bool SendNew(bool force);
  void Sent(SeqNum seq, uint32_t text, bool fin);
  void OnSendError(Error error);
  void OnSendAfterIdle();
  uint32_t SendableNow(uint32_t unsent, bool force);
  uint32_t CwndRoom() const;
  void NoteLimits(uint32_t unsent);
  bool NagleAllows(uint32_t unsent) const;
  bool DeferForBiggerSegment(uint32_t length, uint32_t unsent) const;
  void ArmSendTimer();
  bool EnsureRoute();
  uint64_t PathHash() const;
  uint32_t MssCeiling() const;              // by what is known of peer, route and user
  uint32_t TextOf(uint32_t mss) const;      // of a full segment
  void UpdateMss();
  uint32_t MaxSuperSegment() const;
  uint32_t SentOctets() const;  // of the send queue that were sent at least once
  uint32_t HeaderSize() const;  // IP and TCP, without options
  // Of the IP options that the program gave, or that the SYN brought.
  const Ipv4Options* IpOptions() const {
    return key.remote.is_v4() ? settings_->socket.ip_options.get() : nullptr;
  }
  uint16_t AdvertisedMss() const;
  // RFC 6437 3: the program's, or one by the flow, or none.
  uint32_t FlowLabel() const {
    const uint32_t chosen = settings_->tcp.flow_label;
    if (chosen != 0 || !settings_->socket.auto_flow_label) [[unlikely]] return chosen;
    return std::max(static_cast<uint32_t>(PathHash()) & 0xfffff, 1u);  // 0 would be none
  }
  uint32_t InitialWindow() const { return kInitialWindowSegments * tcb_.snd.mss; }

  // --- send_limits.cc --------------------------------------------------------------------------
  // By what output has just found. The peer's window goes before the send buffer.
  SendLimit LimitNow() const {
    if (flight_.empty() && UnsentBytes() == 0) return SendLimit::kIdle;
    // A probe may have taken the last octet out of the queue.
    if (window_limited_ || tcb_.snd.wnd == 0) return SendLimit::kReceiver;
    return WriterLimits() ? SendLimit::kBuffer : SendLimit::kNetwork;
  }
  bool WriterLimits() const {
    return writer_waits_ && !cwnd_limited_ && UnsentBytes() == 0;
  }
  void SettleLimit() {
    if (writer_waits_) [[unlikely]] JudgeWriter();
    if (const SendLimit limit = LimitNow(); limit != limit_) SwitchLimit(limit);
  }
  void JudgeWriter();
  void SwitchLimit(SendLimit limit);
  void NoteWriterWaits(size_t space);
  void DescribeLimits(TcpInfo& info) const;

  // --- path_search.cc: while path_search_, but for the first two ---------------------------------
  void SuspectBlackHole();
  void SearchPath(uint32_t most);
  uint32_t NextPathProbe();
  bool ProbePath(uint32_t unsent);
  void PathProbeArrived();
  void PathProbeFailed();
  bool OnlyPathProbeLost();

  // --- user_timeout.cc -------------------------------------------------------------------------
  Duration AdvertisedUserTimeout() const;
  Duration UserTimeout() const;  // zero: by retries
  Duration KeepaliveIdle() const;
  void TakeUserTimeout(uint16_t option);
  bool PutUserTimeout(TcpOptionSet& options, uint8_t flags) const;

  // --- transmit.cc -----------------------------------------------------------------------------
  Error SendSyn();
  Error SendSegment(SeqNum seq, uint32_t* text, uint8_t flags, bool whole = false);
  void SendAck(const SackBlock* duplicate = nullptr, bool with_sack = true);
  void SendProbe();
  void SendRst();
  Error SendOut(struct OutSegment& out);
  void FillOptions(TcpOptionSet& options, const SackBlock* duplicate) const;
  void TellUserTimeout(struct OutSegment& out) const;
  void NoteSent(bool data);

  // --- timers.cc -------------------------------------------------------------------------------
  void OnSendTimer();
  void OnSynTimeout();
  void OnRetransmitTimeout();
  void NoteSynTimeout();
  bool HeardSinceLastTimer() const;  // something came while the timer that fires was running
  void OnPersistTimeout();
  void ProbeWindow();
  void OnDelayedAckTimer();
  void OnIdleTimer();
  void ArmIdleTimer();
  void OnKeepaliveTimer();
  static Duration DurationOfRetries(int retries);
  bool GaveUp(int retries);
  int RetryLimit() const;
  bool OrphanMustGo();
  void RestartRetransmissionTimer();

  // --- lifecycle.cc ----------------------------------------------------------------------------
  void SetState(TcpState state);
  void Established();
  void EnterTimeWait();
  void StartFinWait2Timer();
  // To CLOSED with an error for the user (kOk: none).
  void Die(Error error);
  void OnPacketTooBig(uint32_t mtu);
  bool orphan() const { return closed_by_user_; }
  void UpdateReady();

  // kProbe and kReorder stand in for kRetransmit (RFC 8985 8).
  enum class SendTimer : uint8_t { kNone, kSyn, kRetransmit, kProbe, kReorder, kPersist };

  Core& core_;
  const uint64_t id_;
  TcpState state_ = TcpState::kClosed;
  Recovery recovery_ = Recovery::kOpen;
  SendTimer send_timer_kind_ = SendTimer::kNone;
  Error error_ = Error::kOk;       // SO_ERROR
  Error soft_error_ = Error::kOk;  // what a timeout will report (RFC 1122 4.2.3.9)

  bool passive_ : 1 = false;
  bool window_scaling_ : 1 = false;
  bool syn_ack_repeated_ : 1 = false;  // for a repeated SYN: its ACK measures nothing
  bool was_established_ : 1 = false;
  bool syn_ack_unacked_ : 1 = false;  // though ESTABLISHED or beyond (early_data.cc)
  bool syn_data_acked_ : 1 = false;   // text came or went with the SYN
  bool fast_open_child_ : 1 = false;  // opened by a SYN with a cookie that was right
  FastOpenFailure fast_open_failure_ : 2 = FastOpenFailure::kNone;
  bool closed_by_user_ : 1 = false;
  bool read_shut_ : 1 = false;
  bool write_shut_ : 1 = false;
  bool fin_received_ : 1 = false;
  bool fin_known_ : 1 = false;  // a FIN at fin_seq_ was seen, perhaps behind a hole
  bool fin_sent_ : 1 = false;   // in the flight; SND.NXT counts it
  bool push_now_ : 1 = true;    // the last write did not say "more"
  bool cwnd_limited_ : 1 = false;
  bool window_limited_ : 1 = false;  // by the peer's, and cwnd would allow more
  bool writer_waits_ : 1 = false;    // for room in the send buffer
  SendLimit limit_ : 2 = SendLimit::kIdle;
  bool urgent_pending_ : 1 = false;
  bool counted_orphan_ : 1 = false;
  bool out_of_order_drained_ : 1 = false;
  bool zero_window_sent_ : 1 = false;
  bool link_full_ : 1 = false;  // the last send failed for want of buffers
  bool probe_outstanding_ : 1 = false;  // TLP.end_seq is set (RFC 8985 7.1)
  bool probe_repeats_ : 1 = false;      // TLP.is_retrans
  bool probe_armed_by_rtt_ : 1 = true;  // a round trip was measured since the last probe
  bool ecn_ : 1 = false;       // negotiated, of RFC 3168's kind
  bool ecn_ect_ : 1 = false;   // and new text may be ECN-capable: no SYN went or came without it
  bool ecn_seen_ : 1 = false;  // the peer's text is ECN-capable
  bool accecn_asked_ : 1 = false;  // by our SYN
  bool send_cwr_ : 1 = false;  // on the next new text
  bool paced_ : 1 = false;     // pacer_ is there
  bool path_search_ : 1 = false;  // repair_->path limits the MSS
  bool user_timeout_option_ : 1 = false;   // RFC 5482's ENABLED
  bool user_timeout_untold_ : 1 = false;   // the next segment is to have the option
  mutable bool starved_ : 1 = false;  // told of less space than the buffer has, for want of memory
  bool echo_ce_ : 1 = false;   // a CE mark was received and the peer has not reduced its window yet

  uint8_t backoff_ = 0;      // doublings of the retransmission or probe timer
  uint8_t retransmits_ = 0;  // consecutive timeouts
  uint8_t probes_ = 0;       // window probes without an answer
  uint8_t keepalive_probes_ = 0;

  Tcb tcb_;
  RttEstimator rtt_;
  CongestionWindow window_;
  uint32_t ready_ = 0;  // as last reported
  const CongestionAlgorithm* algorithm_;
  std::unique_ptr<CongestionControl> congestion_;  // once there is something to control
  Rack rack_;
  DeliveryRate rate_;
  std::unique_ptr<Repair> repair_;  // with the first loss
  std::unique_ptr<Pacer> pacer_;
  std::unique_ptr<FastOpen> fast_open_;  // until the handshake is complete
  std::unique_ptr<AccEcn> accecn_;       // when AccECN was negotiated
  SendQueue send_queue_;
  Flight flight_;
  ReceiveQueue receive_queue_;
  std::unique_ptr<OutOfOrderQueue> out_of_order_;  // while there is a hole
  ReceiveBuffer receive_buffer_;
  AckPolicy ack_policy_;
  RouteRef route_;

  size_t charged_ = 0;             // to the memory budget, for the queues
  uint32_t send_buffer_ = 0;
  uint32_t last_wire_size_ = 0;    // of the last text received
  SeqNum fin_seq_;
  // Fast recovery (recovery.cc).
  SeqNum recover_;                 // RFC 6582: SND.NXT when recovery began
  uint32_t duplicate_acks_ = 0;
  SeqNum probe_end_;               // TLP.end_seq

  Time last_send_{};               // of data
  Time last_receive_{};            // of anything
  Time last_data_receive_{};
  Time first_timeout_{};           // of the current series of timeouts
  Time last_confirm_{};
  Time last_invalid_ack_{};

  struct {
    uint64_t bytes_acked = 0, bytes_received = 0, bytes_sent = 0, bytes_retransmitted = 0;
    uint32_t segments_out = 0, segments_in = 0, data_segments_out = 0, data_segments_in = 0;
    uint32_t total_retransmits = 0;
  } stats_;
  SendClock send_clock_;

  Listener* listener_ = nullptr;  // while not accepted
  SocketObserver* observer_ = nullptr;
  SharedSettings settings_;
  PortReservation port_;
  Timer send_timer_;
  Timer ack_timer_;
  Timer idle_timer_;  // keepalive, FIN-WAIT-2
  ListHook<Connection> all_hook_;
  ListHook<Connection> listener_hook_;
  ListHook<Connection> flush_hook_;
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_CONNECTION_H_
