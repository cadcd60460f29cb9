// What every transport is constructed with. Everything is borrowed and outlives the transport; the
// stack (netstack/stack) is who puts it together.
#ifndef MOAT_NETSTACK_TRANSPORT_ENVIRONMENT_H_
#define MOAT_NETSTACK_TRANSPORT_ENVIRONMENT_H_

#include "netstack/base/counters.h"
#include "netstack/base/memory_budget.h"
#include "netstack/base/random.h"
#include "netstack/base/sysctl.h"
#include "netstack/base/time.h"
#include "netstack/base/timer.h"
#include "netstack/ip/ip_sender.h"
#include "netstack/transport/ports.h"
#include "netstack/wire/address.h"
#include "netstack/wire/source_filter.h"

namespace moat::netstack {

// Multicast membership of interfaces, which merge what their sockets want into one IGMP/MLD
// membership (RFC 3376 3.2). The IP layer implements it.
class GroupMembership {
 public:
  virtual ~GroupMembership() = default;

  // The interface that a membership of `group` on `interface` is about (0: the one that a route to
  // the group would take). kNoDevice when there is none, kInvalid when `group` is no group.
  virtual Result<InterfaceIndex> GroupInterface(const IpAddress& group,
                                                InterfaceIndex interface) = 0;
  // One member's filter changes; null `from`: it joins, null `to`: it leaves, which always succeeds
  // (also when the interface is gone). kNoDevice, kNoBuffers.
  virtual Error ChangeMembership(const IpAddress& group, InterfaceIndex interface,
                                 const SourceFilter* from, const SourceFilter* to) = 0;
};

struct TransportEnvironment {
  const Clock* clock = nullptr;
  Random* random = nullptr;
  TimerQueue* timers = nullptr;
  IpSender* ip = nullptr;
  GroupMembership* groups = nullptr;
  PortAllocator* ports = nullptr;
  SysctlTable* sysctls = nullptr;
  CounterTable* counters = nullptr;
  MemoryBudget* memory = nullptr;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TRANSPORT_ENVIRONMENT_H_
