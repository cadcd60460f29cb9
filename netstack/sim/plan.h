// Addresses and routes of a scenario, computed: a file names nodes, and never an address.
//
// Links that are joined by switches are one segment. Segment s (counted from 0 in the order of the
// links) has 10.(s / 256).(s % 256).0/24 and fd00:0:0:s::/64; its n-th stack (from 1, in the order
// of the links) has the addresses that end in n. Routes take the fewest hops; ties go to the router
// that was linked first.
#ifndef MOAT_NETSTACK_SIM_PLAN_H_
#define MOAT_NETSTACK_SIM_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "netstack/sim/scenario.h"
#include "netstack/wire/address.h"

namespace moat::netstack::sim {

// One end of a link at a stack.
struct PortPlan {
  size_t node = 0;
  size_t link = 0;
  size_t segment = 0;
  uint8_t number = 0;  // within the segment

  IpAddress Address(Family family) const;
};

struct RoutePlan {
  size_t node = 0;
  std::optional<size_t> segment;  // absent: the default route
  size_t port = 0;                // index of the node's own ports
  PortPlan gateway;
};

struct Plan {
  std::vector<std::vector<PortPlan>>
      ports;  // by node, in the order of its links; empty for switches
  std::vector<RoutePlan> routes;
  size_t segments = 0;
};

Prefix SegmentPrefix(size_t segment, Family family);

// kInvalidArgument: too many nodes on one segment.
absl::StatusOr<Plan> MakePlan(const Scenario& scenario);

}  // namespace moat::netstack::sim

#endif  // MOAT_NETSTACK_SIM_PLAN_H_
