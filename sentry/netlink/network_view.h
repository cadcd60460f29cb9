// What netlink and network ioctls tell a container: the stack's tables. Behind an interface so that
// tests need no stack.
#ifndef MOAT_SENTRY_NETLINK_NETWORK_VIEW_H_
#define MOAT_SENTRY_NETLINK_NETWORK_VIEW_H_

#include <optional>
#include <vector>

#include "netstack/ip/configuration.h"
#include "netstack/wire/address.h"

namespace moat::sentry {

class NetworkView {
 public:
  virtual ~NetworkView() = default;
  virtual std::vector<netstack::InterfaceInfo> Interfaces() const = 0;  // by index
  virtual std::vector<netstack::AddressInfo> Addresses() const = 0;
  virtual std::vector<netstack::RouteInfo> Routes() const = 0;  // of all tables but the local one
  // By priority, the main table's included.
  virtual std::vector<netstack::RuleInfo> Rules() const = 0;
  virtual std::vector<netstack::NeighborInfo> Neighbors() const = 0;
  virtual std::vector<netstack::AddressPolicy> AddressPolicies() const = 0;
  // The address that a packet to `destination` would carry as its source; absent without a route.
  virtual std::optional<netstack::IpAddress> SourceFor(
      const netstack::IpAddress& destination) const = 0;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_NETWORK_VIEW_H_
