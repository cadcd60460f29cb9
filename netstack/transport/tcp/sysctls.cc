#include "netstack/transport/tcp/sysctls.h"

#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_join.h"
#include "netstack/transport/tcp/congestion.h"
#include "netstack/transport/tcp/fast_open.h"
#include "netstack/transport/tcp/user_timeout_option.h"

namespace moat::netstack::tcp {
namespace {

constexpr int64_t kIntMax = std::numeric_limits<int32_t>::max();

const Sysctl* Number(SysctlTable& table, std::string name, int64_t value, int64_t min,
                     int64_t max) {
  SysctlSpec spec;
  spec.name = "ipv4." + std::move(name);
  spec.values = {value};
  spec.min = min;
  spec.max = max;
  return table.Register(std::move(spec));
}

const Sysctl* Buffer(SysctlTable& table, std::string name, std::vector<int64_t> values) {
  SysctlSpec spec;
  spec.name = "ipv4." + std::move(name);
  spec.values = std::move(values);
  spec.min = 4096;
  // 1 GiB: what window scaling can express (RFC 7323 2.3).
  spec.max = 1 << 30;
  spec.consistent = [](const std::vector<int64_t>& v) { return v[0] <= v[1] && v[1] <= v[2]; };
  return table.Register(std::move(spec));
}

const Sysctl* Somaxconn(SysctlTable& table) {
  SysctlSpec spec;
  spec.name = "core.somaxconn";
  spec.values = {4096};
  spec.max = 65535;
  return table.Register(std::move(spec));
}

const Sysctl* Congestion(SysctlTable& table) {
  SysctlSpec spec;
  spec.name = "ipv4.tcp_congestion_control";
  spec.choices = CongestionControlNames();
  return table.Register(std::move(spec));
}

const Sysctl* FastOpenKey(SysctlTable& table) {
  SysctlSpec spec;
  spec.name = "ipv4.tcp_fastopen_key";
  spec.text = Sysctls::kNoFastOpenKey;
  spec.valid = [](std::string_view text) { return ParseFastOpenSecret(text).has_value(); };
  return table.Register(std::move(spec));
}

const Sysctl* UserTimeoutLimits(SysctlTable& table) {
  SysctlSpec spec;
  spec.name = "ipv4.tcp_user_timeout_limits";
  spec.values = {kDefaultLeastUserTimeout, kDefaultMostUserTimeout};
  spec.min = 1;
  spec.max = kMostUserTimeout;
  spec.consistent = [](const std::vector<int64_t>& v) { return v[0] <= v[1]; };
  return table.Register(std::move(spec));
}

const Sysctl* AvailableCongestion(SysctlTable& table) {
  SysctlSpec spec;
  spec.name = "ipv4.tcp_available_congestion_control";
  spec.text = absl::StrJoin(CongestionControlNames(), " ");
  spec.read_only = true;
  return table.Register(std::move(spec));
}

}  // namespace

Sysctls::Sysctls(SysctlTable& t)
    : rmem(Buffer(t, "tcp_rmem", {4096, 131072, 6291456})),
      wmem(Buffer(t, "tcp_wmem", {4096, 16384, 4194304})),
      syn_retries(Number(t, "tcp_syn_retries", 6, 1, 127)),
      synack_retries(Number(t, "tcp_synack_retries", 5, 0, 255)),
      retries1(Number(t, "tcp_retries1", 3, 0, 255)),
      retries2(Number(t, "tcp_retries2", 15, 0, 255)),
      orphan_retries(Number(t, "tcp_orphan_retries", 0, 0, 255)),
      max_orphans(Number(t, "tcp_max_orphans", 8192, 0, kIntMax)),
      fin_timeout(Number(t, "tcp_fin_timeout", 60, 0, kIntMax)),
      keepalive_time(Number(t, "tcp_keepalive_time", 7200, 1, 32767)),
      keepalive_interval(Number(t, "tcp_keepalive_intvl", 75, 1, 32767)),
      keepalive_probes(Number(t, "tcp_keepalive_probes", 9, 1, 127)),
      max_syn_backlog(Number(t, "tcp_max_syn_backlog", 1024, 0, kIntMax)),
      somaxconn(Somaxconn(t)),
      window_scaling(Number(t, "tcp_window_scaling", 1, 0, 1)),
      timestamps(Number(t, "tcp_timestamps", 1, 0, 2)),
      sack(Number(t, "tcp_sack", 1, 0, 1)),
      dsack(Number(t, "tcp_dsack", 1, 0, 1)),
      congestion_control(Congestion(t)),
      available_congestion_control(AvailableCongestion(t)),
      max_time_waits(Number(t, "tcp_max_tw_buckets", 32768, 0, kIntMax)),
      time_wait_reuse(Number(t, "tcp_tw_reuse", 2, 0, 2)),
      rfc1337(Number(t, "tcp_rfc1337", 0, 0, 1)),
      abort_on_overflow(Number(t, "tcp_abort_on_overflow", 0, 0, 1)),
      syncookies(Number(t, "tcp_syncookies", 1, 0, 2)),
      slow_start_after_idle(Number(t, "tcp_slow_start_after_idle", 1, 0, 1)),
      moderate_rcvbuf(Number(t, "tcp_moderate_rcvbuf", 1, 0, 1)),
      challenge_ack_limit(Number(t, "tcp_challenge_ack_limit", 1000, 0, kIntMax)),
      invalid_ratelimit(Number(t, "tcp_invalid_ratelimit", 500, 0, kIntMax)),
      min_snd_mss(Number(t, "tcp_min_snd_mss", 48, 48, 65535)),
      recovery(Number(t, "tcp_recovery", 1, 0, 7)),
      early_retrans(Number(t, "tcp_early_retrans", 3, 0, 4)),
      frto(Number(t, "tcp_frto", 2, 0, 2)),
      ecn(Number(t, "tcp_ecn", 2, 0, 5)),
      ecn_option(Number(t, "tcp_ecn_option", 2, 0, 2)),
      mtu_probing(Number(t, "tcp_mtu_probing", 0, 0, 2)),
      base_mss(Number(t, "tcp_base_mss", 1024, 48, 65535)),
      mtu_probe_floor(Number(t, "tcp_mtu_probe_floor", 48, 48, 65535)),
      probe_interval(Number(t, "tcp_probe_interval", 600, 1, kIntMax)),
      probe_threshold(Number(t, "tcp_probe_threshold", 8, 1, 65535)),
      fast_open(Number(t, "tcp_fastopen", 1, 0, kIntMax)),
      fast_open_pause(Number(t, "tcp_fastopen_blackhole_timeout_sec", 0, 0, kIntMax)),
      fast_open_key(FastOpenKey(t)),
      ecn_fallback(Number(t, "tcp_ecn_fallback", 1, 0, 1)),
      user_timeout_option(Number(t, "tcp_user_timeout_option", 0, 0, 1)),
      user_timeout_limits(UserTimeoutLimits(t)) {}

}  // namespace moat::netstack::tcp
