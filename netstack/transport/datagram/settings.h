// What all datagram sockets of a protocol share: the stack's sysctls (socket(7), ip(7)), the key of
// their flow labels, and what they count.
#ifndef MOAT_NETSTACK_TRANSPORT_DATAGRAM_SETTINGS_H_
#define MOAT_NETSTACK_TRANSPORT_DATAGRAM_SETTINGS_H_

#include "netstack/base/counters.h"
#include "netstack/base/sysctl.h"
#include "netstack/transport/datagram/flow_labels.h"

namespace moat::netstack {

struct DatagramSettings {
  // Registers what is not registered yet, so that UDP and ping can both be first.
  DatagramSettings(SysctlTable& table, CounterTable& counters)
      : receive_default(Number(table, "core.rmem_default", 212992, 256)),
        receive_max(Number(table, "core.rmem_max", 212992, 256)),
        send_default(Number(table, "core.wmem_default", 212992, 256)),
        send_max(Number(table, "core.wmem_max", 212992, 256)),
        max_memberships(Number(table, "ipv4.igmp_max_memberships", 20, 0)),
        max_sources_v4(Number(table, "ipv4.igmp_max_msf", 10, 0)),
        max_sources_v6(Number(table, "ipv6.mld_max_msf", 64, 0)),
        nonlocal_bind_v4(Number(table, "ipv4.ip_nonlocal_bind", 0, 0)),
        nonlocal_bind_v6(Number(table, "ipv6.ip_nonlocal_bind", 0, 0)),
        full_error_queues(counters, "Memory.FullErrorQueues") {}

  const Sysctl* receive_default;
  const Sysctl* receive_max;
  const Sysctl* send_default;
  const Sysctl* send_max;
  const Sysctl* max_memberships;
  const Sysctl* max_sources_v4;  // of one membership
  const Sysctl* max_sources_v6;
  const Sysctl* nonlocal_bind_v4;
  const Sysctl* nonlocal_bind_v6;
  FlowLabels flow_labels;
  Counter full_error_queues;  // errors that found a queue full; each protocol has its part

 private:
  static const Sysctl* Number(SysctlTable& table, const char* name, int64_t value, int64_t min) {
    const Sysctl* known = table.Find(name);
    return known != nullptr ? known : table.Register({.name = name, .values = {value}, .min = min});
  }
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TRANSPORT_DATAGRAM_SETTINGS_H_
