#include "sentry/options/tcp_info.h"

#include <linux/tcp.h>

#include <algorithm>
#include <cstddef>

#include "sentry/abi/bytes.h"

namespace moat::sentry {
namespace {

using netstack::Duration;
using netstack::TcpInfo;
using netstack::TcpState;

// Debian 12's header ends at tcpi_snd_wnd.
static_assert(sizeof(tcp_info) == 232);
constexpr size_t kReceiveWindowOffset = 232;
constexpr size_t kRehashOffset = 236;
constexpr size_t kTotalRtoOffset = 240;
constexpr size_t kTotalRtoRecoveriesOffset = 242;
constexpr size_t kTotalRtoTimeOffset = 244;
// tcpi_received_ce and the six counts of octets behind it (Linux 6.18).
constexpr size_t kAccEcnOffset = 248;
constexpr size_t kAccEcnFailModeOffset = 276;
constexpr size_t kAccEcnOptionSeenOffset = 278;
constexpr uint8_t kFastOpenChild = 128;  // TCPI_OPT_TFO_CHILD

uint32_t Microseconds(Duration duration) {
  const int64_t count = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  return static_cast<uint32_t>(std::clamp<int64_t>(count, 0, UINT32_MAX));
}

uint64_t Microseconds64(Duration duration) {
  const int64_t count = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  return static_cast<uint64_t>(std::max<int64_t>(count, 0));
}

uint32_t Milliseconds(Duration duration) {
  const int64_t count = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  return static_cast<uint32_t>(std::clamp<int64_t>(count, 0, UINT32_MAX));
}

uint8_t OptionBits(const TcpInfo& info) {
  uint8_t bits = 0;
  if (info.timestamps) bits |= TCPI_OPT_TIMESTAMPS;
  if (info.sack) bits |= TCPI_OPT_SACK;
  if (info.window_scaling) bits |= TCPI_OPT_WSCALE;
  if (info.ecn) bits |= TCPI_OPT_ECN;
  if (info.ecn_seen) bits |= TCPI_OPT_ECN_SEEN;
  if (info.syn_data) bits |= TCPI_OPT_SYN_DATA;
  if (info.fast_open_child) bits |= kFastOpenChild;
  return bits;
}

void FillState(const TcpInfo& info, tcp_info& out) {
  out.tcpi_state = LinuxTcpState(info.state);
  out.tcpi_ca_state = info.ca_state;
  out.tcpi_retransmits = info.retransmits;
  out.tcpi_probes = info.probes;
  out.tcpi_backoff = info.backoff;
  out.tcpi_options = OptionBits(info);
  out.tcpi_snd_wscale = info.send_window_scale & 0xf;
  out.tcpi_rcv_wscale = info.receive_window_scale & 0xf;
  out.tcpi_fastopen_client_fail = static_cast<uint8_t>(info.fast_open_failure) & 3;
}

void FillTimes(const TcpInfo& info, tcp_info& out) {
  out.tcpi_rto = Microseconds(info.rto);
  out.tcpi_ato = Microseconds(info.ato);
  out.tcpi_rtt = Microseconds(info.rtt);
  out.tcpi_rttvar = Microseconds(info.rtt_variance);
  out.tcpi_min_rtt = Microseconds(info.min_rtt);
  out.tcpi_last_data_sent = Milliseconds(info.last_data_sent);
  out.tcpi_last_data_recv = Milliseconds(info.last_data_received);
  out.tcpi_last_ack_recv = Milliseconds(info.last_ack_received);
  out.tcpi_busy_time = Microseconds64(info.busy_time);
  out.tcpi_rwnd_limited = Microseconds64(info.receiver_limited);
  out.tcpi_sndbuf_limited = Microseconds64(info.buffer_limited);
}

void FillSending(const TcpInfo& info, uint64_t max_pacing_rate, tcp_info& out) {
  out.tcpi_snd_mss = info.send_mss;
  out.tcpi_pmtu = info.path_mtu;
  out.tcpi_unacked = info.unacked;
  out.tcpi_sacked = info.sacked;
  out.tcpi_lost = info.lost;
  out.tcpi_retrans = info.retransmitted;
  out.tcpi_snd_ssthresh = info.send_ssthresh;
  out.tcpi_snd_cwnd = info.congestion_window;
  out.tcpi_reordering = info.reordering;
  out.tcpi_total_retrans = info.total_retransmits;
  out.tcpi_pacing_rate = info.pacing_rate;
  out.tcpi_max_pacing_rate = max_pacing_rate;
  out.tcpi_bytes_acked = info.bytes_acked;
  out.tcpi_bytes_sent = info.bytes_sent;
  out.tcpi_bytes_retrans = info.bytes_retransmitted;
  out.tcpi_segs_out = info.segments_out;
  out.tcpi_data_segs_out = info.data_segments_out;
  out.tcpi_notsent_bytes = info.not_sent_bytes;
  out.tcpi_delivery_rate = info.delivery_rate;
  out.tcpi_delivery_rate_app_limited = info.delivery_rate_app_limited ? 1 : 0;
  out.tcpi_delivered = info.delivered;
  out.tcpi_delivered_ce = info.delivered_marked;
  out.tcpi_dsack_dups = info.duplicates_reported;
  out.tcpi_reord_seen = info.reordering_events;
  out.tcpi_snd_wnd = info.send_window;
}

void FillReceiving(const TcpInfo& info, tcp_info& out) {
  out.tcpi_rcv_rtt = Microseconds(info.receive_rtt);
  out.tcpi_rcv_mss = info.receive_mss;
  out.tcpi_advmss = info.advertised_mss;
  out.tcpi_rcv_space = info.receive_space;
  out.tcpi_rcv_ssthresh = info.receive_window_limit;
  out.tcpi_rcv_ooopack = info.out_of_order_segments;
  out.tcpi_bytes_received = info.bytes_received;
  out.tcpi_segs_in = info.segments_in;
  out.tcpi_data_segs_in = info.data_segments_in;
}

}  // namespace

uint8_t LinuxTcpState(TcpState state) {
  switch (state) {
    case TcpState::kEstablished: return 1;
    case TcpState::kSynSent: return 2;
    case TcpState::kSynReceived: return 3;
    case TcpState::kFinWait1: return 4;
    case TcpState::kFinWait2: return 5;
    case TcpState::kTimeWait: return 6;
    case TcpState::kClosed: return 7;
    case TcpState::kCloseWait: return 8;
    case TcpState::kLastAck: return 9;
    case TcpState::kListen: return 10;
    case TcpState::kClosing: return 11;
  }
  return 7;
}

std::array<uint8_t, kTcpInfoSize> EncodeTcpInfo(const TcpInfo& info, uint64_t max_pacing_rate) {
  tcp_info out{};
  FillState(info, out);
  FillTimes(info, out);
  FillSending(info, max_pacing_rate, out);
  FillReceiving(info, out);
  std::array<uint8_t, kTcpInfoSize> bytes{};
  StoreAt(bytes, 0, out);
  StoreAt(bytes, kReceiveWindowOffset, info.receive_window);
  StoreAt(bytes, kRehashOffset, info.rehashes);
  StoreAt(bytes, kTotalRtoOffset, static_cast<uint16_t>(std::min(info.total_timeouts, 65535u)));
  StoreAt(bytes, kTotalRtoRecoveriesOffset,
          static_cast<uint16_t>(std::min(info.timeout_recoveries, 65535u)));
  StoreAt(bytes, kTotalRtoTimeOffset, Milliseconds(info.timeout_time));
  const std::array<uint32_t, 7> accecn = {info.received_marked,    info.delivered_e1_bytes,
                                          info.delivered_e0_bytes, info.delivered_ce_bytes,
                                          info.received_e1_bytes,  info.received_e0_bytes,
                                          info.received_ce_bytes};
  StoreAt(bytes, kAccEcnOffset, accecn);
  StoreAt(bytes, kAccEcnFailModeOffset, static_cast<uint16_t>(info.accecn_failures));
  StoreAt(bytes, kAccEcnOptionSeenOffset, static_cast<uint16_t>(info.accecn_option_seen));
  return bytes;
}

}  // namespace moat::sentry
