// TCP's tunables (ip-sysctl of Linux's documentation), read where they are needed.
#ifndef MOAT_NETSTACK_TRANSPORT_TCP_SYSCTLS_H_
#define MOAT_NETSTACK_TRANSPORT_TCP_SYSCTLS_H_

#include "netstack/base/sysctl.h"
#include "netstack/base/time.h"

namespace moat::netstack::tcp {

namespace recovery_bit {  // of tcp_recovery
inline constexpr int64_t kUseRack = 1;
inline constexpr int64_t kStaticWindow = 2;  // RACK's reordering window does not adapt to D-SACKs
inline constexpr int64_t kNoDupThresh = 4;   // nor shrinks to nothing after three SACKed segments
}  // namespace recovery_bit

struct Sysctls {
  explicit Sysctls(SysctlTable& table);

  Duration Seconds(const Sysctl* sysctl) const { return std::chrono::seconds(sysctl->value()); }

  const Sysctl* rmem;  // min, default, max: octets
  const Sysctl* wmem;
  const Sysctl* syn_retries;
  const Sysctl* synack_retries;
  const Sysctl* retries1;
  const Sysctl* retries2;
  const Sysctl* orphan_retries;  // 0: 8
  const Sysctl* max_orphans;
  const Sysctl* fin_timeout;         // seconds
  const Sysctl* keepalive_time;      // seconds
  const Sysctl* keepalive_interval;  // seconds
  const Sysctl* keepalive_probes;
  const Sysctl* max_syn_backlog;
  const Sysctl* somaxconn;
  const Sysctl* window_scaling;
  const Sysctl* timestamps;
  const Sysctl* sack;
  const Sysctl* dsack;
  const Sysctl* congestion_control;
  const Sysctl* available_congestion_control;
  const Sysctl* max_time_waits;
  const Sysctl* time_wait_reuse;  // 0 no, 1 yes, 2 loopback only
  const Sysctl* rfc1337;
  const Sysctl* abort_on_overflow;
  const Sysctl* syncookies;  // 0 never, 1 when the SYN queue is full, 2 always
  const Sysctl* slow_start_after_idle;
  const Sysctl* moderate_rcvbuf;
  const Sysctl* challenge_ack_limit;  // per second
  const Sysctl* invalid_ratelimit;    // milliseconds
  const Sysctl* min_snd_mss;
  const Sysctl* recovery;       // recovery_bit
  const Sysctl* early_retrans;  // tail loss probes: 0 no, else yes
  const Sysctl* frto;
  const Sysctl* ecn;           // by value, what is accepted and what is asked for (ecn.cc)
  const Sysctl* ecn_option;  // AccECN's: 0 never, 1 when a change must be told, 2 with every change
  const Sysctl* mtu_probing;      // 0 no, 1 when a black hole shows, 2 always
  const Sysctl* base_mss;         // octets
  const Sysctl* mtu_probe_floor;  // octets
  const Sysctl* probe_interval;   // seconds; after which a search that came to its end begins anew
  const Sysctl* probe_threshold;  // octets; closer the search does not come
  const Sysctl* fast_open;        // fast_open_bit
  const Sysctl* fast_open_pause;  // seconds; 0: never
  // Of cookies; as long as it is this one, the stack makes one of its own, which it keeps to
  // itself.
  static constexpr char kNoFastOpenKey[] = "00000000-00000000-00000000-00000000";
  const Sysctl* fast_open_key;
  const Sysctl* ecn_fallback;  // a SYN that is sent again does not ask
  // Not of Linux, which has no such option (RFC 5482): 1, it is sent and heeded; and the least and
  // the most that a peer's is heeded for, in seconds.
  const Sysctl* user_timeout_option;
  const Sysctl* user_timeout_limits;
};

}  // namespace moat::netstack::tcp

#endif  // MOAT_NETSTACK_TRANSPORT_TCP_SYSCTLS_H_
