// The configuration of the IP layer as values: what is set, and what is reported. Names and numbers
// are rtnetlink(7)'s where it has them.
#ifndef MOAT_NETSTACK_IP_CONFIGURATION_H_
#define MOAT_NETSTACK_IP_CONFIGURATION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "netstack/base/time.h"
#include "netstack/link/link.h"
#include "netstack/neighbor/neighbor_info.h"
#include "netstack/wire/address.h"

namespace moat::netstack {

inline constexpr InterfaceIndex kLoopbackIndex = 1;

inline constexpr size_t kMaxInterfaceName = 15;  // bytes; IFNAMSIZ - 1

struct InterfaceOptions {
  InterfaceIndex index = 0;  // > 0; 1 is the loopback interface, which every stack has
  std::string name;          // at most kMaxInterfaceName bytes
  MacAddress mac;
  uint32_t mtu = 1500;
  bool up = true;
  bool running = true;       // carrier
  Link* link = nullptr;      // borrowed until RemoveInterface()
};

// 64-bit, with the names of ip -s link.
struct InterfaceCounters {
  uint64_t rx_packets = 0, rx_bytes = 0, rx_errors = 0, rx_dropped = 0, rx_multicast = 0;
  uint64_t tx_packets = 0, tx_bytes = 0, tx_errors = 0, tx_dropped = 0;
};

struct InterfaceInfo {
  InterfaceIndex index = 0;
  std::string name;
  MacAddress mac;
  uint32_t mtu = 0;
  bool up = false;
  bool running = false;
  bool loopback = false;
  InterfaceCounters counters;
};

struct AddressOptions {
  std::optional<IpAddress> broadcast;  // IPv4; absent: derived from the prefix
  std::optional<IpAddress> peer;
  bool no_dad = false;                 // IPv6: usable at once (IFA_F_NODAD)
  bool no_prefix_route = false;        // IFA_F_NOPREFIXROUTE
  bool deprecated = false;
  bool detect_conflict = false;        // IPv4: probe before use, defend (RFC 5227)
  bool autoconfigured = false;         // from a router advertisement (RFC 4862)
  bool temporary = false;              // RFC 8981
  Duration dad_delay{};                // IPv6: before the first probe (RFC 7217 6)
};

// A recursive DNS server that a router advertised (RFC 8106).
struct NameServerInfo {
  InterfaceIndex interface = 0;
  IpAddress address;
  Time expires = kNever;
};

struct AddressInfo {
  InterfaceIndex interface = 0;
  Prefix prefix;
  AddressOptions options;
  bool tentative = false;
  bool duplicate = false;  // dadfailed
};

// kThrow: the table has no answer, the next rule's is asked.
enum class RouteType : uint8_t {
  kUnicast, kLocal, kBroadcast, kBlackhole, kUnreachable, kProhibit, kThrow,
};
enum class RouteScope : uint8_t { kGlobal = 0, kLink = 253, kHost = 254 };

inline constexpr uint32_t kMainTable = 254;  // RT_TABLE_MAIN

// One of several equal next hops; weights share the flows.
struct NextHop {
  std::optional<IpAddress> gateway;
  InterfaceIndex interface = 0;
  uint32_t weight = 1;  // 1 to 256
  auto operator<=>(const NextHop&) const = default;
};

// Protocol numbers are rtnetlink(7)'s RTPROT_*: kernel 2, boot 3, static 4.
struct RouteInfo {
  Prefix destination;                // length 0: default
  std::optional<IpAddress> gateway;
  InterfaceIndex interface = 0;
  uint32_t metric = 0;
  std::optional<IpAddress> source;   // preferred source
  RouteType type = RouteType::kUnicast;
  RouteScope scope = RouteScope::kGlobal;
  uint8_t protocol = 3;
  uint32_t mtu = 0;                  // 0: the interface's
  uint32_t table = kMainTable;
  // Several next hops (RFC 2992); gateway and interface above are then not used.
  std::vector<NextHop> next_hops{};
  uint8_t rank = 0;                  // among routes of equal metric, lowest first (RFC 4191)
};

// A policy rule (ip-rule(8)): who matches asks `table`. The local table comes before all rules, the
// main table's rule (32766) is always there.
struct RuleInfo {
  uint32_t priority = 0;             // lower ones first
  std::optional<Family> family;      // absent: both
  std::optional<Prefix> from, to;
  std::string in_interface;          // "lo": packets of our own; empty: any
  uint32_t table = kMainTable;
  RouteType action = RouteType::kUnicast;  // or kBlackhole, kUnreachable, kProhibit
  bool operator==(const RuleInfo&) const = default;
};

// A row of the policy table of RFC 6724 2.1 (gai.conf(5), ip-addrlabel(8)).
struct AddressPolicy {
  Prefix prefix;       // IPv4 prefixes stand for ::ffff:a.b.c.d/96+n
  int precedence = 0;  // destinations: the highest is tried first
  int label = 0;       // sources and destinations of one label go together
  bool operator==(const AddressPolicy&) const = default;
};

struct RouterAdvertisementInfo;  // router_advertisement_options.h

// Told of configuration changes as they happen; may only take notes.
class StackObserver {
 public:
  virtual ~StackObserver() = default;
  virtual void OnInterfaceChanged(const InterfaceInfo& interface, bool removed) = 0;
  virtual void OnAddressChanged(const AddressInfo& address, bool removed) = 0;
  virtual void OnRouteChanged(const RouteInfo& route, bool removed) = 0;
  virtual void OnNeighborChanged(const NeighborInfo& neighbor, bool removed) = 0;
  // Few want to know of these.
  virtual void OnRuleChanged(const RuleInfo&, bool /*removed*/) {}
  virtual void OnRouterAdvertisementChanged(const RouterAdvertisementInfo&, bool /*removed*/) {}
  virtual void OnAddressPolicyChanged(const AddressPolicy&, bool /*removed*/) {}
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_IP_CONFIGURATION_H_
