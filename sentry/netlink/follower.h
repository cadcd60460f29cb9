// Keeps a stack's interfaces, addresses, routes and permanent neighbours as the kernel's tables of
// the configured network namespace have them: Docker, CNI plugins and ip(8) configure the sandbox
// there, also while it runs.
//
// Whatever changes, whole tables are read again and compared with what was applied: one path for
// start, events and lost events. Loopback: the stack has its own; only additional addresses of the
// kernel's `lo` are followed. Not followed: policy rules and other tables than main, multipath
// beyond the first next hop, routes of type throw (each logged as not supported).
//
// Thread rule: under the stack's lock. The sockets belong to the network namespace that the thread
// which called Create() was in.
#ifndef MOAT_SENTRY_NETLINK_FOLLOWER_H_
#define MOAT_SENTRY_NETLINK_FOLLOWER_H_

#include <functional>
#include <memory>
#include <set>
#include <string_view>

#include "absl/status/statusor.h"
#include "sentry/netlink/config_target.h"
#include "sentry/netlink/reconcile.h"
#include "sentry/netlink/route_socket.h"

namespace moat::sentry {

class RouteFollower {
 public:
  struct Options {
    ConfigTarget* target = nullptr;    // borrowed, outlives the follower
    LinkAttacher* attacher = nullptr;  // the same
    std::function<void(std::string_view line)> log;  // problems, each once
  };

  // Reads everything once and applies it. Fails only when the kernel's tables cannot be read.
  static absl::StatusOr<std::unique_ptr<RouteFollower>> Create(const Options& options);

  // Readable when something changed.
  int fd() const { return events_.fd(); }
  void OnReadable();

  // Removes everything that was applied, detaching all links. For an orderly exit.
  void Stop() { reconciler_.Clear(); }

  // What has been applied.
  const KernelView& applied() const { return reconciler_.applied(); }
  uint64_t overruns() const { return overruns_; }

 private:
  RouteFollower(const Options& options, RouteSocket events, RouteSocket requests);

  // Which tables must be read again.
  struct Dirty {
    bool links = true, addresses = true, routes = true, neighbors = true;
    bool any() const { return links || addresses || routes || neighbors; }
  };
  void Note(const NetlinkMessage& message);
  absl::Status Read();
  absl::Status ReadLinks();
  absl::Status ReadAddresses();
  absl::Status ReadRoutes();
  absl::Status ReadNeighbors();

  std::function<void(std::string_view)> log_;
  RouteSocket events_;
  RouteSocket requests_;
  Reconciler reconciler_;
  KernelView view_;
  Dirty dirty_;
  std::set<netstack::InterfaceIndex> deleted_;  // links, since the last Apply()
  std::set<std::string> notes_;                 // of routes, each logged once
  uint64_t overruns_ = 0;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_NETLINK_FOLLOWER_H_
