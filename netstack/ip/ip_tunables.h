// The sysctls of the IP layer itself; those of its parts are registered by the parts.
#ifndef MOAT_NETSTACK_IP_IP_TUNABLES_H_
#define MOAT_NETSTACK_IP_IP_TUNABLES_H_

#include "netstack/base/sysctl.h"

namespace moat::netstack {

struct IpTunables {
  explicit IpTunables(SysctlTable& table)
      : default_ttl(table.Register(
            {.name = "ipv4.ip_default_ttl", .values = {64}, .min = 1, .max = 255})),
        echo_ignore_all(table.Register(
            {.name = "ipv4.icmp_echo_ignore_all", .values = {0}, .min = 0, .max = 1})),
        echo_ignore_broadcasts(table.Register(
            {.name = "ipv4.icmp_echo_ignore_broadcasts", .values = {1}, .min = 0, .max = 1})),
        echo_ignore_all_v6(table.Register(
            {.name = "ipv6.icmp.echo_ignore_all", .values = {0}, .min = 0, .max = 1})),
        echo_ignore_multicast_v6(table.Register(
            {.name = "ipv6.icmp.echo_ignore_multicast", .values = {0}, .min = 0, .max = 1})),
        // Not Linux's: RFC 1122 3.2.2.9 wants a host to be made an agent explicitly.
        address_mask_agent(table.Register(
            {.name = "ipv4.icmp_address_mask_agent", .values = {0}, .min = 0, .max = 1})),
        hash_policy_v4(table.Register(
            {.name = "ipv4.fib_multipath_hash_policy", .values = {0}, .min = 0, .max = 1})),
        hash_policy_v6(table.Register(
            {.name = "ipv6.fib_multipath_hash_policy", .values = {0}, .min = 0, .max = 1})) {}

  const Sysctl* default_ttl;
  const Sysctl* echo_ignore_all;
  const Sysctl* echo_ignore_broadcasts;
  const Sysctl* echo_ignore_all_v6;
  const Sysctl* echo_ignore_multicast_v6;
  const Sysctl* address_mask_agent;  // 1: answers address mask requests (RFC 950)
  const Sysctl* hash_policy_v4;  // forwarded flows are told apart by 0: addresses, 1: ports too
  const Sysctl* hash_policy_v6;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_IP_TUNABLES_H_
