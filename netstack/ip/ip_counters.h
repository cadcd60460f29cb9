// The MIB counters of one family's IP (RFC 4293), with the names of /proc/net/snmp, netstat and
// snmp6. Where one of these has no name for it the counter is not listed.
#ifndef MOAT_NETSTACK_IP_IP_COUNTERS_H_
#define MOAT_NETSTACK_IP_IP_COUNTERS_H_

#include <cstddef>

#include "netstack/base/counters.h"
#include "netstack/wire/address.h"
#include "netstack/wire/family_name.h"

namespace moat::netstack {

// X(member, IPv4 name, IPv6 name)
#define MOAT_IP_COUNTERS(X)                                                  \
  X(in_receives, "Ip.InReceives", "Ip6.InReceives")                          \
  X(in_header_errors, "Ip.InHdrErrors", "Ip6.InHdrErrors")                   \
  X(in_address_errors, "Ip.InAddrErrors", "Ip6.InAddrErrors")                \
  X(in_unknown_protocols, "Ip.InUnknownProtos", "Ip6.InUnknownProtos")       \
  X(in_discards, "Ip.InDiscards", "Ip6.InDiscards")                          \
  X(in_delivers, "Ip.InDelivers", "Ip6.InDelivers")                          \
  X(in_truncated, "IpExt.InTruncatedPkts", "Ip6.InTruncatedPkts")            \
  X(in_no_routes, "IpExt.InNoRoutes", "Ip6.InNoRoutes")                      \
  X(in_multicast, "IpExt.InMcastPkts", "Ip6.InMcastPkts")                    \
  X(in_broadcast, "IpExt.InBcastPkts", "")                                   \
  X(in_too_big, "", "Ip6.InTooBigErrors")                                    \
  X(forwarded, "Ip.ForwDatagrams", "Ip6.OutForwDatagrams")                   \
  X(in_octets, "IpExt.InOctets", "Ip6.InOctets")                             \
  X(in_checksum_errors, "IpExt.InCsumErrors", "")                            \
  X(out_requests, "Ip.OutRequests", "Ip6.OutRequests")                       \
  X(out_discards, "Ip.OutDiscards", "Ip6.OutDiscards")                       \
  X(out_no_routes, "Ip.OutNoRoutes", "Ip6.OutNoRoutes")                      \
  X(out_multicast, "IpExt.OutMcastPkts", "Ip6.OutMcastPkts")                 \
  X(out_broadcast, "IpExt.OutBcastPkts", "")                                 \
  X(out_octets, "IpExt.OutOctets", "Ip6.OutOctets")                          \
  X(reassembly_timeouts, "Ip.ReasmTimeout", "Ip6.ReasmTimeout")              \
  X(reassembly_requests, "Ip.ReasmReqds", "Ip6.ReasmReqds")                  \
  X(reassembly_oks, "Ip.ReasmOKs", "Ip6.ReasmOKs")                           \
  X(reassembly_fails, "Ip.ReasmFails", "Ip6.ReasmFails")                     \
  X(fragment_oks, "Ip.FragOKs", "Ip6.FragOKs")                               \
  X(fragment_fails, "Ip.FragFails", "Ip6.FragFails")                         \
  X(fragment_creates, "Ip.FragCreates", "Ip6.FragCreates")                   \
  X(reassembly_overlaps, "IpExt.ReasmOverlaps", "")                          \
  X(reverse_path, "TcpExt.IPReversePathFilter", "")

struct IpCounters {
  IpCounters(CounterTable& table, Family family);

  // Packets that arrived, by the codepoint of their ECN field (RFC 3168 5). First, because each
  // packet counts here and in the first of the rows: together they are in one line of the cache.
  // Of a super-segment each of the packets that were merged counts, here alone, as on Linux.
  static constexpr size_t kCodepoints = 4;
  Counter in_codepoint[kCodepoints];

#define MOAT_IP_COUNTER(member, v4, v6) Counter member;
  MOAT_IP_COUNTERS(MOAT_IP_COUNTER)
#undef MOAT_IP_COUNTER
};

#define MOAT_IP_COUNTER(member, v4, v6) , member(table, NameFor(family, v4, v6))
inline IpCounters::IpCounters(CounterTable& table, Family family)
    : in_codepoint{{table, NameFor(family, "IpExt.InNoECTPkts", "Ip6.InNoECTPkts")},
                   {table, NameFor(family, "IpExt.InECT1Pkts", "Ip6.InECT1Pkts")},
                   {table, NameFor(family, "IpExt.InECT0Pkts", "Ip6.InECT0Pkts")},
                   {table, NameFor(family, "IpExt.InCEPkts", "Ip6.InCEPkts")}}
      MOAT_IP_COUNTERS(MOAT_IP_COUNTER) {}
#undef MOAT_IP_COUNTER

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_IP_COUNTERS_H_
