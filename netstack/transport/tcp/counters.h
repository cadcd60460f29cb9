// TCP's counters, as /proc/net/snmp and /proc/net/netstat name them. What Linux does not count is
// in the group TcpMoat, and Memory.Full* as of other tables (ip/table_counters.h).
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_COUNTERS_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_COUNTERS_H_

#include "netstack/base/counters.h"

namespace moat::netstack::tcp {

// member, SNMP name
#define MOAT_TCP_COUNTERS(X)                                   \
  X(rto_algorithm, "Tcp.RtoAlgorithm")                         \
  X(rto_min, "Tcp.RtoMin")                                     \
  X(rto_max, "Tcp.RtoMax")                                     \
  X(active_opens, "Tcp.ActiveOpens")                           \
  X(passive_opens, "Tcp.PassiveOpens")                         \
  X(attempt_fails, "Tcp.AttemptFails")                         \
  X(estab_resets, "Tcp.EstabResets")                           \
  X(curr_estab, "Tcp.CurrEstab")                               \
  X(in_segs, "Tcp.InSegs")                                     \
  X(out_segs, "Tcp.OutSegs")                                   \
  X(retrans_segs, "Tcp.RetransSegs")                           \
  X(in_errs, "Tcp.InErrs")                                     \
  X(out_rsts, "Tcp.OutRsts")                                   \
  X(in_csum_errors, "Tcp.InCsumErrors")                        \
  X(syncookies_sent, "TcpExt.SyncookiesSent")                  \
  X(syncookies_received, "TcpExt.SyncookiesRecv")              \
  X(syncookies_failed, "TcpExt.SyncookiesFailed")              \
  X(embryonic_rsts, "TcpExt.EmbryonicRsts")                    \
  X(prune_called, "TcpExt.PruneCalled")                        \
  X(ofo_pruned, "TcpExt.OfoPruned")                            \
  X(rcv_pruned, "TcpExt.RcvPruned")                            \
  X(out_of_window_icmps, "TcpExt.OutOfWindowIcmps")            \
  X(time_waited, "TcpExt.TW")                                  \
  X(time_wait_recycled, "TcpExt.TWRecycled")                   \
  X(time_wait_overflow, "TcpExt.TCPTimeWaitOverflow")          \
  X(paws_active, "TcpExt.PAWSActive")                          \
  X(paws_estab, "TcpExt.PAWSEstab")                            \
  X(delayed_acks, "TcpExt.DelayedACKs")                        \
  X(delayed_ack_lost, "TcpExt.DelayedACKLost")                 \
  X(listen_overflows, "TcpExt.ListenOverflows")                \
  X(listen_drops, "TcpExt.ListenDrops")                        \
  X(header_prediction_hits, "TcpExt.TCPHPHits")                \
  X(pure_acks, "TcpExt.TCPPureAcks")                           \
  X(header_prediction_acks, "TcpExt.TCPHPAcks")                \
  X(reno_recovery, "TcpExt.TCPRenoRecovery")                   \
  X(sack_recovery, "TcpExt.TCPSackRecovery")                   \
  X(sack_reneging, "TcpExt.TCPSACKReneging")                   \
  X(lost_retransmit, "TcpExt.TCPLostRetransmit")               \
  X(fast_retrans, "TcpExt.TCPFastRetrans")                     \
  X(slow_start_retrans, "TcpExt.TCPSlowStartRetrans")          \
  X(timeouts, "TcpExt.TCPTimeouts")                            \
  X(loss_probes, "TcpExt.TCPLossProbes")                       \
  X(loss_probe_recovery, "TcpExt.TCPLossProbeRecovery")        \
  X(dsack_old_sent, "TcpExt.TCPDSACKOldSent")                  \
  X(dsack_ofo_sent, "TcpExt.TCPDSACKOfoSent")                  \
  X(dsack_received, "TcpExt.TCPDSACKRecv")                     \
  X(dsack_ofo_received, "TcpExt.TCPDSACKOfoRecv")              \
  X(sack_discard, "TcpExt.TCPSACKDiscard")                     \
  X(abort_on_data, "TcpExt.TCPAbortOnData")                    \
  X(abort_on_close, "TcpExt.TCPAbortOnClose")                  \
  X(abort_on_memory, "TcpExt.TCPAbortOnMemory")                \
  X(abort_on_timeout, "TcpExt.TCPAbortOnTimeout")              \
  X(abort_on_linger, "TcpExt.TCPAbortOnLinger")                \
  X(retrans_fail, "TcpExt.TCPRetransFail")                     \
  X(request_queue_full_cookies, "TcpExt.TCPReqQFullDoCookies") \
  X(request_queue_full_drop, "TcpExt.TCPReqQFullDrop")         \
  X(ofo_queue, "TcpExt.TCPOFOQueue")                           \
  X(ofo_drop, "TcpExt.TCPOFODrop")                             \
  X(ofo_merge, "TcpExt.TCPOFOMerge")                           \
  X(rcv_queue_drop, "TcpExt.TCPRcvQDrop")                      \
  X(minimum_ttl_drop, "TcpExt.TCPMinTTLDrop")                  \
  X(zero_window_drop, "TcpExt.TCPZeroWindowDrop")              \
  X(challenge_ack, "TcpExt.TCPChallengeACK")                   \
  X(syn_challenge, "TcpExt.TCPSYNChallenge")                   \
  X(ack_skipped_syn_received, "TcpExt.TCPACKSkippedSynRecv")   \
  X(ack_skipped_paws, "TcpExt.TCPACKSkippedPAWS")              \
  X(ack_skipped_seq, "TcpExt.TCPACKSkippedSeq")                \
  X(ack_skipped_time_wait, "TcpExt.TCPACKSkippedTimeWait")     \
  X(ack_skipped_challenge, "TcpExt.TCPACKSkippedChallenge")    \
  X(from_zero_window, "TcpExt.TCPFromZeroWindowAdv")           \
  X(to_zero_window, "TcpExt.TCPToZeroWindowAdv")               \
  X(syn_retrans, "TcpExt.TCPSynRetrans")                       \
  X(orig_data_sent, "TcpExt.TCPOrigDataSent")                  \
  X(keepalives, "TcpExt.TCPKeepAlive")                         \
  X(window_probes, "TcpExt.TCPWinProbe")                       \
  X(full_undo, "TcpExt.TCPFullUndo")                           \
  X(partial_undo, "TcpExt.TCPPartialUndo")                     \
  X(dsack_undo, "TcpExt.TCPDSACKUndo")                         \
  X(loss_undo, "TcpExt.TCPLossUndo")                           \
  X(spurious_rtos, "TcpExt.TCPSpuriousRTOs")                   \
  X(sack_reorder, "TcpExt.TCPSACKReorder")                     \
  X(fast_open_active, "TcpExt.TCPFastOpenActive")              \
  X(fast_open_active_fail, "TcpExt.TCPFastOpenActiveFail")     \
  X(fast_open_passive, "TcpExt.TCPFastOpenPassive")            \
  X(fast_open_passive_alt_key, "TcpExt.TCPFastOpenPassiveAltKey") \
  X(fast_open_passive_fail, "TcpExt.TCPFastOpenPassiveFail")   \
  X(fast_open_overflow, "TcpExt.TCPFastOpenListenOverflow")    \
  X(fast_open_cookie_requests, "TcpExt.TCPFastOpenCookieReqd") \
  X(fast_open_black_hole, "TcpExt.TCPFastOpenBlackhole")       \
  X(mtu_probe_success, "TcpExt.TCPMTUPSuccess")                \
  X(mtu_probe_fail, "TcpExt.TCPMTUPFail")                      \
  X(delivered, "TcpExt.TCPDelivered")                          \
  X(delivered_ce, "TcpExt.TCPDeliveredCE")                     \
  X(rcv_coalesce, "TcpExt.TCPRcvCoalesce")                     \
  X(hystart_delay_detect, "TcpExt.TCPHystartDelayDetect")      \
  X(hystart_delay_cwnd, "TcpExt.TCPHystartDelayCwnd")          \
  X(timeout_rehash, "TcpExt.TcpTimeoutRehash")                 \
  X(black_holes, "TcpMoat.MtuBlackHoles")                      \
  X(ecn_reductions, "TcpMoat.EcnReductions")                   \
  X(group_frames, "TcpMoat.GroupFrameDrops")                   \
  X(full_fast_open_peers, "Memory.FullFastOpenPeers")          \
  X(full_fast_open_paths, "Memory.FullFastOpenPaths")

struct Counters {
  explicit Counters(CounterTable& counters) : table(counters) {
    rto_algorithm += 4;  // RFC 4022: vanj(4)
    rto_min += 200;      // milliseconds
    rto_max += 120000;
  }

  CounterTable& table;
#define MOAT_DECLARE(member, name) Counter member{table, name};
  MOAT_TCP_COUNTERS(MOAT_DECLARE)
#undef MOAT_DECLARE
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_COUNTERS_H_
