#include "netstack/sim/network.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace moat::netstack::sim {
namespace {

constexpr Family kFamilies[] = {Family::kIpv4, Family::kIpv6};

absl::Status Wrong(const Scenario& scenario, int line, const std::string& word,
                   const std::string& what) {
  return absl::InvalidArgumentError(
      absl::StrCat(scenario.file, ":", line, ": \"", word, "\": ", what));
}

// Locally administered, unicast (IEEE 802, 8.4).
MacAddress MacOf(size_t link, bool second) {
  return {{0x02, 0, 0, static_cast<uint8_t>(link >> 8), static_cast<uint8_t>(link),
           static_cast<uint8_t>(second ? 2 : 1)}};
}

}  // namespace

absl::Status Network::Build(uint64_t seed) {
  absl::StatusOr<Plan> plan = MakePlan(scenario_);
  if (!plan.ok()) return plan.status();
  plan_ = *std::move(plan);
  MakeNodes(seed);
  if (absl::Status status = ApplySettings(); !status.ok()) return status;
  for (size_t i = 0; i < scenario_.links.size(); ++i) {
    if (absl::Status status = MakeLink(i, seed); !status.ok()) return status;
  }
  for (size_t node = 0; node < scenario_.nodes.size(); ++node) {
    if (absl::Status status = Configure(node); !status.ok()) return status;
  }
  if (absl::Status status = AddRoutes(); !status.ok()) return status;
  for (const auto& host : hosts_) {
    if (host != nullptr) host->Settle();
  }
  return absl::OkStatus();
}

void Network::MakeNodes(uint64_t seed) {
  const size_t count = scenario_.nodes.size();
  hosts_.resize(count);
  switches_.resize(count);
  port_counts_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const NodeSpec& node = scenario_.nodes[i];
    if (node.kind == NodeKind::kSwitch) {
      switches_[i] = std::make_unique<Switch>(queue_);
    } else {
      hosts_[i] = std::make_unique<Host>(queue_, seed, node.name, node.offload);
    }
  }
}

absl::Status Network::MakeLink(size_t index, uint64_t seed) {
  const LinkSpec& spec = scenario_.links[index];
  const auto make = [&](const char* direction, const LinkDirection& plan) {
    return std::make_unique<Channel>(queue_, seed, absl::StrCat("link/", spec.name, direction),
                                     spec.mtu, plan);
  };
  links_.push_back({make("/forth", spec.forth), make("/back", spec.back)});
  Pair& pair = links_.back();
  absl::Status status = JoinEnd(spec.a, *pair.forth, *pair.back, index, false);
  return status.ok() ? JoinEnd(spec.b, *pair.back, *pair.forth, index, true) : status;
}

absl::Status Network::JoinEnd(size_t node, Channel& out, Channel& in, size_t link, bool second) {
  const size_t port = port_counts_[node]++;
  Node* receiver = nullptr;
  if (switches_[node] != nullptr) {
    switches_[node]->AddPort(&out);
    receiver = switches_[node].get();
  } else {
    const LinkSpec& spec = scenario_.links[link];
    absl::Status status = hosts_[node]->AddPort(&out, MacOf(link, second), spec.mtu);
    if (!status.ok()) {
      return Wrong(scenario_, spec.line, spec.name, std::string(status.message()));
    }
    receiver = hosts_[node].get();
  }
  in.SetDeliver([receiver, port](Slice frame) { receiver->Receive(port, std::move(frame)); });
  return absl::OkStatus();
}

absl::Status Network::Configure(size_t node) {
  AddressOptions options;
  options.no_dad = true;  // usable at once: the plan has no duplicates
  for (size_t i = 0; i < plan_.ports[node].size(); ++i) {
    const PortPlan& port = plan_.ports[node][i];
    const LinkSpec& link = scenario_.links[port.link];
    for (const Family family : kFamilies) {
      if (family == Family::kIpv6 && link.mtu < 1280) continue;  // RFC 8200 5
      const Prefix prefix = {port.Address(family), SegmentPrefix(port.segment, family).length};
      absl::Status status = hosts_[node]->stack().AddAddress(
          Host::kFirstInterface + static_cast<InterfaceIndex>(i), prefix, options);
      if (!status.ok()) {
        return Wrong(scenario_, link.line, link.name, std::string(status.message()));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status Network::ApplySettings() {
  // Both names are Linux's; a stack need not have both.
  static constexpr const char* kForwarding[][2] = {
      {"ipv4.ip_forward", "ipv4.conf.all.forwarding"},
      {"ipv6.conf.all.forwarding", "ipv6.conf.all.forwarding"}};
  for (size_t node = 0; node < scenario_.nodes.size(); ++node) {
    const NodeSpec& spec = scenario_.nodes[node];
    if (spec.kind != NodeKind::kRouter) continue;
    for (const auto& names : kForwarding) {
      Stack& stack = hosts_[node]->stack();
      if (stack.SetSysctl(names[0], "1").ok() || stack.SetSysctl(names[1], "1").ok()) continue;
      return Wrong(scenario_, spec.line, spec.name,
                   "the stack cannot forward");
    }
  }
  for (const SettingSpec& setting : scenario_.settings) {
    absl::Status status = hosts_[setting.node]->stack().SetSysctl(setting.name, setting.value);
    if (!status.ok()) {
      return Wrong(scenario_, setting.line, setting.name, std::string(status.message()));
    }
  }
  return absl::OkStatus();
}

absl::Status Network::AddRoutes() {
  for (const RoutePlan& route : plan_.routes) {
    for (const Family family : kFamilies) {
      RouteInfo info;
      info.destination = route.segment ? SegmentPrefix(*route.segment, family)
                                       : Prefix{IpAddress::Any(family), 0};
      info.gateway = route.gateway.Address(family);
      info.interface = Host::kFirstInterface + static_cast<InterfaceIndex>(route.port);
      absl::Status status = hosts_[route.node]->stack().AddRoute(info);
      // A segment whose MTU is too small for IPv6 has no such addresses.
      if (!status.ok() && family == Family::kIpv4) {
        const NodeSpec& node = scenario_.nodes[route.node];
        return Wrong(scenario_, node.line, node.name, std::string(status.message()));
      }
    }
  }
  return absl::OkStatus();
}

std::optional<IpAddress> Network::AddressOf(size_t node, Family family) const {
  if (plan_.ports[node].empty()) return std::nullopt;
  const PortPlan& port = plan_.ports[node].front();
  if (family == Family::kIpv6 && scenario_.links[port.link].mtu < 1280) return std::nullopt;
  return port.Address(family);
}

}  // namespace moat::netstack::sim
