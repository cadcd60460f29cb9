// Runs a scenario in virtual time.
//
//   absl::StatusOr<Scenario> scenario = ParseScenario("dumbbell.sim", text);
//   absl::StatusOr<Report> report = Simulate(*scenario, {});
//   std::cout << ReportTable(*scenario, *report);
//
// The same scenario and seed give the same report, bit for bit. No clock, no file and no thread is
// used.
#ifndef MOAT_NETSTACK_SIM_SIMULATION_H_
#define MOAT_NETSTACK_SIM_SIMULATION_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "netstack/link/pcapng.h"
#include "netstack/sim/channel.h"
#include "netstack/sim/flow.h"
#include "netstack/sim/scenario.h"

namespace moat::netstack::sim {

struct RunOptions {
  std::optional<uint64_t> seed;  // instead of the scenario's
  // Where the capture of a link goes; absent: no captures. Each has two interfaces, one for each
  // end, so that it shows when frames left and when (and whether) they arrived.
  std::function<PcapngWriter::Sink(const LinkSpec& link)> capture;
};

struct LinkResult {
  ChannelCounters forth, back;
};

struct Report {
  uint64_t seed = 0;
  Duration time{0};     // virtual
  uint64_t events = 0;  // handled
  uint64_t digest = 0;  // of every frame that arrived anywhere, and when
  std::vector<FlowResult> flows;  // as in the scenario
  std::vector<LinkResult> links;

  bool complete() const {
    for (const FlowResult& flow : flows) {
      if (!flow.complete) return false;
    }
    return true;
  }
};

// Ends when every flow is done, or at the scenario's limit. kInvalidArgument: what only shows when
// the network is built (names file, line and word).
absl::StatusOr<Report> Simulate(const Scenario& scenario, const RunOptions& options);

}  // namespace moat::netstack::sim

#endif  // MOAT_NETSTACK_SIM_SIMULATION_H_
