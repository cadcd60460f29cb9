#include "sentry/netlink/route_encode.h"

#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_addrlabel.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cstring>
#include <string>

namespace moat::sentry {
namespace {

using netstack::Family;
using netstack::InterfaceInfo;
using netstack::IpAddress;
using netstack::NeighborState;
using netstack::RouteType;

constexpr uint32_t kForever = 0xffffffff;
constexpr uint32_t kQueueLength = 1000;
constexpr uint32_t kMinMtu = 68;       // RFC 791
constexpr uint32_t kMaxMtu = 65535;
constexpr uint8_t kOperationUnknown = 0, kOperationDown = 2, kOperationUp = 6;  // RFC 2863

uint8_t LinuxFamily(const IpAddress& address) { return address.is_v4() ? AF_INET : AF_INET6; }

void Address(uint16_t type, const IpAddress& address, NetlinkWriter& writer) {
  writer.Attribute(type, {address.data(), address.size()});
}

void Begin(const MessageTag& tag, NetlinkWriter& writer) {
  writer.Begin(tag.type, tag.flags, tag.sequence, tag.port);
}

uint8_t OperationalState(const InterfaceInfo& interface) {
  if (interface.loopback) return kOperationUnknown;
  return interface.up && interface.running ? kOperationUp : kOperationDown;
}

void Counters(const InterfaceInfo& interface, NetlinkWriter& writer) {
  const netstack::InterfaceCounters& counters = interface.counters;
  rtnl_link_stats64 wide{};
  wide.rx_packets = counters.rx_packets;
  wide.tx_packets = counters.tx_packets;
  wide.rx_bytes = counters.rx_bytes;
  wide.tx_bytes = counters.tx_bytes;
  wide.rx_errors = counters.rx_errors;
  wide.tx_errors = counters.tx_errors;
  wide.rx_dropped = counters.rx_dropped;
  wide.tx_dropped = counters.tx_dropped;
  wide.multicast = counters.rx_multicast;
  writer.Value(IFLA_STATS64, wide);
  rtnl_link_stats narrow{};
  narrow.rx_packets = static_cast<uint32_t>(counters.rx_packets);
  narrow.tx_packets = static_cast<uint32_t>(counters.tx_packets);
  narrow.rx_bytes = static_cast<uint32_t>(counters.rx_bytes);
  narrow.tx_bytes = static_cast<uint32_t>(counters.tx_bytes);
  narrow.rx_errors = static_cast<uint32_t>(counters.rx_errors);
  narrow.tx_errors = static_cast<uint32_t>(counters.tx_errors);
  narrow.rx_dropped = static_cast<uint32_t>(counters.rx_dropped);
  narrow.tx_dropped = static_cast<uint32_t>(counters.tx_dropped);
  narrow.multicast = static_cast<uint32_t>(counters.rx_multicast);
  writer.Value(IFLA_STATS, narrow);
}

uint8_t ScopeOf(const IpAddress& address) {
  if (address.IsLoopback()) return RT_SCOPE_HOST;
  return address.IsLinkLocal() ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

uint32_t FlagsOf(const netstack::AddressInfo& address) {
  uint32_t flags = IFA_F_PERMANENT;
  if (address.options.no_dad && address.prefix.address.is_v6()) flags |= IFA_F_NODAD;
  // IFA_F_NOPREFIXROUTE is not shown: the follower sets it and adds the prefix's route by itself.
  if (address.options.deprecated) flags |= IFA_F_DEPRECATED;
  if (address.tentative) flags |= IFA_F_TENTATIVE;
  if (address.duplicate) flags |= IFA_F_DADFAILED;
  return flags;
}

uint8_t TypeOf(RouteType type) {
  switch (type) {
    case RouteType::kUnicast: return RTN_UNICAST;
    case RouteType::kLocal: return RTN_LOCAL;
    case RouteType::kBroadcast: return RTN_BROADCAST;
    case RouteType::kBlackhole: return RTN_BLACKHOLE;
    case RouteType::kUnreachable: return RTN_UNREACHABLE;
    case RouteType::kProhibit: return RTN_PROHIBIT;
    case RouteType::kThrow: return RTN_THROW;
  }
  return RTN_UNSPEC;
}

uint8_t ActionOf(RouteType type) {
  switch (type) {
    case RouteType::kBlackhole: return FR_ACT_BLACKHOLE;
    case RouteType::kUnreachable: return FR_ACT_UNREACHABLE;
    case RouteType::kProhibit: return FR_ACT_PROHIBIT;
    default: return FR_ACT_TO_TBL;
  }
}

// What fits of a table's number into a header; the whole is in an attribute.
uint8_t ShortTable(uint32_t table) {
  return table < 256 ? static_cast<uint8_t>(table) : uint8_t{RT_TABLE_COMPAT};
}

uint16_t StateOf(NeighborState state) {
  switch (state) {
    case NeighborState::kIncomplete: return NUD_INCOMPLETE;
    case NeighborState::kReachable: return NUD_REACHABLE;
    case NeighborState::kStale: return NUD_STALE;
    case NeighborState::kDelay: return NUD_DELAY;
    case NeighborState::kProbe: return NUD_PROBE;
    case NeighborState::kFailed: return NUD_FAILED;
    case NeighborState::kPermanent: return NUD_PERMANENT;
    case NeighborState::kNoArp: return NUD_NOARP;
  }
  return NUD_NONE;
}

}  // namespace

uint32_t InterfaceFlags(const InterfaceInfo& interface) {
  uint32_t flags = interface.loopback ? IFF_LOOPBACK : IFF_BROADCAST | IFF_MULTICAST;
  if (!interface.up) return flags;
  flags |= IFF_UP;
  if (interface.loopback || interface.running) flags |= IFF_RUNNING | IFF_LOWER_UP;
  return flags;
}

void EncodeLink(const MessageTag& tag, const InterfaceInfo& interface, bool with_counters,
                NetlinkWriter& writer) {
  Begin(tag, writer);
  ifinfomsg info{};
  info.ifi_type = interface.loopback ? ARPHRD_LOOPBACK : ARPHRD_ETHER;
  info.ifi_index = interface.index;
  info.ifi_flags = InterfaceFlags(interface);
  writer.Fixed(info);
  writer.Text(IFLA_IFNAME, interface.name);
  writer.Value(IFLA_TXQLEN, kQueueLength);
  writer.Value(IFLA_OPERSTATE, OperationalState(interface));
  writer.Value(IFLA_LINKMODE, uint8_t{0});
  writer.Value(IFLA_MTU, interface.mtu);
  writer.Value(IFLA_MIN_MTU, interface.loopback ? uint32_t{0} : kMinMtu);
  writer.Value(IFLA_MAX_MTU, interface.loopback ? uint32_t{0} : kMaxMtu);
  writer.Value(IFLA_GROUP, uint32_t{0});
  writer.Value(IFLA_PROMISCUITY, uint32_t{0});
  writer.Value(IFLA_NUM_TX_QUEUES, uint32_t{1});
  writer.Value(IFLA_NUM_RX_QUEUES, uint32_t{1});
  writer.Value(IFLA_CARRIER, static_cast<uint8_t>(interface.loopback || interface.running));
  writer.Text(IFLA_QDISC, "noqueue");
  writer.Value(IFLA_CARRIER_CHANGES, uint32_t{0});
  writer.Value(IFLA_MAP, rtnl_link_ifmap{});
  writer.Attribute(IFLA_ADDRESS, interface.mac.bytes);
  const netstack::MacAddress broadcast =
      interface.loopback ? netstack::MacAddress{} : netstack::MacAddress::Broadcast();
  writer.Attribute(IFLA_BROADCAST, broadcast.bytes);
  if (with_counters) Counters(interface, writer);
  writer.End();
}

void EncodeAddress(const MessageTag& tag, const netstack::AddressInfo& address,
                   std::string_view interface_name, NetlinkWriter& writer) {
  const IpAddress& local = address.prefix.address;
  const uint32_t flags = FlagsOf(address);
  Begin(tag, writer);
  ifaddrmsg info{};
  info.ifa_family = LinuxFamily(local);
  info.ifa_prefixlen = static_cast<uint8_t>(address.prefix.length);
  info.ifa_flags = static_cast<uint8_t>(flags);
  info.ifa_scope = ScopeOf(local);
  info.ifa_index = static_cast<uint32_t>(address.interface);
  writer.Fixed(info);
  const bool has_peer = address.options.peer.has_value();
  if (local.is_v4()) {
    Address(IFA_ADDRESS, has_peer ? *address.options.peer : local, writer);
    Address(IFA_LOCAL, local, writer);
    if (address.options.broadcast.has_value()) {
      Address(IFA_BROADCAST, *address.options.broadcast, writer);
    }
    writer.Text(IFA_LABEL, interface_name);
  } else {
    if (has_peer) Address(IFA_LOCAL, local, writer);
    Address(IFA_ADDRESS, has_peer ? *address.options.peer : local, writer);
  }
  writer.Value(IFA_FLAGS, flags);
  ifa_cacheinfo lifetimes{};
  lifetimes.ifa_prefered = address.options.deprecated ? 0 : kForever;
  lifetimes.ifa_valid = kForever;
  writer.Value(IFA_CACHEINFO, lifetimes);
  writer.End();
}

void EncodeRoute(const MessageTag& tag, const RouteEntry& entry, NetlinkWriter& writer) {
  const netstack::RouteInfo& route = entry.route;
  const bool v6 = route.destination.address.is_v6();
  Begin(tag, writer);
  rtmsg info{};
  info.rtm_family = LinuxFamily(route.destination.address);
  info.rtm_dst_len = static_cast<uint8_t>(route.destination.length);
  info.rtm_table = ShortTable(entry.table);
  info.rtm_protocol = route.protocol;
  info.rtm_scope = v6 ? uint8_t{RT_SCOPE_UNIVERSE} : static_cast<uint8_t>(route.scope);
  info.rtm_type = TypeOf(route.type);
  info.rtm_flags = entry.cloned ? RTM_F_CLONED : 0;
  writer.Fixed(info);
  writer.Value(RTA_TABLE, entry.table);
  if (route.destination.length != 0) Address(RTA_DST, route.destination.address, writer);
  if (v6 || route.metric != 0) writer.Value(RTA_PRIORITY, route.metric);
  if (route.source.has_value()) Address(RTA_PREFSRC, *route.source, writer);
  if (route.mtu != 0) {
    const size_t metrics = writer.BeginNested(RTA_METRICS);
    writer.Value(RTAX_MTU, route.mtu);
    writer.EndNested(metrics);
  }
  if (route.gateway.has_value()) Address(RTA_GATEWAY, *route.gateway, writer);
  if (route.interface != 0) writer.Value(RTA_OIF, route.interface);
  if (v6) {
    writer.Value(RTA_CACHEINFO, rta_cacheinfo{});
    writer.Value(RTA_PREF, uint8_t{0});  // medium, RFC 4191
  }
  writer.End();
}

void EncodeNeighbor(const MessageTag& tag, const netstack::NeighborInfo& neighbor,
                    NetlinkWriter& writer) {
  Begin(tag, writer);
  ndmsg info{};
  info.ndm_family = LinuxFamily(neighbor.address);
  info.ndm_ifindex = neighbor.interface;
  info.ndm_state = StateOf(neighbor.state);
  info.ndm_flags = neighbor.router ? NTF_ROUTER : 0;
  info.ndm_type = RTN_UNICAST;
  writer.Fixed(info);
  Address(NDA_DST, neighbor.address, writer);
  const bool resolved = neighbor.state != NeighborState::kIncomplete &&
                        neighbor.state != NeighborState::kFailed;
  if (resolved) writer.Attribute(NDA_LLADDR, neighbor.mac.bytes);
  writer.Value(NDA_CACHEINFO, nda_cacheinfo{});
  writer.Value(NDA_PROBES, uint32_t{0});
  writer.End();
}

void EncodeAddressLabel(const MessageTag& tag, const netstack::AddressPolicy& policy,
                        NetlinkWriter& writer) {
  Begin(tag, writer);
  ifaddrlblmsg info{};
  info.ifal_family = AF_INET6;
  info.ifal_prefixlen = static_cast<uint8_t>(policy.prefix.length);
  writer.Fixed(info);
  Address(IFAL_ADDRESS, policy.prefix.address, writer);
  writer.Value(IFAL_LABEL, static_cast<uint32_t>(policy.label));
  writer.End();
}

void EncodeRule(const MessageTag& tag, Family family, const netstack::RuleInfo& rule,
                NetlinkWriter& writer) {
  Begin(tag, writer);
  const bool looks_up = rule.action == RouteType::kUnicast;
  const uint32_t table = looks_up ? rule.table : uint32_t{RT_TABLE_UNSPEC};
  fib_rule_hdr info{};
  info.family = family == Family::kIpv4 ? AF_INET : AF_INET6;
  info.src_len = rule.from.has_value() ? static_cast<uint8_t>(rule.from->length) : 0;
  info.dst_len = rule.to.has_value() ? static_cast<uint8_t>(rule.to->length) : 0;
  info.table = ShortTable(table);
  info.action = ActionOf(rule.action);
  writer.Fixed(info);
  writer.Value(FRA_TABLE, table);
  writer.Value(FRA_SUPPRESS_PREFIXLEN, uint32_t{0xffffffff});
  writer.Value(FRA_PROTOCOL, uint8_t{RTPROT_KERNEL});
  if (!rule.in_interface.empty()) writer.Text(FRA_IIFNAME, rule.in_interface);
  if (rule.priority != 0) writer.Value(FRA_PRIORITY, rule.priority);
  if (info.src_len != 0) Address(FRA_SRC, rule.from->address, writer);
  if (info.dst_len != 0) Address(FRA_DST, rule.to->address, writer);
  writer.End();
}

}  // namespace moat::sentry
