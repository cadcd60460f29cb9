#include "sentry/netlink/route_events.h"

#include <linux/rtnetlink.h>

#include "sentry/netlink/message.h"
#include "sentry/netlink/route_encode.h"
#include "sentry/netlink/route_lookup.h"

namespace moat::sentry {
namespace {

MessageTag Event(uint16_t added, uint16_t removed_type, bool removed) {
  return {.type = removed ? removed_type : added};
}

}  // namespace

std::vector<RouteEvent> RouteEvents::Take(bool* lost) {
  *lost = std::exchange(lost_, false);
  return std::exchange(pending_, {});
}

void RouteEvents::Note(uint32_t group, std::vector<uint8_t> datagram) {
  if (pending_.size() >= kMaxPending) {
    lost_ = true;
    return;
  }
  pending_.push_back({.group = group, .datagram = std::move(datagram)});
  if (pending_.size() == 1 && wake_) wake_();
}

void RouteEvents::OnInterfaceChanged(const netstack::InterfaceInfo& interface, bool removed) {
  if (removed) {
    names_.erase(interface.index);
  } else {
    names_[interface.index] = interface.name;
  }
  if (!listening_) return;
  NetlinkWriter writer;
  EncodeLink(Event(RTM_NEWLINK, RTM_DELLINK, removed), interface, /*with_counters=*/true, writer);
  Note(RTNLGRP_LINK, writer.Take());
}

void RouteEvents::OnAddressChanged(const netstack::AddressInfo& address, bool removed) {
  if (!listening_) return;
  const auto name = names_.find(address.interface);
  NetlinkWriter writer;
  EncodeAddress(Event(RTM_NEWADDR, RTM_DELADDR, removed), address,
                name == names_.end() ? std::string_view() : std::string_view(name->second), writer);
  Note(address.prefix.address.is_v4() ? RTNLGRP_IPV4_IFADDR : RTNLGRP_IPV6_IFADDR, writer.Take());
}

void RouteEvents::OnRouteChanged(const netstack::RouteInfo& route, bool removed) {
  if (!listening_) return;
  NetlinkWriter writer;
  EncodeRoute(Event(RTM_NEWROUTE, RTM_DELROUTE, removed),
              {.route = route, .table = route.table, .cloned = false}, writer);
  Note(route.destination.address.is_v4() ? RTNLGRP_IPV4_ROUTE : RTNLGRP_IPV6_ROUTE, writer.Take());
}

void RouteEvents::OnNeighborChanged(const netstack::NeighborInfo& neighbor, bool removed) {
  if (!listening_) return;
  NetlinkWriter writer;
  EncodeNeighbor(Event(RTM_NEWNEIGH, RTM_DELNEIGH, removed), neighbor, writer);
  Note(RTNLGRP_NEIGH, writer.Take());
}

void RouteEvents::OnRuleChanged(const netstack::RuleInfo& rule, bool removed) {
  if (!listening_) return;
  for (const netstack::Family family : {netstack::Family::kIpv4, netstack::Family::kIpv6}) {
    if (rule.family.has_value() && *rule.family != family) continue;
    NetlinkWriter writer;
    EncodeRule(Event(RTM_NEWRULE, RTM_DELRULE, removed), family, rule, writer);
    Note(family == netstack::Family::kIpv4 ? RTNLGRP_IPV4_RULE : RTNLGRP_IPV6_RULE, writer.Take());
  }
}

}  // namespace moat::sentry
