// The neighbour tables' sysctls of one family: ipv4.neigh.default.* or ipv6.neigh.default.*.
#ifndef MOAT_NETSTACK_NEIGHBOR_NEIGHBOR_TUNABLES_H_
#define MOAT_NETSTACK_NEIGHBOR_NEIGHBOR_TUNABLES_H_

#include "netstack/base/sysctl.h"
#include "netstack/base/time.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

class NeighborTunables {
 public:
  NeighborTunables(SysctlTable& table, Family family);

  // RFC 4861 10: REACHABLE_TIME, RETRANS_TIMER, DELAY_FIRST_PROBE_TIME, MAX_MULTICAST_SOLICIT,
  // MAX_UNICAST_SOLICIT.
  Duration base_reachable_time() const { return Milliseconds(base_reachable_ms_); }
  Duration retransmit_time() const { return Milliseconds(retransmit_ms_); }
  Duration delay_first_probe() const { return std::chrono::seconds(delay_first_probe_->value()); }
  int multicast_solicit() const { return static_cast<int>(multicast_solicit_->value()); }
  int unicast_solicit() const { return static_cast<int>(unicast_solicit_->value()); }
  // Bytes that may wait for one resolution, and entries (permanent ones not counted) in the table.
  size_t pending_bytes() const { return static_cast<size_t>(pending_bytes_->value()); }
  size_t max_entries() const { return static_cast<size_t>(max_entries_->value()); }

 private:
  static Duration Milliseconds(const Sysctl* sysctl) {
    return std::chrono::milliseconds(sysctl->value());
  }
  const Sysctl* base_reachable_ms_;
  const Sysctl* retransmit_ms_;
  const Sysctl* delay_first_probe_;
  const Sysctl* multicast_solicit_;
  const Sysctl* unicast_solicit_;
  const Sysctl* pending_bytes_;
  const Sysctl* max_entries_;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_NEIGHBOR_NEIGHBOR_TUNABLES_H_
