// Why the IP layer dropped a packet. Each reason has a counter, listed as "Drop.<name>"; the MIB
// counters of the RFCs are counted beside it.
#ifndef MOAT_NETSTACK_IP_DROPS_H_
#define MOAT_NETSTACK_IP_DROPS_H_

#include <deque>

#include "netstack/base/counters.h"

namespace moat::netstack {

#define MOAT_DROP_REASONS(X)                                                                      \
  X(InterfaceDown)          /* the interface is not up */                                         \
  X(FrameTruncated)         /* shorter than an Ethernet header */                                 \
  X(OtherHost)              /* for another link address (promiscuous link) */                     \
  X(EtherType)              /* neither IP nor ARP */                                              \
  X(FamilyDisabled)         /* IPv6 switched off here */                                          \
  X(IpTruncated)            /* shorter than its header or total length says */                    \
  X(IpVersion)                                                                                    \
  X(IpHeaderLength)                                                                               \
  X(IpTotalLength)                                                                                \
  X(IpChecksum)                                                                                   \
  X(IpOptions)              /* malformed options */                                               \
  X(SourceRoute)            /* source routes are refused */                                       \
  X(MartianSource)          /* a source that cannot be: group, broadcast, loopback, our own */    \
  X(MartianDestination)     /* loopback or unspecified, from a wire */                            \
  X(LinkBroadcast)          /* unicast packet in a group frame: RFC 1122 3.3.6, or to forward */  \
  X(NotOurAddress)          /* not for us, and the interface does not forward */                  \
  X(ReversePath)            /* the way back is by another interface (rp_filter) */                \
  X(ForwardScope)           /* link-local addresses are not forwarded */                          \
  X(ForwardBroadcast)       /* to a broadcast address beyond us */                                \
  X(HopLimit)               /* used up */                                                         \
  X(NoRoute)                                                                                      \
  X(RouteRefused)           /* a blackhole, unreachable or prohibit route */                      \
  X(PacketTooBig)           /* to forward, and may not be fragmented */                           \
  X(TentativeDestination)   /* for an address under duplicate detection */                        \
  X(NotMember)              /* multicast that nobody here joined */                               \
  X(ReassemblyDuplicate)                                                                          \
  X(ReassemblyOverlap)                                                                            \
  X(ReassemblyTooBig)                                                                             \
  X(ReassemblyBadLength)                                                                          \
  X(ReassemblyTooMany)                                                                            \
  X(ReassemblyEcn)                                                                                \
  X(ReassemblyTimeout)                                                                            \
  X(ReassemblyMemory)       /* evicted: too much memory in fragments */                           \
  X(ExtensionHeader)        /* an IPv6 extension header or option says or forces so */            \
  X(IncompleteChain)        /* first fragment without the whole header chain (RFC 7112) */        \
  X(NoNextHeader)                                                                                 \
  X(UnknownProtocol)                                                                              \
  X(IcmpTruncated)                                                                                \
  X(IcmpChecksum)                                                                                 \
  X(IcmpUnknownType)                                                                              \
  X(IcmpUnsupported)        /* known, but nothing that this stack does */                         \
  X(IcmpBadQuote)           /* error about a packet that we did not send */                       \
  X(IcmpBadMtu)             /* packet too big with an MTU that IPv6 does not have */             \
  X(EchoIgnored)            /* by sysctl */                                                       \
  X(NdpInFragment)          /* RFC 6980 */                                                        \
  X(RedirectRefused)        /* by sysctl, or not from the first hop */                            \
  X(LoopbackFull)                                                                                 \
  X(NoCarrier)                                                                                    \
  X(LinkFull)                                                                                     \
  X(NeighborTableFull)

enum class DropReason : uint8_t {
#define MOAT_DROP_ENUM(name) k##name,
  MOAT_DROP_REASONS(MOAT_DROP_ENUM)
#undef MOAT_DROP_ENUM
};

class DropCounters {
 public:
  explicit DropCounters(CounterTable& table) {
#define MOAT_DROP_COUNTER(name) counters_.emplace_back(table, "Drop." #name);
    MOAT_DROP_REASONS(MOAT_DROP_COUNTER)
#undef MOAT_DROP_COUNTER
  }
  void Count(DropReason reason) { ++counters_[static_cast<size_t>(reason)]; }

 private:
  std::deque<Counter> counters_;  // a deque, because counters do not move
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_DROPS_H_
