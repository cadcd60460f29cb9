// NetworkView over a Stack.
#ifndef MOAT_SENTRY_NETLINK_STACK_VIEW_H_
#define MOAT_SENTRY_NETLINK_STACK_VIEW_H_

#include "netstack/stack/stack.h"
#include "sentry/netlink/network_view.h"

namespace moat::sentry {

class StackView final : public NetworkView {
 public:
  explicit StackView(netstack::Stack& stack) : stack_(stack) {}

  std::vector<netstack::InterfaceInfo> Interfaces() const override { return stack_.Interfaces(); }
  std::vector<netstack::AddressInfo> Addresses() const override { return stack_.Addresses(); }
  std::vector<netstack::RouteInfo> Routes() const override { return stack_.Routes(); }
  std::vector<netstack::RuleInfo> Rules() const override { return stack_.Rules(); }
  std::vector<netstack::NeighborInfo> Neighbors() const override { return stack_.Neighbors(); }
  std::vector<netstack::AddressPolicy> AddressPolicies() const override {
    return stack_.AddressPolicies();
  }
  std::optional<netstack::IpAddress> SourceFor(
      const netstack::IpAddress& destination) const override {
    auto source = stack_.SelectSource(destination, 0);
    if (!source.ok()) return std::nullopt;
    return *source;
  }

 private:
  netstack::Stack& stack_;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_STACK_VIEW_H_
