// The nodes and links of a scenario, built and joined.
#ifndef MOAT_NETSTACK_SIM_NETWORK_H_
#define MOAT_NETSTACK_SIM_NETWORK_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "netstack/sim/channel.h"
#include "netstack/sim/event_queue.h"
#include "netstack/sim/host.h"
#include "netstack/sim/plan.h"
#include "netstack/sim/scenario.h"
#include "netstack/sim/switch.h"

namespace moat::netstack::sim {

class Network {
 public:
  // Borrowed; both outlive the network.
  Network(const Scenario& scenario, EventQueue& queue) : scenario_(scenario), queue_(queue) {}

  // Once. kInvalidArgument names file, line and word: an unknown sysctl, a value that it does not
  // take.
  absl::Status Build(uint64_t seed);

  Host* host(size_t node) { return hosts_[node].get(); }  // null for a switch
  // The address at a node's first link; empty when it has none.
  std::optional<IpAddress> AddressOf(size_t node, Family family) const;
  Channel& forth(size_t link) { return *links_[link].forth; }
  Channel& back(size_t link) { return *links_[link].back; }
  const Channel& forth(size_t link) const { return *links_[link].forth; }
  const Channel& back(size_t link) const { return *links_[link].back; }

 private:
  struct Pair {
    std::unique_ptr<Channel> forth, back;
  };

  void MakeNodes(uint64_t seed);
  absl::Status MakeLink(size_t index, uint64_t seed);
  absl::Status JoinEnd(size_t node, Channel& out, Channel& in, size_t link, bool second);
  absl::Status Configure(size_t node);
  absl::Status ApplySettings();
  absl::Status AddRoutes();

  const Scenario& scenario_;
  EventQueue& queue_;
  Plan plan_;
  std::vector<std::unique_ptr<Switch>> switches_;  // by node; null for others
  std::vector<Pair> links_;
  std::vector<std::unique_ptr<Host>> hosts_;       // by node; null for switches
  std::vector<size_t> port_counts_;                // by node
};

}  // namespace moat::netstack::sim

#endif  // MOAT_NETSTACK_SIM_NETWORK_H_
