// The sysctls of the IP layer itself; those of its parts are registered by the parts.
#ifndef MOAT_NETSTACK_IP_IP_TUNABLES_H_
#define MOAT_NETSTACK_IP_IP_TUNABLES_H_

#include "netstack/base/sysctl.h"

namespace moat::netstack {

struct IpTunables {
  explicit IpTunables(SysctlTable& table)
      : default_ttl(table.Register(
            {.name = "ipv4.ip_default_ttl", .values = {64}, .min = 1, .max = 255})),
        hop_limit(table.Register(
            {.name = "ipv6.conf.all.hop_limit", .values = {64}, .min = 1, .max = 255})),
        // Forwarding is not supported yet: the only value is what a host has.
        forward_v4(table.Register({.name = "ipv4.ip_forward", .values = {0}, .min = 0, .max = 0})),
        forward_v6(table.Register(
            {.name = "ipv6.conf.all.forwarding", .values = {0}, .min = 0, .max = 0})),
        echo_ignore_all(table.Register(
            {.name = "ipv4.icmp_echo_ignore_all", .values = {0}, .min = 0, .max = 1})),
        echo_ignore_broadcasts(table.Register(
            {.name = "ipv4.icmp_echo_ignore_broadcasts", .values = {1}, .min = 0, .max = 1})),
        echo_ignore_all_v6(table.Register(
            {.name = "ipv6.icmp.echo_ignore_all", .values = {0}, .min = 0, .max = 1})),
        echo_ignore_multicast_v6(table.Register(
            {.name = "ipv6.icmp.echo_ignore_multicast", .values = {0}, .min = 0, .max = 1})),
        arp_ignore(table.Register(
            {.name = "ipv4.conf.all.arp_ignore", .values = {0}, .min = 0, .max = 1})),
        arp_notify(table.Register(
            {.name = "ipv4.conf.all.arp_notify", .values = {0}, .min = 0, .max = 1})),
        ndisc_notify(table.Register(
            {.name = "ipv6.conf.all.ndisc_notify", .values = {0}, .min = 0, .max = 1})),
        dad_transmits(table.Register(
            {.name = "ipv6.conf.all.dad_transmits", .values = {1}, .min = 0, .max = 10})) {}

  const Sysctl* default_ttl;
  const Sysctl* hop_limit;
  const Sysctl* forward_v4;
  const Sysctl* forward_v6;
  const Sysctl* echo_ignore_all;
  const Sysctl* echo_ignore_broadcasts;
  const Sysctl* echo_ignore_all_v6;
  const Sysctl* echo_ignore_multicast_v6;
  const Sysctl* arp_ignore;    // 1: answer only for addresses of the interface asked on
  const Sysctl* arp_notify;    // 1: gratuitous ARP when an address is added
  const Sysctl* ndisc_notify;  // 1: unsolicited advertisement when an address is added
  const Sysctl* dad_transmits;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_IP_TUNABLES_H_
