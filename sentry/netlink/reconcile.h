// Brings a ConfigTarget from one view of the kernel's tables to another.
#ifndef MOAT_SENTRY_NETLINK_RECONCILE_H_
#define MOAT_SENTRY_NETLINK_RECONCILE_H_

#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "sentry/netlink/config_target.h"
#include "sentry/netlink/kernel_view.h"

namespace moat::sentry {

class Reconciler {
 public:
  using Log = std::function<void(std::string_view)>;

  Reconciler(ConfigTarget& target, LinkAttacher& attacher, Log log)
      : target_(target), attacher_(attacher), log_(std::move(log)) {}

  // Applies what `wanted` has and what was applied last has not, and vice versa. `replaced` are
  // links that went away in between even if their index is taken again. What fails is logged once
  // and tried again the next time.
  void Apply(const KernelView& wanted, const std::set<netstack::InterfaceIndex>& replaced);

  // What has been applied; links only those that are attached, and the loopback interface.
  const KernelView& applied() const { return applied_; }

  // Takes everything back.
  void Clear();

 private:
  void RemoveStale(const KernelView& wanted, const std::set<netstack::InterfaceIndex>& replaced);
  void RemoveLink(netstack::InterfaceIndex index);
  void AddLink(const KernelLink& link);
  void ChangeLink(const KernelLink& link);
  void AddAddresses(const KernelView& wanted);
  void AddRoutes(const KernelView& wanted, bool with_gateway);
  void AddNeighbors(const KernelView& wanted);
  bool Attached(netstack::InterfaceIndex index) const { return applied_.links.contains(index); }
  // True when `status` is fine or says that it is so already; logs otherwise.
  bool Done(const absl::Status& status, const std::string& what);

  ConfigTarget& target_;
  LinkAttacher& attacher_;
  Log log_;
  KernelView applied_;
  std::set<std::string> logged_;  // bounded, see Done()
};

// The route as netstack has it.
netstack::RouteInfo ToRouteInfo(const KernelRoute& route);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_RECONCILE_H_
