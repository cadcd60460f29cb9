// ConfigTarget over a Stack.
#ifndef MOAT_SENTRY_NETLINK_STACK_TARGET_H_
#define MOAT_SENTRY_NETLINK_STACK_TARGET_H_

#include "netstack/stack/stack.h"
#include "sentry/netlink/config_target.h"

namespace moat::sentry {

class StackTarget final : public ConfigTarget {
 public:
  explicit StackTarget(netstack::Stack& stack) : stack_(stack) {}

  absl::Status AddInterface(const netstack::InterfaceOptions& options) override {
    return stack_.AddInterface(options);
  }
  absl::Status RemoveInterface(netstack::InterfaceIndex index) override {
    return stack_.RemoveInterface(index);
  }
  absl::Status SetInterfaceUp(netstack::InterfaceIndex index, bool up) override {
    return stack_.SetInterfaceUp(index, up);
  }
  absl::Status SetInterfaceRunning(netstack::InterfaceIndex index, bool running) override {
    return stack_.SetInterfaceRunning(index, running);
  }
  absl::Status SetInterfaceMtu(netstack::InterfaceIndex index, uint32_t mtu) override {
    return stack_.SetInterfaceMtu(index, mtu);
  }
  absl::Status SetInterfaceMac(netstack::InterfaceIndex index,
                               const netstack::MacAddress& mac) override {
    return stack_.SetInterfaceMac(index, mac);
  }
  absl::Status SetInterfaceName(netstack::InterfaceIndex index, std::string_view name) override {
    return stack_.SetInterfaceName(index, name);
  }
  absl::Status AddAddress(netstack::InterfaceIndex index, const netstack::Prefix& prefix,
                          const netstack::AddressOptions& options) override {
    return stack_.AddAddress(index, prefix, options);
  }
  absl::Status RemoveAddress(netstack::InterfaceIndex index,
                             const netstack::Prefix& prefix) override {
    return stack_.RemoveAddress(index, prefix);
  }
  absl::Status AddRoute(const netstack::RouteInfo& route) override {
    return stack_.AddRoute(route);
  }
  absl::Status RemoveRoute(const netstack::RouteInfo& route) override {
    return stack_.RemoveRoute(route);
  }
  absl::Status AddNeighbor(const netstack::NeighborInfo& neighbor) override {
    return stack_.AddNeighbor(neighbor);
  }
  absl::Status RemoveNeighbor(netstack::InterfaceIndex index,
                              const netstack::IpAddress& address) override {
    return stack_.RemoveNeighbor(index, address);
  }

 private:
  netstack::Stack& stack_;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_STACK_TARGET_H_
