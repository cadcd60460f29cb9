// moatctl ID ss -i: what is known of a connection, in the order and with the names of ss(8).
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ctl/format.h"

namespace moat::ctl {
namespace {

constexpr uint64_t kNoRate = ~uint64_t{0};
constexpr uint32_t kNoThreshold = 0x7fffffff;  // TCP_INFINITE_SSTHRESH
constexpr uint32_t kLeastReordering = 3;

double Milliseconds(uint32_t microseconds) { return microseconds / 1000.0; }

using Value = std::pair<const char*, uint64_t>;

// " name:value" of each that is not 0.
template <size_t N>
void Append(std::string* text, const Value (&values)[N]) {
  for (const auto& [name, value] : values) {
    if (value != 0) absl::StrAppend(text, " ", name, ":", value);
  }
}

void AppendRate(std::string* text, const char* name, uint64_t octets) {
  if (octets != 0 && octets != kNoRate) absl::StrAppend(text, " ", name, " ", octets * 8, "bps");
}

std::string Flags(const v1::TcpInfo& info) {
  std::string text;
  const std::pair<const char*, bool> flags[] = {
      {"ts ", info.timestamps()},       {"sack ", info.sack()},
      {"ecn ", info.ecn()},             {"ecnseen ", info.ecn_seen()},
      {"accecn ", info.accurate_ecn()}, {"fastopen ", info.syn_data()},
  };
  for (const auto& [name, set] : flags) {
    if (set) text += name;
  }
  if (!info.congestion_control().empty()) absl::StrAppend(&text, info.congestion_control(), " ");
  if (info.window_scaling()) {
    absl::StrAppend(&text, "wscale:", info.send_window_scale(), ",", info.receive_window_scale(),
                    " ");
  }
  return text;
}

// "busy:140ms rwnd_limited:100ms(71.4%)".
void AppendLimits(std::string* text, const v1::TcpInfo& info) {
  const uint64_t busy = info.busy_us();
  if (busy == 0) return;
  absl::StrAppend(text, " busy:", busy / 1000, "ms");
  const Value limits[] = {{"rwnd_limited", info.receiver_limited_us()},
                          {"sndbuf_limited", info.send_buffer_limited_us()}};
  for (const auto& [name, time] : limits) {
    if (time == 0) continue;
    const double share = 100.0 * static_cast<double>(time) / static_cast<double>(busy);
    absl::StrAppendFormat(text, " %s:%ums(%.1f%%)", name, time / 1000, share);
  }
}

void AppendRates(std::string* text, const v1::TcpInfo& info) {
  AppendRate(text, "pacing_rate", info.pacing_rate_bytes_per_second());
  AppendRate(text, "max_pacing_rate", info.max_pacing_rate_bytes_per_second());
  AppendRate(text, "delivery_rate", info.delivery_rate_bytes_per_second());
  Append(text, {{"delivered", info.segments_delivered()},
                {"delivered_ce", info.segments_delivered_marked()}});
  if (info.delivery_rate_app_limited()) absl::StrAppend(text, " app_limited");
}

void AppendLosses(std::string* text, const v1::TcpInfo& info) {
  Append(text, {{"unacked", info.segments_unacked()}});
  if (info.segments_retransmitted() != 0 || info.retransmits_total() != 0) {
    absl::StrAppend(text, " retrans:", info.segments_retransmitted(), "/",
                    info.retransmits_total());
  }
  const uint32_t reordering = info.reordering();
  Append(text, {{"lost", info.segments_lost()},
                {"sacked", info.segments_sacked()},
                {"dsack_dups", info.duplicates_reported()},
                {"reordering", reordering == kLeastReordering ? 0 : reordering},
                {"reord_seen", info.reordering_events()}});
}

// "recovery" for CONGESTION_STATE_RECOVERY.
std::string Word(const std::string& name, absl::string_view prefix) {
  return absl::AsciiStrToLower(absl::StripPrefix(name, prefix));
}

}  // namespace

std::string TcpInfoText(const v1::TcpInfo& info) {
  std::string text = Flags(info);
  absl::StrAppendFormat(&text, "rto:%g", Milliseconds(info.rto_us()));
  Append(&text, {{"backoff", info.backoff()}});
  absl::StrAppendFormat(&text, " rtt:%g/%g", Milliseconds(info.rtt_us()),
                        Milliseconds(info.rtt_variance_us()));
  if (info.delayed_ack_us() != 0) {
    absl::StrAppendFormat(&text, " ato:%g", Milliseconds(info.delayed_ack_us()));
  }
  absl::StrAppendFormat(&text, " mss:%u pmtu:%u rcvmss:%u", info.send_mss_bytes(),
                        info.path_mtu_bytes(), info.receive_mss_bytes());
  Append(&text, {{"advmss", info.advertised_mss_bytes()}});
  absl::StrAppend(&text, " cwnd:", info.congestion_window());
  const uint32_t threshold = info.slow_start_threshold();
  Append(&text, {{"ssthresh", threshold < kNoThreshold ? threshold : 0},
                 {"bytes_sent", info.bytes_sent()},
                 {"bytes_retrans", info.bytes_retransmitted()},
                 {"bytes_acked", info.bytes_acked()},
                 {"bytes_received", info.bytes_received()},
                 {"segs_out", info.segments_sent()},
                 {"segs_in", info.segments_received()},
                 {"data_segs_out", info.data_segments_sent()},
                 {"data_segs_in", info.data_segments_received()},
                 {"lastsnd", info.last_data_sent_ms()},
                 {"lastrcv", info.last_data_received_ms()},
                 {"lastack", info.last_ack_received_ms()}});
  AppendRates(&text, info);
  AppendLimits(&text, info);
  AppendLosses(&text, info);
  if (info.receive_rtt_us() != 0) {
    absl::StrAppendFormat(&text, " rcv_rtt:%g", Milliseconds(info.receive_rtt_us()));
  }
  Append(&text, {{"rcv_space", info.receive_space_bytes()},
                 {"rcv_ssthresh", info.receive_window_limit_bytes()},
                 {"notsent", info.not_sent_bytes()}});
  if (info.min_rtt_us() != 0) {
    absl::StrAppendFormat(&text, " minrtt:%g", Milliseconds(info.min_rtt_us()));
  }
  Append(&text, {{"rcv_ooopack", info.segments_out_of_order()},
                 {"snd_wnd", info.send_window_bytes()},
                 {"rcv_wnd", info.receive_window_bytes()},
                 {"rehash", info.rehashes()},
                 {"total_rto", info.timeouts()},
                 {"total_rto_recoveries", info.timeout_recoveries()},
                 {"total_rto_time", info.timeout_ms()},
                 {"received_ce", info.packets_received_marked()},
                 {"delivered_e0_bytes", info.delivered_ect0_bytes()},
                 {"delivered_e1_bytes", info.delivered_ect1_bytes()},
                 {"delivered_ce_bytes", info.delivered_ce_bytes()},
                 {"received_e0_bytes", info.received_ect0_bytes()},
                 {"received_e1_bytes", info.received_ect1_bytes()},
                 {"received_ce_bytes", info.received_ce_bytes()},
                 {"probes", info.window_probes()},
                 {"peer_user_timeout", info.peer_user_timeout_ms()}});
  return text;
}

Json TcpInfoJson(const v1::TcpInfo& info) {
  Json json = {
      {"cc", info.congestion_control()},
      {"ca_state", Word(v1::TcpInfo::CongestionState_Name(info.congestion_state()),
                        "CONGESTION_STATE_")},
      {"rtt_us", info.rtt_us()},
      {"rttvar_us", info.rtt_variance_us()},
      {"min_rtt_us", info.min_rtt_us()},
      {"rcv_rtt_us", info.receive_rtt_us()},
      {"rto_us", info.rto_us()},
      {"ato_us", info.delayed_ack_us()},
      {"backoff", info.backoff()},
      {"probes", info.window_probes()},
      {"mss", info.send_mss_bytes()},
      {"rcv_mss", info.receive_mss_bytes()},
      {"advmss", info.advertised_mss_bytes()},
      {"pmtu", info.path_mtu_bytes()},
      {"cwnd", info.congestion_window()},
      {"ssthresh", info.slow_start_threshold()},
      {"snd_wscale", info.send_window_scale()},
      {"rcv_wscale", info.receive_window_scale()},
      {"snd_wnd", info.send_window_bytes()},
      {"rcv_wnd", info.receive_window_bytes()},
      {"rcv_space", info.receive_space_bytes()},
      {"rcv_ssthresh", info.receive_window_limit_bytes()},
      {"bytes_sent", info.bytes_sent()},
      {"bytes_acked", info.bytes_acked()},
      {"bytes_received", info.bytes_received()},
      {"bytes_retrans", info.bytes_retransmitted()},
      {"notsent", info.not_sent_bytes()},
      {"segs_out", info.segments_sent()},
      {"segs_in", info.segments_received()},
      {"data_segs_out", info.data_segments_sent()},
      {"data_segs_in", info.data_segments_received()},
      {"rcv_ooopack", info.segments_out_of_order()},
      {"last_snd_ms", info.last_data_sent_ms()},
      {"last_rcv_ms", info.last_data_received_ms()},
      {"last_ack_ms", info.last_ack_received_ms()},
      {"unacked", info.segments_unacked()},
      {"sacked", info.segments_sacked()},
      {"lost", info.segments_lost()},
      {"retrans_in_flight", info.segments_retransmitted()},
      {"retrans", info.retransmits_now()},
      {"retrans_total", info.retransmits_total()},
      {"dsack_dups", info.duplicates_reported()},
      {"reordering", info.reordering()},
      {"reord_seen", info.reordering_events()},
      {"rehash", info.rehashes()},
      {"total_rto", info.timeouts()},
      {"total_rto_recoveries", info.timeout_recoveries()},
      {"total_rto_time_ms", info.timeout_ms()},
      {"peer_user_timeout_ms", info.peer_user_timeout_ms()},
      {"delivery_rate", info.delivery_rate_bytes_per_second()},
      {"app_limited", info.delivery_rate_app_limited()},
      {"delivered", info.segments_delivered()},
      {"delivered_ce", info.segments_delivered_marked()},
      {"busy_us", info.busy_us()},
      {"rwnd_limited_us", info.receiver_limited_us()},
      {"sndbuf_limited_us", info.send_buffer_limited_us()},
      {"wscale", info.window_scaling()},
      {"sack", info.sack()},
      {"timestamps", info.timestamps()},
      {"ecn", info.ecn()},
      {"ecnseen", info.ecn_seen()},
      {"accecn", info.accurate_ecn()},
      {"received_ce", info.packets_received_marked()},
      {"delivered_e0_bytes", info.delivered_ect0_bytes()},
      {"delivered_e1_bytes", info.delivered_ect1_bytes()},
      {"delivered_ce_bytes", info.delivered_ce_bytes()},
      {"received_e0_bytes", info.received_ect0_bytes()},
      {"received_e1_bytes", info.received_ect1_bytes()},
      {"received_ce_bytes", info.received_ce_bytes()},
      {"syn_data", info.syn_data()},
      {"fastopen_child", info.fast_open_child()},
      {"fastopen_client_fail", Word(v1::TcpInfo::FastOpenFailure_Name(info.fast_open_failure()),
                                    "FAST_OPEN_FAILURE_")}};
  const std::pair<const char*, uint64_t> rates[] = {
      {"pacing_rate", info.pacing_rate_bytes_per_second()},
      {"max_pacing_rate", info.max_pacing_rate_bytes_per_second()}};
  for (const auto& [name, rate] : rates) {
    if (rate != kNoRate) json[name] = rate;
  }
  return json;
}

}  // namespace moat::ctl
