// The stack's tables as rtnetlink messages, with the attributes, order and defaults of Linux as far
// as programs look at them (rtnetlink(7)). Each function appends one message to `writer`.
#ifndef MOAT_SENTRY_NETLINK_ROUTE_ENCODE_H_
#define MOAT_SENTRY_NETLINK_ROUTE_ENCODE_H_

#include <cstdint>
#include <string_view>

#include "netstack/ip/configuration.h"
#include "sentry/netlink/message.h"

namespace moat::sentry {

// What a message's header says besides its length.
struct MessageTag {
  uint16_t type = 0;
  uint16_t flags = 0;
  uint32_t sequence = 0;
  uint32_t port = 0;
};

// IFF_* as SIOCGIFFLAGS and netlink report them.
uint32_t InterfaceFlags(const netstack::InterfaceInfo& interface);

void EncodeLink(const MessageTag& tag, const netstack::InterfaceInfo& interface, bool with_counters,
                NetlinkWriter& writer);

void EncodeAddress(const MessageTag& tag, const netstack::AddressInfo& address,
                   std::string_view interface_name, NetlinkWriter& writer);

struct RouteEntry {
  netstack::RouteInfo route;
  uint32_t table = 254;  // RT_TABLE_MAIN; 255 local; what `route` says of it does not count
  bool cloned = false;   // the result of a lookup rather than a table's entry (RTM_F_CLONED)
};
void EncodeRoute(const MessageTag& tag, const RouteEntry& entry, NetlinkWriter& writer);

void EncodeNeighbor(const MessageTag& tag, const netstack::NeighborInfo& neighbor,
                    NetlinkWriter& writer);

// The label of an address policy (ip-addrlabel(8)); its precedence has no place there.
void EncodeAddressLabel(const MessageTag& tag, const netstack::AddressPolicy& policy,
                        NetlinkWriter& writer);
// A policy rule as one of `family`, which a rule that is of both has two of.
void EncodeRule(const MessageTag& tag, netstack::Family family, const netstack::RuleInfo& rule,
                NetlinkWriter& writer);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_ROUTE_ENCODE_H_
