// What every transport is constructed with. Everything is borrowed and outlives the transport; the
// stack (netstack/stack) is who puts it together.
#ifndef MOAT_NETSTACK_TRANSPORT_ENVIRONMENT_H_
#define MOAT_NETSTACK_TRANSPORT_ENVIRONMENT_H_

#include "netstack/base/counters.h"
#include "netstack/base/random.h"
#include "netstack/base/sysctl.h"
#include "netstack/base/time.h"
#include "netstack/base/timer.h"
#include "netstack/ip/ip_sender.h"
#include "netstack/transport/ports.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

// Multicast membership of interfaces, counted: two sockets in one group make one IGMP/MLD membership.
// The IP layer implements it.
class GroupMembership {
 public:
  virtual ~GroupMembership() = default;

  // Joins `group` on `interface` (0: the one that a route to the group would take). Returns the
  // interface that was joined; kNoDevice when there is none, kInvalid when `group` is no group.
  virtual Result<InterfaceIndex> JoinGroup(const IpAddress& group, InterfaceIndex interface) = 0;
  // Undoes one JoinGroup(). Harmless when the interface is gone.
  virtual void LeaveGroup(const IpAddress& group, InterfaceIndex interface) = 0;
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
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_TRANSPORT_ENVIRONMENT_H_
