#include "netstack/sim/plan.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "absl/strings/str_cat.h"

namespace moat::netstack::sim {
namespace {

constexpr size_t kFar = std::numeric_limits<size_t>::max();

IpAddress MakeAddress(size_t segment, uint8_t number, Family family) {
  const auto high = static_cast<uint8_t>(segment >> 8), low = static_cast<uint8_t>(segment);
  if (family == Family::kIpv4) return IpAddress::V4(10, high, low, number);
  const std::array<uint8_t, 16> bytes = {0xfd, 0, 0, 0, 0, 0, high, low,
                                         0,    0, 0, 0, 0, 0, 0,    number};
  return IpAddress::V6(bytes.data());
}

bool IsSwitch(const Scenario& scenario, size_t node) {
  return scenario.nodes[node].kind == NodeKind::kSwitch;
}

// The segment of each link.
std::vector<size_t> FindSegments(const Scenario& scenario, size_t* count) {
  std::vector<size_t> parent(scenario.nodes.size());
  std::iota(parent.begin(), parent.end(), size_t{0});
  const auto root = [&](size_t node) {
    while (parent[node] != node) node = parent[node] = parent[parent[node]];
    return node;
  };
  for (const LinkSpec& link : scenario.links) {
    if (IsSwitch(scenario, link.a) && IsSwitch(scenario, link.b))
      parent[root(link.a)] = root(link.b);
  }
  std::vector<size_t> of_switch(scenario.nodes.size(), kFar);
  std::vector<size_t> segments;
  *count = 0;
  for (const LinkSpec& link : scenario.links) {
    const size_t joint = IsSwitch(scenario, link.a)   ? root(link.a)
                         : IsSwitch(scenario, link.b) ? root(link.b)
                                                      : kFar;
    if (joint == kFar) {
      segments.push_back((*count)++);
      continue;
    }
    if (of_switch[joint] == kFar) of_switch[joint] = (*count)++;
    segments.push_back(of_switch[joint]);
  }
  return segments;
}

class Router {
 public:
  Router(const Scenario& scenario, Plan& plan) : scenario_(scenario), plan_(plan) {
    members_.resize(plan.segments);
    for (const auto& ports : plan.ports) {
      for (const PortPlan& port : ports) members_[port.segment].push_back(port);
    }
  }

  void AddRoutes() {
    std::vector<bool> only_one(scenario_.nodes.size());
    for (size_t node = 0; node < scenario_.nodes.size(); ++node) only_one[node] = AddDefault(node);
    for (size_t segment = 0; segment < plan_.segments; ++segment) {
      const std::vector<size_t> distances = Distances(segment);
      for (size_t node = 0; node < scenario_.nodes.size(); ++node) {
        if (!only_one[node]) AddRoute(node, segment, distances);
      }
    }
  }

 private:
  bool Forwards(size_t node) const { return scenario_.nodes[node].kind == NodeKind::kRouter; }

  // Where there is one router at all that a node could use, it gets a default route.
  bool AddDefault(size_t node) {
    RoutePlan route;
    size_t candidates = 0;
    for (size_t port = 0; port < plan_.ports[node].size(); ++port) {
      for (const PortPlan& other : members_[plan_.ports[node][port].segment]) {
        if (other.node == node || !Forwards(other.node)) continue;
        if (++candidates == 1) route = {node, std::nullopt, port, other};
      }
    }
    if (candidates == 1) plan_.routes.push_back(route);
    return candidates <= 1;
  }

  // Routers that a packet passes on its way into `segment`, by the node that has it.
  std::vector<size_t> Distances(size_t segment) const {
    std::vector<size_t> distance(scenario_.nodes.size(), kFar);
    std::vector<size_t> frontier;
    std::vector<bool> seen(plan_.segments);
    std::vector<size_t> segments = {segment};
    seen[segment] = true;
    for (size_t hops = 0; !segments.empty(); ++hops) {
      frontier.clear();
      for (const size_t at : segments) {
        for (const PortPlan& port : members_[at]) {
          if (distance[port.node] != kFar) continue;
          distance[port.node] = hops;
          if (Forwards(port.node)) frontier.push_back(port.node);
        }
      }
      segments.clear();
      for (const size_t router : frontier) {
        for (const PortPlan& port : plan_.ports[router]) {
          if (seen[port.segment]) continue;
          seen[port.segment] = true;
          segments.push_back(port.segment);
        }
      }
    }
    return distance;
  }

  void AddRoute(size_t node, size_t segment, const std::vector<size_t>& distances) {
    if (distances[node] == 0 || distances[node] == kFar) return;
    for (size_t port = 0; port < plan_.ports[node].size(); ++port) {
      for (const PortPlan& other : members_[plan_.ports[node][port].segment]) {
        if (!Forwards(other.node) || distances[other.node] != distances[node] - 1) continue;
        plan_.routes.push_back({node, segment, port, other});
        return;
      }
    }
  }

  const Scenario& scenario_;
  Plan& plan_;
  std::vector<std::vector<PortPlan>> members_;  // by segment
};

}  // namespace

IpAddress PortPlan::Address(Family family) const { return MakeAddress(segment, number, family); }

Prefix SegmentPrefix(size_t segment, Family family) {
  return {MakeAddress(segment, 0, family), family == Family::kIpv4 ? 24 : 64};
}

absl::StatusOr<Plan> MakePlan(const Scenario& scenario) {
  Plan plan;
  plan.ports.resize(scenario.nodes.size());
  const std::vector<size_t> segments = FindSegments(scenario, &plan.segments);
  std::vector<size_t> members(plan.segments);
  for (size_t i = 0; i < scenario.links.size(); ++i) {
    const LinkSpec& link = scenario.links[i];
    for (const size_t node : {link.a, link.b}) {
      if (IsSwitch(scenario, node)) continue;
      if (++members[segments[i]] > kMaxNodesPerSegment) {
        return absl::InvalidArgumentError(
            absl::StrCat(scenario.file, ":", link.line, ": \"", link.name, "\": more than ",
                         kMaxNodesPerSegment, " stacks on one segment"));
      }
      plan.ports[node].push_back(
          {node, i, segments[i], static_cast<uint8_t>(members[segments[i]])});
    }
  }
  Router(scenario, plan).AddRoutes();
  return plan;
}

}  // namespace moat::netstack::sim
