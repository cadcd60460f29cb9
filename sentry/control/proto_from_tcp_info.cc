#include "sentry/control/proto_from_tcp_info.h"

#include <algorithm>
#include <chrono>
#include <string>

namespace moat::sentry {
namespace {

template <typename Unit>
uint64_t In(netstack::Duration duration) {
  return static_cast<uint64_t>(
      std::max<int64_t>(std::chrono::duration_cast<Unit>(duration).count(), 0));
}

uint32_t Microseconds(netstack::Duration duration) {
  return static_cast<uint32_t>(
      std::min<uint64_t>(In<std::chrono::microseconds>(duration), UINT32_MAX));
}

uint32_t Milliseconds(netstack::Duration duration) {
  return static_cast<uint32_t>(
      std::min<uint64_t>(In<std::chrono::milliseconds>(duration), UINT32_MAX));
}

void FillTimes(const netstack::TcpInfo& info, v1::TcpInfo& out) {
  out.set_rtt_us(Microseconds(info.rtt));
  out.set_rtt_variance_us(Microseconds(info.rtt_variance));
  out.set_min_rtt_us(Microseconds(info.min_rtt));
  out.set_rto_us(Microseconds(info.rto));
  out.set_delayed_ack_us(Microseconds(info.ato));
  out.set_receive_rtt_us(Microseconds(info.receive_rtt));
  out.set_last_data_sent_ms(Milliseconds(info.last_data_sent));
  out.set_last_data_received_ms(Milliseconds(info.last_data_received));
  out.set_last_ack_received_ms(Milliseconds(info.last_ack_received));
  out.set_busy_us(In<std::chrono::microseconds>(info.busy_time));
  out.set_receiver_limited_us(In<std::chrono::microseconds>(info.receiver_limited));
  out.set_send_buffer_limited_us(In<std::chrono::microseconds>(info.buffer_limited));
  out.set_timeout_ms(Milliseconds(info.timeout_time));
  out.set_peer_user_timeout_ms(Milliseconds(info.peer_user_timeout));
}

void FillOptions(const netstack::TcpInfo& info, v1::TcpInfo& out) {
  out.set_window_scaling(info.window_scaling);
  out.set_send_window_scale(info.send_window_scale);
  out.set_receive_window_scale(info.receive_window_scale);
  out.set_sack(info.sack);
  out.set_timestamps(info.timestamps);
  out.set_ecn(info.ecn);
  out.set_ecn_seen(info.ecn_seen);
  out.set_accurate_ecn(info.accurate_ecn);
  out.set_syn_data(info.syn_data);
  out.set_fast_open_child(info.fast_open_child);
  out.set_fast_open_failure(
      static_cast<v1::TcpInfo::FastOpenFailure>(static_cast<int>(info.fast_open_failure)));
}

void FillSending(const netstack::TcpInfo& info, v1::TcpInfo& out) {
  out.set_congestion_control(std::string(info.congestion_control));
  out.set_congestion_state(static_cast<v1::TcpInfo::CongestionState>(info.ca_state));
  out.set_send_mss_bytes(info.send_mss);
  out.set_path_mtu_bytes(info.path_mtu);
  out.set_congestion_window(info.congestion_window);
  out.set_slow_start_threshold(info.send_ssthresh);
  out.set_send_window_bytes(info.send_window);
  out.set_bytes_sent(info.bytes_sent);
  out.set_bytes_acked(info.bytes_acked);
  out.set_not_sent_bytes(info.not_sent_bytes);
  out.set_segments_sent(info.segments_out);
  out.set_data_segments_sent(info.data_segments_out);
  out.set_segments_unacked(info.unacked);
  out.set_segments_delivered(info.delivered);
  out.set_segments_delivered_marked(info.delivered_marked);
  out.set_pacing_rate_bytes_per_second(info.pacing_rate);
  out.set_max_pacing_rate_bytes_per_second(info.max_pacing_rate);
  out.set_delivery_rate_bytes_per_second(info.delivery_rate);
  out.set_delivery_rate_app_limited(info.delivery_rate_app_limited);
  out.set_window_probes(info.probes);
}

void FillLosses(const netstack::TcpInfo& info, v1::TcpInfo& out) {
  out.set_backoff(info.backoff);
  out.set_segments_sacked(info.sacked);
  out.set_segments_lost(info.lost);
  out.set_segments_retransmitted(info.retransmitted);
  out.set_retransmits_now(info.retransmits);
  out.set_retransmits_total(info.total_retransmits);
  out.set_bytes_retransmitted(info.bytes_retransmitted);
  out.set_duplicates_reported(info.duplicates_reported);
  out.set_reordering(info.reordering);
  out.set_reordering_events(info.reordering_events);
  out.set_rehashes(info.rehashes);
  out.set_timeouts(info.total_timeouts);
  out.set_timeout_recoveries(info.timeout_recoveries);
}

void FillReceiving(const netstack::TcpInfo& info, v1::TcpInfo& out) {
  out.set_receive_mss_bytes(info.receive_mss);
  out.set_advertised_mss_bytes(info.advertised_mss);
  out.set_receive_space_bytes(info.receive_space);
  out.set_receive_window_bytes(info.receive_window);
  out.set_receive_window_limit_bytes(info.receive_window_limit);
  out.set_bytes_received(info.bytes_received);
  out.set_segments_received(info.segments_in);
  out.set_data_segments_received(info.data_segments_in);
  out.set_segments_out_of_order(info.out_of_order_segments);
}

void FillMarks(const netstack::TcpInfo& info, v1::TcpInfo& out) {
  out.set_packets_received_marked(info.received_marked);
  out.set_delivered_ect0_bytes(info.delivered_e0_bytes);
  out.set_delivered_ect1_bytes(info.delivered_e1_bytes);
  out.set_delivered_ce_bytes(info.delivered_ce_bytes);
  out.set_received_ect0_bytes(info.received_e0_bytes);
  out.set_received_ect1_bytes(info.received_e1_bytes);
  out.set_received_ce_bytes(info.received_ce_bytes);
}

}  // namespace

v1::TcpInfo ToProto(const netstack::TcpInfo& info) {
  v1::TcpInfo out;
  FillTimes(info, out);
  FillOptions(info, out);
  FillSending(info, out);
  FillLosses(info, out);
  FillReceiving(info, out);
  FillMarks(info, out);
  return out;
}

}  // namespace moat::sentry
