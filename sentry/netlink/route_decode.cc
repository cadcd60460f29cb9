#include "sentry/netlink/route_decode.h"

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace moat::sentry {
namespace {

using netstack::Family;
using netstack::InterfaceIndex;
using netstack::IpAddress;
using netstack::Prefix;
using netstack::RouteScope;
using netstack::RouteType;

std::optional<Family> FamilyOf(uint8_t family) {
  if (family == AF_INET) return Family::kIpv4;
  if (family == AF_INET6) return Family::kIpv6;
  return std::nullopt;
}

std::optional<IpAddress> AddressOf(const NetlinkAttribute& attribute, Family family) {
  const size_t size = family == Family::kIpv4 ? 4 : 16;
  if (attribute.value.size() != size) return std::nullopt;
  return family == Family::kIpv4 ? IpAddress::V4(attribute.value.data())
                                 : IpAddress::V6(attribute.value.data());
}

bool MacOf(const NetlinkAttribute& attribute, netstack::MacAddress* mac) {
  if (attribute.value.size() != mac->bytes.size()) return false;
  std::memcpy(mac->bytes.data(), attribute.value.data(), mac->bytes.size());
  return true;
}

bool ValidLength(int length, Family family) {
  return length >= 0 && length <= (family == Family::kIpv4 ? 32 : 128);
}

std::optional<RouteType> TypeOf(uint8_t type) {
  switch (type) {
    case RTN_UNICAST: return RouteType::kUnicast;
    case RTN_BLACKHOLE: return RouteType::kBlackhole;
    case RTN_UNREACHABLE: return RouteType::kUnreachable;
    case RTN_PROHIBIT: return RouteType::kProhibit;
    default: return std::nullopt;
  }
}

RouteScope ScopeOf(uint8_t scope) {
  if (scope == RT_SCOPE_LINK) return RouteScope::kLink;
  if (scope == RT_SCOPE_HOST) return RouteScope::kHost;
  return RouteScope::kGlobal;
}

uint32_t MtuOf(std::span<const uint8_t> metrics) {
  NetlinkAttributes attributes(metrics);
  NetlinkAttribute attribute;
  while (attributes.Next(&attribute)) {
    if (attribute.type == RTAX_MTU) return attribute.As<uint32_t>().value_or(0);
  }
  return 0;
}

// What one pass over a route's attributes collects.
struct RouteAttributes {
  KernelRoute route;
  uint32_t table = 0;
  bool valid = true;
  std::span<const uint8_t> next_hops;
  bool foreign_gateway = false;  // RTA_VIA: an IPv6 next hop of an IPv4 route
};

void ReadGateway(std::span<const uint8_t> bytes, Family family, RouteAttributes& out) {
  NetlinkAttributes attributes(bytes);
  NetlinkAttribute attribute;
  while (attributes.Next(&attribute)) {
    if (attribute.type == RTA_GATEWAY) out.route.gateway = AddressOf(attribute, family);
    if (attribute.type == RTA_VIA) out.foreign_gateway = true;
  }
}

void ReadAttribute(const NetlinkAttribute& attribute, Family family, RouteAttributes& out) {
  switch (attribute.type) {
    case RTA_DST: {
      const auto destination = AddressOf(attribute, family);
      out.valid = out.valid && destination.has_value();
      if (destination.has_value()) out.route.destination.address = *destination;
      break;
    }
    case RTA_GATEWAY: out.route.gateway = AddressOf(attribute, family); break;
    case RTA_OIF: out.route.interface = attribute.As<InterfaceIndex>().value_or(0); break;
    case RTA_PRIORITY: out.route.metric = attribute.As<uint32_t>().value_or(0); break;
    case RTA_PREFSRC: out.route.source = AddressOf(attribute, family); break;
    case RTA_TABLE: out.table = attribute.As<uint32_t>().value_or(0); break;
    case RTA_METRICS: out.route.mtu = MtuOf(attribute.value); break;
    case RTA_MULTIPATH: out.next_hops = attribute.value; break;
    case RTA_VIA: out.foreign_gateway = true; break;
    default: break;
  }
}

// Takes the first next hop; returns how many there are.
int ReadNextHops(Family family, RouteAttributes& out) {
  std::span<const uint8_t> rest = out.next_hops;
  int count = 0;
  while (rest.size() >= sizeof(rtnexthop)) {
    rtnexthop hop;
    std::memcpy(&hop, rest.data(), sizeof(hop));
    if (hop.rtnh_len < sizeof(hop) || hop.rtnh_len > rest.size()) break;
    if (count++ == 0) {
      out.route.interface = hop.rtnh_ifindex;
      ReadGateway(rest.subspan(sizeof(hop), hop.rtnh_len - sizeof(hop)), family, out);
    }
    rest = rest.subspan(std::min<size_t>(RTNH_ALIGN(hop.rtnh_len), rest.size()));
  }
  return count;
}

}  // namespace

std::optional<KernelLink> DecodeLink(const NetlinkMessage& message) {
  const auto info = message.Fixed<ifinfomsg>();
  if (!info.has_value() || info->ifi_family != AF_UNSPEC || info->ifi_index <= 0) {
    return std::nullopt;
  }
  KernelLink link;
  link.index = info->ifi_index;
  link.up = (info->ifi_flags & IFF_UP) != 0;
  link.running = (info->ifi_flags & IFF_LOWER_UP) != 0;
  link.loopback = (info->ifi_flags & IFF_LOOPBACK) != 0;
  NetlinkAttributes attributes(message.Attributes(sizeof(ifinfomsg)));
  NetlinkAttribute attribute;
  bool has_mac = false;
  while (attributes.Next(&attribute)) {
    switch (attribute.type) {
      case IFLA_IFNAME: link.name = attribute.Text(); break;
      case IFLA_MTU: link.mtu = attribute.As<uint32_t>().value_or(0); break;
      case IFLA_ADDRESS: has_mac = MacOf(attribute, &link.mac); break;
      default: break;
    }
  }
  if (link.name.empty() || link.name.size() >= IFNAMSIZ) return std::nullopt;
  link.ethernet = info->ifi_type == ARPHRD_ETHER && has_mac;
  return link;
}

std::optional<KernelAddress> DecodeAddress(const NetlinkMessage& message) {
  const auto info = message.Fixed<ifaddrmsg>();
  if (!info.has_value()) return std::nullopt;
  const auto family = FamilyOf(info->ifa_family);
  if (!family.has_value() || !ValidLength(info->ifa_prefixlen, *family)) return std::nullopt;
  KernelAddress address;
  address.interface = static_cast<InterfaceIndex>(info->ifa_index);
  uint32_t flags = info->ifa_flags;
  std::optional<IpAddress> local, prefix;
  NetlinkAttributes attributes(message.Attributes(sizeof(ifaddrmsg)));
  NetlinkAttribute attribute;
  while (attributes.Next(&attribute)) {
    switch (attribute.type) {
      case IFA_LOCAL: local = AddressOf(attribute, *family); break;
      case IFA_ADDRESS: prefix = AddressOf(attribute, *family); break;
      case IFA_BROADCAST: address.broadcast = AddressOf(attribute, *family); break;
      case IFA_FLAGS: flags = attribute.As<uint32_t>().value_or(flags); break;
      default: break;
    }
  }
  // With a peer, IFA_LOCAL is ours and IFA_ADDRESS the peer's; IPv6 without one has IFA_ADDRESS
  // only.
  if (!local.has_value()) local = prefix;
  if (!local.has_value()) return std::nullopt;
  if (prefix.has_value() && *prefix != *local) address.peer = prefix;
  address.prefix = {.address = *local, .length = info->ifa_prefixlen};
  address.tentative = (flags & (IFA_F_TENTATIVE | IFA_F_OPTIMISTIC)) != 0;
  address.no_dad = (flags & IFA_F_NODAD) != 0;
  address.deprecated = (flags & IFA_F_DEPRECATED) != 0;
  address.duplicate = (flags & IFA_F_DADFAILED) != 0;
  return address;
}

std::optional<KernelRoute> DecodeRoute(const NetlinkMessage& message, std::string* note) {
  note->clear();
  const auto info = message.Fixed<rtmsg>();
  if (!info.has_value() || (info->rtm_flags & RTM_F_CLONED) != 0) return std::nullopt;
  const auto family = FamilyOf(info->rtm_family);
  const auto type = TypeOf(info->rtm_type);
  if (!family.has_value() || !ValidLength(info->rtm_dst_len, *family)) return std::nullopt;
  RouteAttributes out;
  out.table = info->rtm_table;
  out.route.destination = {.address = IpAddress::Any(*family), .length = info->rtm_dst_len};
  out.route.scope = ScopeOf(info->rtm_scope);
  out.route.protocol = info->rtm_protocol;
  NetlinkAttributes attributes(message.Attributes(sizeof(rtmsg)));
  NetlinkAttribute attribute;
  while (attributes.Next(&attribute)) ReadAttribute(attribute, *family, out);
  if (out.table != RT_TABLE_MAIN || !out.valid) return std::nullopt;
  const std::string name = out.route.destination.ToString();
  if (!type.has_value()) {
    if (info->rtm_type == RTN_THROW)
      *note = absl::StrCat("route ", name, ": type throw not supported");
    return std::nullopt;
  }
  out.route.type = *type;
  if (*type != RouteType::kUnicast) out.route.interface = 0;  // IPv6 names the loopback here
  const int hops = ReadNextHops(*family, out);
  if (out.foreign_gateway) {
    *note = absl::StrCat("route ", name, ": IPv6 next hop of an IPv4 route not supported");
    return std::nullopt;
  }
  if (hops > 1) {
    *note = absl::StrCat("route ", name, ": multipath not supported, first of ", hops,
                         " next hops taken");
  }
  return out.route;
}

std::optional<KernelNeighbor> DecodeNeighbor(const NetlinkMessage& message) {
  const auto info = message.Fixed<ndmsg>();
  if (!info.has_value() || (info->ndm_flags & NTF_PROXY) != 0) return std::nullopt;
  const auto family = FamilyOf(info->ndm_family);
  if (!family.has_value() || (info->ndm_state & (NUD_PERMANENT | NUD_NOARP)) == 0) {
    return std::nullopt;
  }
  KernelNeighbor neighbor;
  neighbor.interface = info->ndm_ifindex;
  neighbor.no_arp = (info->ndm_state & NUD_NOARP) != 0;
  neighbor.router = (info->ndm_flags & NTF_ROUTER) != 0;
  std::optional<IpAddress> address;
  bool has_mac = false;
  NetlinkAttributes attributes(message.Attributes(sizeof(ndmsg)));
  NetlinkAttribute attribute;
  while (attributes.Next(&attribute)) {
    if (attribute.type == NDA_DST) address = AddressOf(attribute, *family);
    if (attribute.type == NDA_LLADDR) has_mac = MacOf(attribute, &neighbor.mac);
  }
  // The kernel's own noarp entries are for multicast and loopback; netstack derives those.
  if (!address.has_value() || !has_mac || address->IsMulticast()) return std::nullopt;
  if (neighbor.no_arp && neighbor.mac.IsMulticast()) return std::nullopt;
  neighbor.address = *address;
  return neighbor;
}

}  // namespace moat::sentry
