#include "sentry/netlink/route_server.h"

#include <linux/fib_rules.h>
#include <linux/if_addrlabel.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "sentry/netlink/message.h"
#include "sentry/netlink/route_encode.h"
#include "sentry/netlink/route_lookup.h"

namespace moat::sentry {
namespace {

using netstack::Family;
using netstack::InterfaceIndex;
using netstack::InterfaceInfo;
using netstack::IpAddress;

// One request in hand.
struct Context {
  const NetlinkMessage& message;
  const RouteRequest& request;
  const NetworkView& view;
  DatagramPacker& answer;
  bool filtered = false;  // set by a dump that leaves out what the request excludes

  bool strict() const { return request.flags.strict_check; }
  MessageTag Tag(uint16_t type, uint16_t flags) const {
    return {.type = type,
            .flags = flags,
            .sequence = message.header.sequence,
            .port = request.port};
  }
  MessageTag DumpTag(uint16_t type, bool is_filtered = false) const {
    return Tag(type, static_cast<uint16_t>(NLM_F_MULTI | (is_filtered ? NLM_F_DUMP_FILTERED : 0)));
  }
  // The family that a dump asks for: its first byte.
  uint8_t family() const { return message.body[0]; }
  bool Wants(const IpAddress& address) const {
    return family() == AF_UNSPEC || family() == (address.is_v4() ? AF_INET : AF_INET6);
  }
};

// 0 or an errno; what was found has been added to the answer.
using Handler = int (*)(Context& context);

std::optional<InterfaceInfo> FindInterface(const NetworkView& view, InterfaceIndex index,
                                           std::string_view name) {
  for (InterfaceInfo& interface : view.Interfaces()) {
    if (index != 0 ? interface.index == index : interface.name == name) return std::move(interface);
  }
  return std::nullopt;
}

std::string NameOf(const std::vector<InterfaceInfo>& interfaces, InterfaceIndex index) {
  for (const InterfaceInfo& interface : interfaces) {
    if (interface.index == index) return interface.name;
  }
  return "";
}

// --- Links ---------------------------------------------------------------------------------------

struct LinkQuery {
  std::string name;
  bool counters = true;
  bool master = false;  // asks for the ports of a bridge: there are none
};

LinkQuery ReadLinkQuery(const NetlinkMessage& message) {
  LinkQuery query;
  NetlinkAttributes attributes(message.Attributes(sizeof(ifinfomsg)));
  NetlinkAttribute attribute;
  while (attributes.Next(&attribute)) {
    switch (attribute.type) {
      case IFLA_IFNAME:
      case IFLA_ALT_IFNAME: query.name = attribute.Text(); break;
      case IFLA_EXT_MASK:
        query.counters = (attribute.As<uint32_t>().value_or(0) & RTEXT_FILTER_SKIP_STATS) == 0;
        break;
      case IFLA_MASTER: query.master = true; break;
      default: break;
    }
  }
  return query;
}

int DumpLinks(Context& context) {
  const auto header = context.message.Fixed<ifinfomsg>();
  if (context.strict()) {
    if (!header.has_value()) return EINVAL;
    if (header->ifi_type != 0 || header->ifi_index != 0 || header->ifi_flags != 0 ||
        header->ifi_change != 0) {
      return EINVAL;
    }
  }
  const LinkQuery query = ReadLinkQuery(context.message);
  if (query.master) return 0;
  for (const InterfaceInfo& interface : context.view.Interfaces()) {
    context.answer.Add([&](NetlinkWriter& writer) {
      EncodeLink(context.DumpTag(RTM_NEWLINK), interface, query.counters, writer);
    });
  }
  return 0;
}

int GetLink(Context& context) {
  const auto header = context.message.Fixed<ifinfomsg>();
  if (!header.has_value()) return EINVAL;
  const LinkQuery query = ReadLinkQuery(context.message);
  if (header->ifi_index < 0 || (header->ifi_index == 0 && query.name.empty())) return EINVAL;
  const auto interface = FindInterface(context.view, header->ifi_index, query.name);
  if (!interface.has_value()) return ENODEV;
  context.answer.Add([&](NetlinkWriter& writer) {
    EncodeLink(context.Tag(RTM_NEWLINK, 0), *interface, query.counters, writer);
  });
  return 0;
}

// --- Addresses -----------------------------------------------------------------------------------

int DumpAddresses(Context& context) {
  InterfaceIndex only = 0;
  if (context.strict()) {
    const auto header = context.message.Fixed<ifaddrmsg>();
    if (!header.has_value()) return EINVAL;
    if (header->ifa_prefixlen != 0 || header->ifa_flags != 0 || header->ifa_scope != 0) {
      return EINVAL;
    }
    only = static_cast<InterfaceIndex>(header->ifa_index);
    context.filtered = only != 0;
  }
  const std::vector<InterfaceInfo> interfaces = context.view.Interfaces();
  if (only != 0 && NameOf(interfaces, only).empty()) return ENODEV;
  // Linux lists one family after the other, and interface by interface.
  std::vector<netstack::AddressInfo> addresses = context.view.Addresses();
  std::stable_sort(addresses.begin(), addresses.end(), [](const auto& a, const auto& b) {
    const bool a6 = a.prefix.address.is_v6(), b6 = b.prefix.address.is_v6();
    return a6 != b6 ? b6 : a.interface < b.interface;
  });
  for (const netstack::AddressInfo& address : addresses) {
    if (!context.Wants(address.prefix.address)) continue;
    if (only != 0 && address.interface != only) continue;
    context.answer.Add([&](NetlinkWriter& writer) {
      EncodeAddress(context.DumpTag(RTM_NEWADDR, context.filtered), address,
                    NameOf(interfaces, address.interface), writer);
    });
  }
  return 0;
}

// --- Routes --------------------------------------------------------------------------------------

struct RouteFilter {
  uint32_t table = 0;
  uint8_t protocol = 0;
  uint8_t type = 0;
  InterfaceIndex interface = 0;

  bool any() const { return table != 0 || protocol != 0 || type != 0 || interface != 0; }
};

// 0 stands for all. Those of users are there while they have routes.
bool TableExists(const NetworkView& view, uint32_t table) {
  if (table == 0 || table == kMainTable || table == kLocalTable) return true;
  const std::vector<netstack::RouteInfo> routes = view.Routes();
  return std::any_of(routes.begin(), routes.end(),
                     [table](const netstack::RouteInfo& route) { return route.table == table; });
}

int ReadRouteFilter(const Context& context, RouteFilter* filter) {
  const auto header = context.message.Fixed<rtmsg>();
  if (!header.has_value()) return EINVAL;
  if (header->rtm_dst_len != 0 || header->rtm_src_len != 0 || header->rtm_tos != 0 ||
      header->rtm_scope != 0) {
    return EINVAL;
  }
  filter->table = header->rtm_table;
  filter->protocol = header->rtm_protocol;
  filter->type = header->rtm_type;
  NetlinkAttributes attributes(context.message.Attributes(sizeof(rtmsg)));
  NetlinkAttribute attribute;
  while (attributes.Next(&attribute)) {
    if (attribute.type == RTA_TABLE) filter->table = attribute.As<uint32_t>().value_or(0);
    if (attribute.type == RTA_OIF) {
      filter->interface = attribute.As<InterfaceIndex>().value_or(0);
    }
  }
  return TableExists(context.view, filter->table) ? 0 : ENOENT;
}

uint8_t RouteTypeNumber(const netstack::RouteInfo& route) {
  constexpr uint8_t kNumbers[] = {RTN_UNICAST,   RTN_LOCAL,       RTN_BROADCAST,
                                  RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT,
                                  RTN_THROW};
  return kNumbers[static_cast<size_t>(route.type)];
}

bool Passes(const RouteEntry& entry, const RouteFilter& filter) {
  return (filter.table == 0 || filter.table == entry.table) &&
         (filter.protocol == 0 || filter.protocol == entry.route.protocol) &&
         (filter.type == 0 || filter.type == RouteTypeNumber(entry.route)) &&
         (filter.interface == 0 || filter.interface == entry.route.interface);
}

int DumpRoutes(Context& context) {
  RouteFilter filter;
  if (context.strict()) {
    const int error = ReadRouteFilter(context, &filter);
    context.filtered = filter.any();
    if (error != 0) return error;
  } else if (const auto header = context.message.Fixed<rtmsg>();
             header.has_value() && (header->rtm_flags & RTM_F_CLONED) != 0) {
    return 0;  // the cache: none
  }
  for (const RouteEntry& entry : AllRoutes(context.view)) {
    if (!context.Wants(entry.route.destination.address) || !Passes(entry, filter)) continue;
    context.answer.Add([&](NetlinkWriter& writer) {
      EncodeRoute(context.DumpTag(RTM_NEWROUTE, context.filtered), entry, writer);
    });
  }
  return 0;
}

std::optional<IpAddress> AddressOf(const NetlinkAttribute& attribute, uint8_t family) {
  if (family == AF_INET && attribute.value.size() == 4)
    return IpAddress::V4(attribute.value.data());
  if (family == AF_INET6 && attribute.value.size() == 16) {
    return IpAddress::V6(attribute.value.data());
  }
  return std::nullopt;
}

// What a route lookup fails with.
int LookupError(const std::optional<RouteEntry>& entry) {
  if (!entry.has_value()) return ENETUNREACH;
  switch (entry->route.type) {
    case netstack::RouteType::kBlackhole: return EINVAL;
    case netstack::RouteType::kUnreachable: return EHOSTUNREACH;
    case netstack::RouteType::kProhibit: return EACCES;
    default: return 0;
  }
}

int GetRoute(Context& context) {
  const auto header = context.message.Fixed<rtmsg>();
  if (!header.has_value()) return EINVAL;
  const uint8_t family = header->rtm_family;
  if (family != AF_INET && family != AF_INET6) return EOPNOTSUPP;
  RouteQuestion question{.destination =
                             IpAddress::Any(family == AF_INET ? Family::kIpv4 : Family::kIpv6)};
  NetlinkAttributes attributes(context.message.Attributes(sizeof(rtmsg)));
  NetlinkAttribute attribute;
  while (attributes.Next(&attribute)) {
    if (attribute.type == RTA_DST || attribute.type == RTA_SRC) {
      const auto address = AddressOf(attribute, family);
      if (!address.has_value()) return EINVAL;
      if (attribute.type == RTA_DST) question.destination = *address;
      if (attribute.type == RTA_SRC && !address->IsUnspecified()) question.source = *address;
    }
    if (attribute.type == RTA_OIF) question.interface = attribute.As<InterfaceIndex>().value_or(0);
  }
  const auto entry = LookUpRoute(context.view, question);
  if (int error = LookupError(entry); error != 0) return error;
  context.answer.Add([&](NetlinkWriter& writer) {
    EncodeRoute(context.Tag(RTM_NEWROUTE, 0), *entry, writer);
  });
  return 0;
}

// --- Neighbours ----------------------------------------------------------------------------------

int DumpNeighbors(Context& context) {
  InterfaceIndex only = 0;
  const auto header = context.message.Fixed<ndmsg>();
  if (context.strict() && !header.has_value()) return EINVAL;
  if (context.strict() && (header->ndm_ifindex != 0 || header->ndm_state != 0 ||
                           header->ndm_type != 0)) {
    return EINVAL;
  }
  if (header.has_value() && (header->ndm_flags & NTF_PROXY) != 0) return 0;  // none
  NetlinkAttributes attributes(context.message.Attributes(sizeof(ndmsg)));
  NetlinkAttribute attribute;
  while (attributes.Next(&attribute)) {
    if (attribute.type == NDA_IFINDEX) only = attribute.As<InterfaceIndex>().value_or(0);
    if (attribute.type == NDA_MASTER) return 0;  // none has one
  }
  context.filtered = only != 0;
  for (const netstack::NeighborInfo& neighbor : context.view.Neighbors()) {
    if (!context.Wants(neighbor.address)) continue;
    if (only != 0 && neighbor.interface != only) continue;
    context.answer.Add([&](NetlinkWriter& writer) {
      EncodeNeighbor(context.DumpTag(RTM_NEWNEIGH, context.filtered), neighbor, writer);
    });
  }
  return 0;
}

int GetNeighbor(Context& context) {
  const auto header = context.message.Fixed<ndmsg>();
  if (!header.has_value()) return EINVAL;
  std::optional<IpAddress> wanted;
  NetlinkAttributes attributes(context.message.Attributes(sizeof(ndmsg)));
  NetlinkAttribute attribute;
  while (attributes.Next(&attribute)) {
    if (attribute.type == NDA_DST) wanted = AddressOf(attribute, header->ndm_family);
  }
  if (!wanted.has_value() || header->ndm_ifindex == 0) return EINVAL;
  if (!FindInterface(context.view, header->ndm_ifindex, "").has_value()) return ENODEV;
  for (const netstack::NeighborInfo& neighbor : context.view.Neighbors()) {
    if (neighbor.address != *wanted || neighbor.interface != header->ndm_ifindex) continue;
    context.answer.Add([&](NetlinkWriter& writer) {
      EncodeNeighbor(context.Tag(RTM_NEWNEIGH, 0), neighbor, writer);
    });
    return 0;
  }
  return ENOENT;
}

// --- Rules ---------------------------------------------------------------------------------------

// Linux's own besides the main table's: what is local, and a last one for a table that is empty.
std::vector<netstack::RuleInfo> AllRules(const NetworkView& view, Family family) {
  std::vector<netstack::RuleInfo> rules = view.Rules();
  netstack::RuleInfo local, last;
  local.table = kLocalTable;
  rules.insert(rules.begin(), local);
  last.priority = 32767;
  last.table = RT_TABLE_DEFAULT;
  const auto after = std::find_if(rules.begin(), rules.end(), [&](const netstack::RuleInfo& rule) {
    return rule.priority > last.priority;
  });
  if (family == Family::kIpv4) rules.insert(after, last);
  return rules;
}

int DumpRules(Context& context) {
  if (context.strict() && !context.message.Fixed<fib_rule_hdr>().has_value()) return EINVAL;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    if (!context.Wants(IpAddress::Any(family))) continue;
    for (const netstack::RuleInfo& rule : AllRules(context.view, family)) {
      if (rule.family.has_value() && *rule.family != family) continue;
      context.answer.Add([&](NetlinkWriter& writer) {
        EncodeRule(context.DumpTag(RTM_NEWRULE), family, rule, writer);
      });
    }
  }
  return 0;
}

// --- Address labels ------------------------------------------------------------------------------

int DumpAddressLabels(Context& context) {
  if (context.strict()) {
    const auto header = context.message.Fixed<ifaddrlblmsg>();
    if (!header.has_value() || header->ifal_prefixlen != 0 || header->ifal_flags != 0 ||
        header->ifal_index != 0 || header->ifal_seq != 0) {
      return EINVAL;
    }
  }
  for (const netstack::AddressPolicy& policy : context.view.AddressPolicies()) {
    context.answer.Add([&](NetlinkWriter& writer) {
      EncodeAddressLabel(context.DumpTag(RTM_NEWADDRLABEL), policy, writer);
    });
  }
  return 0;
}

// --- Dispatch ------------------------------------------------------------------------------------

struct Row {
  uint16_t type;
  Handler dump;
  Handler get;
  int family = AF_UNSPEC;  // the only one that there is a handler for, or any
};

constexpr Row kRows[] = {
    {RTM_GETLINK, DumpLinks, GetLink},
    {RTM_GETADDR, DumpAddresses, nullptr},
    {RTM_GETROUTE, DumpRoutes, GetRoute},
    {RTM_GETNEIGH, DumpNeighbors, GetNeighbor},
    {RTM_GETRULE, DumpRules, nullptr},
    {RTM_GETADDRLABEL, DumpAddressLabels, nullptr, AF_INET6},  // IPv4 is ::ffff:0:0/96 there
};

constexpr uint16_t kKindMask = 3;  // RTM_NEW, DEL, GET, SET follow each other
constexpr uint16_t kKindGet = 2;

void AddDone(const Context& context, int error) {
  const auto flags = static_cast<uint16_t>(context.filtered ? NLM_F_DUMP_FILTERED : 0);
  context.answer.Add([&](NetlinkWriter& writer) {
    EncodeDone({context.message.header.sequence, context.request.port}, flags, error, writer);
  });
}

void AddError(const Context& context, int error) {
  context.answer.Add([&](NetlinkWriter& writer) {
    EncodeError(context.message, context.request.port, context.request.flags.cap_ack, error,
                writer);
  });
}

// True when the message starts a dump, whose end stands for an acknowledgement.
bool IsDump(const NetlinkMessage& message) {
  return (message.header.flags & NLM_F_DUMP) != 0;  // either bit, as Linux
}

int Dispatch(Context& context, bool* dumped) {
  const NetlinkHeader& header = context.message.header;
  if (header.type > RTM_MAX) return EOPNOTSUPP;
  if (context.message.body.empty()) return 0;
  const auto kind = static_cast<uint16_t>((header.type - RTM_BASE) & kKindMask);
  if (kind != kKindGet) return context.request.net_admin ? EOPNOTSUPP : EPERM;
  for (const Row& row : kRows) {
    if (row.type != header.type) continue;
    const bool dump = IsDump(context.message);
    const Handler handler = dump ? row.dump : row.get;
    if (handler == nullptr) return EOPNOTSUPP;
    if (row.family != AF_UNSPEC && row.family != context.family()) return EOPNOTSUPP;
    const int error = handler(context);
    *dumped = dump && error != EOPNOTSUPP;  // then Linux has nobody who could begin one
    return error;
  }
  return EOPNOTSUPP;
}

void AnswerMessage(Context& context) {
  const NetlinkHeader& header = context.message.header;
  int error = 0;
  bool dumped = false;
  if ((header.flags & NLM_F_REQUEST) != 0 && header.type >= NLMSG_MIN_TYPE) {
    error = Dispatch(context, &dumped);
  }
  if (dumped) {
    AddDone(context, error);
  } else if (error != 0 || (header.flags & NLM_F_ACK) != 0) {
    AddError(context, error);
  }
  context.answer.Flush();  // answers to different requests do not share a datagram
}

}  // namespace

NetlinkDatagrams AnswerRouteRequest(const RouteRequest& request, const NetworkView& view) {
  DatagramPacker answer;
  NetlinkReader reader(request.bytes);
  NetlinkMessage message;
  // One datagram cannot make us answer for ever: each message costs a table.
  constexpr int kMaxMessages = 64;
  for (int i = 0; i < kMaxMessages && reader.Next(&message); ++i) {
    Context context{.message = message, .request = request, .view = view, .answer = answer};
    AnswerMessage(context);
  }
  return answer.Take();
}

}  // namespace moat::sentry
