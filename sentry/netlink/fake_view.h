// A NetworkView of given tables, for tests.
#ifndef MOAT_SENTRY_NETLINK_FAKE_VIEW_H_
#define MOAT_SENTRY_NETLINK_FAKE_VIEW_H_

#include <vector>

#include "sentry/netlink/network_view.h"

namespace moat::sentry {

class FakeView final : public NetworkView {
 public:
  std::vector<netstack::InterfaceInfo> Interfaces() const override { return interfaces; }
  std::vector<netstack::AddressInfo> Addresses() const override { return addresses; }
  std::vector<netstack::RouteInfo> Routes() const override { return routes; }
  std::vector<netstack::RuleInfo> Rules() const override { return rules; }
  std::vector<netstack::NeighborInfo> Neighbors() const override { return neighbors; }
  std::vector<netstack::AddressPolicy> AddressPolicies() const override { return policies; }
  std::optional<netstack::IpAddress> SourceFor(
      const netstack::IpAddress& destination) const override {
    for (const netstack::AddressInfo& info : addresses) {
      const netstack::IpAddress& own = info.prefix.address;
      if (own.family() == destination.family() && own.IsLoopback() == destination.IsLoopback()) {
        return own;
      }
    }
    return std::nullopt;
  }

  FakeView() { AddRule(32766, netstack::kMainTable); }

  // Behind those that are there.
  netstack::RuleInfo& AddRule(uint32_t priority, uint32_t table) {
    netstack::RuleInfo& rule = rules.emplace_back();
    rule.priority = priority;
    rule.table = table;
    return rule;
  }
  void AddLoopback() {
    netstack::InterfaceInfo lo;
    lo.index = 1;
    lo.name = "lo";
    lo.mtu = 65536;
    lo.up = true;
    lo.running = true;
    lo.loopback = true;
    interfaces.push_back(lo);
    AddAddress(1, "127.0.0.1/8");
    AddAddress(1, "::1/128");
  }
  void AddEthernet(netstack::InterfaceIndex index, const char* name) {
    netstack::InterfaceInfo eth;
    eth.index = index;
    eth.name = name;
    eth.mac = {{2, 0, 0, 0, 0, static_cast<uint8_t>(index)}};
    eth.mtu = 1500;
    eth.up = true;
    eth.running = true;
    interfaces.push_back(eth);
  }
  void AddAddress(netstack::InterfaceIndex index, const char* prefix) {
    netstack::AddressInfo info;
    info.interface = index;
    info.prefix = *netstack::Prefix::Parse(prefix);
    addresses.push_back(info);
  }
  void AddRoute(netstack::InterfaceIndex index, const char* prefix, const char* gateway) {
    netstack::RouteInfo route;
    route.destination = *netstack::Prefix::Parse(prefix);
    route.interface = index;
    if (gateway != nullptr) route.gateway = *netstack::IpAddress::Parse(gateway);
    routes.push_back(route);
  }

  std::vector<netstack::InterfaceInfo> interfaces;
  std::vector<netstack::AddressInfo> addresses;
  std::vector<netstack::RouteInfo> routes;
  std::vector<netstack::RuleInfo> rules;
  std::vector<netstack::NeighborInfo> neighbors;
  std::vector<netstack::AddressPolicy> policies;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_FAKE_VIEW_H_
