// The points of the fault grid: paths, what theory says of them, and how far a transfer may be from
// it.
#ifndef MOAT_NETSTACK_SIM_GRID_CASES_H_
#define MOAT_NETSTACK_SIM_GRID_CASES_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "netstack/sim/grid/theory.h"

namespace moat::netstack::sim {

struct GridCase {
  std::string name;
  std::string network;  // the scenario without its flow; host a sends to host b
  uint64_t bytes = 0;
  std::string flow_options;  // besides `cc`
  PathModel path;
  // Goodput is at least `floor` times TransferGoodput() of the path.
  double floor = 0;
  // Floors of algorithms that do worse here by design.
  std::map<std::string, double> floor_of;
  // Segments that are retransmitted are at most `per_fault` times the frames that were lost,
  // damaged or held back, and this share of all segments, and ten.
  double per_fault = 0;
  double storm = 0;
};

// A few dozen that touch each kind of fault.
std::vector<GridCase> BoundedGrid();
// Every combination of losses, delays, rates and queues, and more of each fault. Takes some
// minutes.
std::vector<GridCase> FullGrid();

}  // namespace moat::netstack::sim

#endif  // MOAT_NETSTACK_SIM_GRID_CASES_H_
