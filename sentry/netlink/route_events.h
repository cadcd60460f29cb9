// Changes of the stack's tables as rtnetlink notifications for sockets that joined groups.
#ifndef MOAT_SENTRY_NETLINK_ROUTE_EVENTS_H_
#define MOAT_SENTRY_NETLINK_ROUTE_EVENTS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "netstack/ip/configuration.h"

namespace moat::sentry {

struct RouteEvent {
  uint32_t group;  // RTNLGRP_*
  std::vector<uint8_t> datagram;
};

// Takes notes as the stack changes; whoever runs the stack takes the events afterwards and gives
// each to the sockets of its group. While nobody listens, nothing is encoded.
class RouteEvents final : public netstack::StackObserver {
 public:
  // `wake` (may be empty) is called when the first event is noted; it may only take a note itself.
  explicit RouteEvents(std::function<void()> wake) : wake_(std::move(wake)) {}

  void set_listening(bool listening) { listening_ = listening; }
  // Oldest first. At most kMaxPending are kept; then *lost is set, and the sockets should be told
  // (ENOBUFS).
  std::vector<RouteEvent> Take(bool* lost);

  void OnInterfaceChanged(const netstack::InterfaceInfo& interface, bool removed) override;
  void OnAddressChanged(const netstack::AddressInfo& address, bool removed) override;
  void OnRouteChanged(const netstack::RouteInfo& route, bool removed) override;
  void OnNeighborChanged(const netstack::NeighborInfo& neighbor, bool removed) override;
  // A rule of both IP versions is one of each here.
  void OnRuleChanged(const netstack::RuleInfo& rule, bool removed) override;

 private:
  static constexpr size_t kMaxPending = 1024;
  void Note(uint32_t group, std::vector<uint8_t> datagram);

  std::function<void()> wake_;
  bool listening_ = false;
  bool lost_ = false;
  std::vector<RouteEvent> pending_;
  std::map<netstack::InterfaceIndex, std::string> names_;  // for IFA_LABEL
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_ROUTE_EVENTS_H_
