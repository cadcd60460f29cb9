#include "netstack/neighbor/neighbor_tunables.h"

#include <string>

namespace moat::netstack {
namespace {

const Sysctl* Register(SysctlTable& table, Family family, const char* name, int64_t value,
                       int64_t min, int64_t max) {
  const std::string prefix = family == Family::kIpv4 ? "ipv4" : "ipv6";
  return table.Register(
      {.name = prefix + ".neigh.default." + name, .values = {value}, .min = min, .max = max});
}

}  // namespace

// Defaults are Linux's.
NeighborTunables::NeighborTunables(SysctlTable& table, Family family)
    : base_reachable_ms_(
          Register(table, family, "base_reachable_time_ms", 30000, 1, 86400000)),
      retransmit_ms_(Register(table, family, "retrans_time_ms", 1000, 1, 60000)),
      delay_first_probe_(Register(table, family, "delay_first_probe_time", 5, 0, 3600)),
      multicast_solicit_(Register(table, family, "mcast_solicit", 3, 1, 100)),
      unicast_solicit_(Register(table, family, "ucast_solicit", 3, 0, 100)),
      pending_bytes_(Register(table, family, "unres_qlen_bytes", 212992, 0, 1 << 24)),
      max_entries_(Register(table, family, "gc_thresh3", 1024, 1, 1 << 20)) {}

}  // namespace moat::netstack
