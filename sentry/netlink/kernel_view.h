// What the kernel's tables of the configured network namespace say, as values in netstack's terms.
// Two views are compared to find what changed.
#ifndef MOAT_SENTRY_NETLINK_KERNEL_VIEW_H_
#define MOAT_SENTRY_NETLINK_KERNEL_VIEW_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "netstack/ip/configuration.h"
#include "netstack/wire/address.h"

namespace moat::sentry {

struct KernelLink {
  netstack::InterfaceIndex index = 0;
  std::string name;
  netstack::MacAddress mac;
  uint32_t mtu = 0;
  bool up = false;
  bool running = false;  // carrier
  bool loopback = false;
  bool ethernet = false;  // others are not attached

  auto operator<=>(const KernelLink&) const = default;
};

struct KernelAddress {
  netstack::InterfaceIndex interface = 0;
  netstack::Prefix prefix;
  std::optional<netstack::IpAddress> broadcast;
  std::optional<netstack::IpAddress> peer;
  bool tentative = false;   // the kernel has not finished duplicate address detection
  bool no_dad = false;
  bool deprecated = false;
  bool duplicate = false;   // dadfailed: not used

  using Key = std::tuple<netstack::InterfaceIndex, netstack::Prefix>;
  Key key() const { return {interface, prefix}; }
  auto operator<=>(const KernelAddress&) const = default;
};

// A route of the main table with one next hop.
struct KernelRoute {
  netstack::Prefix destination;
  std::optional<netstack::IpAddress> gateway;
  netstack::InterfaceIndex interface = 0;
  uint32_t metric = 0;
  std::optional<netstack::IpAddress> source;
  netstack::RouteType type = netstack::RouteType::kUnicast;
  netstack::RouteScope scope = netstack::RouteScope::kGlobal;
  uint8_t protocol = 0;
  uint32_t mtu = 0;

  using Key = std::tuple<netstack::Prefix, uint32_t, netstack::InterfaceIndex,
                         std::optional<netstack::IpAddress>, netstack::RouteType>;
  Key key() const { return {destination, metric, interface, gateway, type}; }
  auto operator<=>(const KernelRoute&) const = default;
};

// Permanent and noarp entries only; the others are each stack's own.
struct KernelNeighbor {
  netstack::InterfaceIndex interface = 0;
  netstack::IpAddress address;
  netstack::MacAddress mac;
  bool no_arp = false;
  bool router = false;

  using Key = std::tuple<netstack::InterfaceIndex, netstack::IpAddress>;
  Key key() const { return {interface, address}; }
  auto operator<=>(const KernelNeighbor&) const = default;
};

struct KernelView {
  std::map<netstack::InterfaceIndex, KernelLink> links;
  std::map<KernelAddress::Key, KernelAddress> addresses;
  std::map<KernelRoute::Key, KernelRoute> routes;
  std::map<KernelNeighbor::Key, KernelNeighbor> neighbors;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_KERNEL_VIEW_H_
