// What the parts of the IP layer share: the tables, and what the stack gave it. Owned by IpLayer.
#ifndef MOAT_NETSTACK_IP_IP_STATE_H_
#define MOAT_NETSTACK_IP_IP_STATE_H_

#include <array>

#include "netstack/base/counters.h"
#include "netstack/base/memory_budget.h"
#include "netstack/base/random.h"
#include "netstack/base/sysctl.h"
#include "netstack/base/time.h"
#include "netstack/base/timer.h"
#include "netstack/ip/address_policies.h"
#include "netstack/ip/address_table.h"
#include "netstack/ip/dead_gateways.h"
#include "netstack/ip/drops.h"
#include "netstack/ip/icmp_counters.h"
#include "netstack/ip/interface.h"
#include "netstack/ip/ip_counters.h"
#include "netstack/ip/ip_tunables.h"
#include "netstack/ip/loopback_queue.h"
#include "netstack/ip/path_mtu.h"
#include "netstack/ip/redirect_table.h"
#include "netstack/ip/routing_table.h"
#include "netstack/ip/table_counters.h"
#include "netstack/transport/frame_tap.h"
#include "netstack/transport/transport_protocol.h"

namespace moat::netstack {

// What the IP layer is constructed with; borrowed, outlives it.
struct IpEnvironment {
  const Clock& clock;
  Random& random;
  TimerQueue& timers;
  SysctlTable& sysctls;
  CounterTable& counters;
  MemoryBudget& memory;
};

struct IpState {
  explicit IpState(const IpEnvironment& env)
      : clock(env.clock),
        random(env.random),
        timers(env.timers),
        tunables(env.sysctls),
        drops(env.counters),
        v4_counters(env.counters, Family::kIpv4),
        v6_counters(env.counters, Family::kIpv6),
        icmpv4_counters(env.counters, Family::kIpv4),
        icmpv6_counters(env.counters, Family::kIpv6),
        addresses(interfaces),
        dead_gateways(env.clock, env.timers),
        memory(env.memory),
        table_counters(env.counters),
        routes(interfaces, dead_gateways, env.memory),
        path_mtus(env.clock, env.timers, env.sysctls, env.memory, table_counters.full_path_mtus,
                  generation),
        loopback(env.memory) {}

  // Handles of routes may keep interfaces for longer than the stack's memory lasts.
  ~IpState() {
    for (const auto& interface : interfaces.all()) interface->groups.SetMemory(nullptr);
  }
  IpState(const IpState&) = delete;
  IpState& operator=(const IpState&) = delete;

  IpCounters& counters(Family family) {
    return family == Family::kIpv4 ? v4_counters : v6_counters;
  }

  const Clock& clock;
  Random& random;
  TimerQueue& timers;
  IpTunables tunables;
  DropCounters drops;
  IpCounters v4_counters;
  IpCounters v6_counters;
  IcmpCounters icmpv4_counters;
  IcmpCounters icmpv6_counters;
  // Incremented by every change that a route handle could depend on; handles of an older one are
  // invalid.
  uint64_t generation = 1;
  InterfaceTable interfaces;
  AddressTable addresses;
  AddressPolicyTable policies;
  DeadGateways dead_gateways;
  MemoryBudget& memory;
  TableCounters table_counters;
  RoutingTable routes;
  PathMtuCache path_mtus;
  RedirectTable redirects;
  LoopbackQueue loopback;
  // By protocol number; null where there is none. Set up by the stack.
  std::array<TransportProtocol*, 256> transports{};
  RawReceiver* raw = nullptr;  // null: none
  FrameTap* tap = nullptr;     // null: none

  bool tapped() const { return tap != nullptr && tap->listening(); }
  bool DeliverRaw(const IpPacketIn& packet) const {
    return raw != nullptr && raw->listening() && raw->Receive(packet);
  }
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_IP_STATE_H_
