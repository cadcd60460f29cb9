// Where the follower applies what it reads, and who opens links for it. The stack stands behind one
// adapter; tests behind another.
#ifndef MOAT_SENTRY_NETLINK_CONFIG_TARGET_H_
#define MOAT_SENTRY_NETLINK_CONFIG_TARGET_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "netstack/ip/configuration.h"

namespace moat::sentry {

// The configuration calls of netstack::Stack, of the same names and meanings.
class ConfigTarget {
 public:
  virtual ~ConfigTarget() = default;
  virtual absl::Status AddInterface(const netstack::InterfaceOptions& options) = 0;
  virtual absl::Status RemoveInterface(netstack::InterfaceIndex index) = 0;
  virtual absl::Status SetInterfaceUp(netstack::InterfaceIndex index, bool up) = 0;
  virtual absl::Status SetInterfaceRunning(netstack::InterfaceIndex index, bool running) = 0;
  virtual absl::Status SetInterfaceMtu(netstack::InterfaceIndex index, uint32_t mtu) = 0;
  virtual absl::Status SetInterfaceMac(netstack::InterfaceIndex index,
                                       const netstack::MacAddress& mac) = 0;
  virtual absl::Status SetInterfaceName(netstack::InterfaceIndex index, std::string_view name) = 0;
  virtual absl::Status AddAddress(netstack::InterfaceIndex index, const netstack::Prefix& prefix,
                                  const netstack::AddressOptions& options) = 0;
  virtual absl::Status RemoveAddress(netstack::InterfaceIndex index,
                                     const netstack::Prefix& prefix) = 0;
  virtual absl::Status AddRoute(const netstack::RouteInfo& route) = 0;
  virtual absl::Status RemoveRoute(const netstack::RouteInfo& route) = 0;
  virtual absl::Status AddNeighbor(const netstack::NeighborInfo& neighbor) = 0;
  virtual absl::Status RemoveNeighbor(netstack::InterfaceIndex index,
                                      const netstack::IpAddress& address) = 0;
};

class LinkAttacher {
 public:
  virtual ~LinkAttacher() = default;
  // Opens the interface for the stack. The link lives until Detach(), which is called after the
  // interface was removed from the stack.
  virtual absl::StatusOr<netstack::Link*> Attach(netstack::InterfaceIndex index,
                                                 const std::string& name) = 0;
  virtual void Detach(netstack::InterfaceIndex index) = 0;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_CONFIG_TARGET_H_
