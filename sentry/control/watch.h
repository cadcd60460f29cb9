// One client's Watch call: notes what the stack reports, finds what it does not report by comparing
// snapshots, and turns both into moat.v1 events.
#ifndef MOAT_SENTRY_CONTROL_WATCH_H_
#define MOAT_SENTRY_CONTROL_WATCH_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "moat/v1/sandbox.pb.h"
#include "netstack/stack/stack.h"
#include "sentry/control/proto_from_stack.h"
#include "sentry/control/stack_access.h"

namespace moat::sentry {

// The stack's changes since the last Take(). The stack calls it with its lock held, so it only
// notes; its own lock is a leaf.
class ChangeNotes final : public netstack::StackObserver {
 public:
  using Object = std::variant<netstack::InterfaceInfo, netstack::AddressInfo, netstack::RouteInfo,
                              netstack::NeighborInfo, netstack::RuleInfo,
                              netstack::RouterAdvertisementInfo, netstack::AddressPolicy>;
  struct Note {
    Object object;
    bool removed = false;
    absl::Time time;
  };
  // Notes that wait for a slow client. One more, and the watch ends.
  static constexpr size_t kMaxNotes = 4096;

  void OnInterfaceChanged(const netstack::InterfaceInfo& interface, bool removed) override;
  void OnAddressChanged(const netstack::AddressInfo& address, bool removed) override;
  void OnRouteChanged(const netstack::RouteInfo& route, bool removed) override;
  void OnNeighborChanged(const netstack::NeighborInfo& neighbor, bool removed) override;
  void OnRuleChanged(const netstack::RuleInfo& rule, bool removed) override;
  void OnRouterAdvertisementChanged(const netstack::RouterAdvertisementInfo& info,
                                    bool removed) override;
  void OnAddressPolicyChanged(const netstack::AddressPolicy& policy, bool removed) override;

  // Waits at most `timeout` for the first note, then empties `notes` into the result.
  // kResourceExhausted once there were too many.
  absl::Status Take(absl::Duration timeout, std::deque<Note>* notes);

 private:
  void Add(Object object, bool removed);

  absl::Mutex mutex_;
  std::deque<Note> notes_ ABSL_GUARDED_BY(mutex_);
  bool overflowed_ ABSL_GUARDED_BY(mutex_) = false;
};

class Watch {
 public:
  // Writes one event to the client; false when the client has gone.
  using Emit = std::function<bool(const v1::Event&)>;

  // `stack` and `request` outlive the watch.
  Watch(StackAccess* stack, const v1::WatchRequest& request);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // Runs until `cancelled` says so (asked every 100 ms at least) or `emit` fails. kInvalidArgument
  // when the request is bad, kResourceExhausted when the client is too slow.
  absl::Status Run(const std::function<bool()>& cancelled, const Emit& emit);

 private:
  using Events = std::vector<v1::Event>;

  bool Wants(v1::WatchRequest::Object object) const;
  void Subscribe(Events* initial);
  void AppendConfiguration(const netstack::Stack& stack, Events* events);
  void AppendNote(const ChangeNotes::Note& note, Events* events);
  // Puts an object of a note into its event; the kind of object that it is.
  v1::WatchRequest::Object Fill(const netstack::InterfaceInfo& interface, v1::Event* event);
  v1::WatchRequest::Object Fill(const netstack::AddressInfo& address, v1::Event* event) const;
  v1::WatchRequest::Object Fill(const netstack::RouteInfo& route, v1::Event* event) const;
  v1::WatchRequest::Object Fill(const netstack::NeighborInfo& neighbor, v1::Event* event) const;
  v1::WatchRequest::Object Fill(const netstack::RuleInfo& rule, v1::Event* event) const;
  v1::WatchRequest::Object Fill(const netstack::RouterAdvertisementInfo& info,
                                v1::Event* event) const;
  v1::WatchRequest::Object Fill(const netstack::AddressPolicy& policy, v1::Event* event) const;
  // Compares with the last snapshot, which the present one replaces.
  void Poll(Events* events);
  void PollSockets(const std::vector<netstack::SocketInfo>& sockets, absl::Time now,
                   Events* events);
  void PollCounters(std::map<std::string, uint64_t> counters, absl::Time now, Events* events);

  StackAccess* const stack_;
  const v1::WatchRequest& request_;
  bool subscribed_ = false;
  ChangeNotes notes_;
  // Also of interfaces that have gone, whose addresses may be reported after them.
  InterfaceNames names_;
  absl::flat_hash_map<uint64_t, v1::Socket> sockets_;
  std::map<std::string, uint64_t> counters_;
};

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_CONTROL_WATCH_H_
