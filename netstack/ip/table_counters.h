// How often a table of the IP layer was at a limit of its own, so that something new was refused or
// something old went for it: Memory.Full<table>. What the memory budget refuses counts there.
#ifndef MOAT_NETSTACK_IP_TABLE_COUNTERS_H_
#define MOAT_NETSTACK_IP_TABLE_COUNTERS_H_

#include "netstack/base/counters.h"

namespace moat::netstack {

struct TableCounters {
  explicit TableCounters(CounterTable& counters) : table(counters) {}

  CounterTable& table;
  Counter full_groups{table, "Memory.FullGroups"};
  Counter full_routes{table, "Memory.FullRoutes"};
  Counter full_path_mtus{table, "Memory.FullPathMtus"};
  Counter full_redirects{table, "Memory.FullRedirects"};
  Counter full_redirect_limits{table, "Memory.FullRedirectLimits"};  // who is told of first hops
  Counter full_icmp_limits{table, "Memory.FullIcmpLimits"};          // who is sent errors
  Counter full_dead_gateways{table, "Memory.FullDeadGateways"};
  // What routers advertise, per interface.
  Counter full_routers{table, "Memory.FullRouters"};
  Counter full_prefixes{table, "Memory.FullPrefixes"};
  Counter full_router_routes{table, "Memory.FullRouterRoutes"};
  Counter full_name_servers{table, "Memory.FullNameServers"};
  Counter full_auto_addresses{table, "Memory.FullAutoAddresses"};
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_TABLE_COUNTERS_H_
