#include "sentry/control/watch.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/time/clock.h"
#include "sentry/control/advertisement_config.h"
#include "sentry/control/policy_config.h"
#include "sentry/control/rule_config.h"

namespace moat::sentry {
namespace {

constexpr absl::Duration kDefaultInterval = absl::Milliseconds(200);
constexpr absl::Duration kMinInterval = absl::Milliseconds(50);
constexpr absl::Duration kMaxInterval = absl::Seconds(60);
// A blocking gRPC method is not told of its cancellation: it asks this often.
constexpr absl::Duration kCancelCheck = absl::Milliseconds(100);

v1::Event NewEvent(bool removed, absl::Time time) {
  v1::Event event;
  event.set_kind(removed ? v1::Event::KIND_REMOVED : v1::Event::KIND_UPDATED);
  event.set_unix_time_ms(static_cast<uint64_t>(absl::ToUnixMillis(time)));
  return event;
}

absl::Duration IntervalOf(const v1::WatchRequest& request) {
  if (request.interval_ms() == 0) return kDefaultInterval;
  return std::clamp(absl::Milliseconds(request.interval_ms()), kMinInterval, kMaxInterval);
}

// Queues and TCP_INFO change with every segment: only what a socket is counts as a change.
bool SameSocket(const v1::Socket& a, const v1::Socket& b) {
  return a.state() == b.state() && a.local_address() == b.local_address() &&
         a.local_port() == b.local_port() && a.remote_address() == b.remote_address() &&
         a.remote_port() == b.remote_port() && a.interface() == b.interface();
}

}  // namespace

void ChangeNotes::OnInterfaceChanged(const netstack::InterfaceInfo& interface, bool removed) {
  Add(interface, removed);
}
void ChangeNotes::OnAddressChanged(const netstack::AddressInfo& address, bool removed) {
  Add(address, removed);
}
void ChangeNotes::OnRouteChanged(const netstack::RouteInfo& route, bool removed) {
  Add(route, removed);
}
void ChangeNotes::OnNeighborChanged(const netstack::NeighborInfo& neighbor, bool removed) {
  Add(neighbor, removed);
}
void ChangeNotes::OnRuleChanged(const netstack::RuleInfo& rule, bool removed) {
  Add(rule, removed);
}
void ChangeNotes::OnRouterAdvertisementChanged(const netstack::RouterAdvertisementInfo& info,
                                               bool removed) {
  Add(info, removed);
}
void ChangeNotes::OnAddressPolicyChanged(const netstack::AddressPolicy& policy, bool removed) {
  Add(policy, removed);
}

void ChangeNotes::Add(Object object, bool removed) {
  absl::MutexLock lock(&mutex_);
  if (notes_.size() >= kMaxNotes) {
    overflowed_ = true;
    return;
  }
  notes_.push_back({std::move(object), removed, absl::Now()});
}

absl::Status ChangeNotes::Take(absl::Duration timeout, std::deque<Note>* notes) {
  absl::MutexLock lock(&mutex_);
  const auto has_note = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !notes_.empty(); };
  mutex_.AwaitWithTimeout(absl::Condition(&has_note), timeout);
  notes->clear();
  notes->swap(notes_);
  if (overflowed_) return absl::ResourceExhaustedError("events were lost: the client is too slow");
  return absl::OkStatus();
}

Watch::Watch(StackAccess* stack, const v1::WatchRequest& request)
    : stack_(stack), request_(request) {}

Watch::~Watch() {
  if (!subscribed_) return;
  stack_->Read([this](netstack::Stack& stack) { stack.RemoveObserver(&notes_); });
}

bool Watch::Wants(v1::WatchRequest::Object object) const {
  if (request_.objects().empty()) {
    return object != v1::WatchRequest::OBJECT_SOCKET && object != v1::WatchRequest::OBJECT_COUNTER;
  }
  return std::count(request_.objects().begin(), request_.objects().end(), object) > 0;
}

absl::Status Watch::Run(const std::function<bool()>& cancelled, const Emit& emit) {
  for (const int object : request_.objects()) {
    if (object == v1::WatchRequest::OBJECT_UNSPECIFIED ||
        !v1::WatchRequest::Object_IsValid(object)) {
      return absl::InvalidArgumentError("objects: not an object that can be watched");
    }
  }
  const absl::Duration interval = IntervalOf(request_);
  const bool polls =
      Wants(v1::WatchRequest::OBJECT_SOCKET) || Wants(v1::WatchRequest::OBJECT_COUNTER);
  Events events;
  Subscribe(&events);
  Poll(&events);
  if (!request_.initial()) events.clear();
  events.emplace_back().set_kind(v1::Event::KIND_SNAPSHOT_END);
  absl::Time next_poll = absl::Now() + interval;
  std::deque<ChangeNotes::Note> notes;
  while (true) {
    for (const v1::Event& event : events) {
      if (!emit(event)) return absl::OkStatus();
    }
    events.clear();
    if (cancelled()) return absl::OkStatus();
    absl::Duration wait = kCancelCheck;
    if (polls) wait = std::min(wait, std::max(next_poll - absl::Now(), absl::ZeroDuration()));
    if (absl::Status status = notes_.Take(wait, &notes); !status.ok()) return status;
    for (const ChangeNotes::Note& note : notes) AppendNote(note, &events);
    if (polls && absl::Now() >= next_poll) {
      Poll(&events);
      next_poll = absl::Now() + interval;
    }
  }
}

void Watch::Subscribe(Events* initial) {
  // One hold of the lock: nothing can change between the snapshot and the first note.
  stack_->Read([&](netstack::Stack& stack) {
    AppendConfiguration(stack, initial);
    stack.AddObserver(&notes_);
  });
  subscribed_ = true;
}

void Watch::AppendConfiguration(const netstack::Stack& stack, Events* events) {
  const absl::Time now = absl::Now();
  const auto append = [&](ChangeNotes::Object object) {
    AppendNote({std::move(object), /*removed=*/false, now}, events);
  };
  for (auto& interface : stack.Interfaces()) append(std::move(interface));
  for (const auto& address : stack.Addresses()) append(address);
  for (const auto& route : stack.Routes()) append(route);
  for (const auto& neighbor : stack.Neighbors()) append(neighbor);
  for (auto& rule : stack.Rules()) append(std::move(rule));
  for (auto& info : stack.RouterAdvertisements()) append(std::move(info));
  for (const auto& policy : stack.AddressPolicies()) append(policy);
}

void Watch::AppendNote(const ChangeNotes::Note& note, Events* events) {
  v1::Event event = NewEvent(note.removed, note.time);
  const auto object =
      std::visit([&](const auto& noted) { return Fill(noted, &event); }, note.object);
  if (Wants(object)) events->push_back(std::move(event));
}

v1::WatchRequest::Object Watch::Fill(const netstack::InterfaceInfo& interface, v1::Event* event) {
  names_[interface.index] = interface.name;
  *event->mutable_interface() = ToProto(interface);
  return v1::WatchRequest::OBJECT_INTERFACE;
}

v1::WatchRequest::Object Watch::Fill(const netstack::AddressInfo& address,
                                     v1::Event* event) const {
  *event->mutable_address() = ToProto(address, names_);
  return v1::WatchRequest::OBJECT_ADDRESS;
}

v1::WatchRequest::Object Watch::Fill(const netstack::RouteInfo& route, v1::Event* event) const {
  *event->mutable_route() = ToProto(route, names_);
  return v1::WatchRequest::OBJECT_ROUTE;
}

v1::WatchRequest::Object Watch::Fill(const netstack::NeighborInfo& neighbor,
                                     v1::Event* event) const {
  *event->mutable_neighbor() = ToProto(neighbor, names_);
  return v1::WatchRequest::OBJECT_NEIGHBOR;
}

v1::WatchRequest::Object Watch::Fill(const netstack::RuleInfo& rule, v1::Event* event) const {
  *event->mutable_rule() = ToProto(rule);
  return v1::WatchRequest::OBJECT_RULE;
}

v1::WatchRequest::Object Watch::Fill(const netstack::RouterAdvertisementInfo& info,
                                     v1::Event* event) const {
  *event->mutable_router_advertisement() = ToProto(info, names_);
  return v1::WatchRequest::OBJECT_ROUTER_ADVERTISEMENT;
}

v1::WatchRequest::Object Watch::Fill(const netstack::AddressPolicy& policy,
                                     v1::Event* event) const {
  *event->mutable_address_policy() = ToProto(policy);
  return v1::WatchRequest::OBJECT_ADDRESS_POLICY;
}

void Watch::Poll(Events* events) {
  std::vector<netstack::SocketInfo> sockets;
  std::map<std::string, uint64_t> counters;
  const bool wants_sockets = Wants(v1::WatchRequest::OBJECT_SOCKET);
  const bool wants_counters = Wants(v1::WatchRequest::OBJECT_COUNTER);
  if (!wants_sockets && !wants_counters) return;
  if (wants_sockets) sockets = stack_->ListSockets();
  if (wants_counters) {
    stack_->Read([&](netstack::Stack& stack) { counters = stack.Counters(); });
  }
  const absl::Time now = absl::Now();
  if (wants_sockets) PollSockets(sockets, now, events);
  if (wants_counters) PollCounters(std::move(counters), now, events);
}

void Watch::PollSockets(const std::vector<netstack::SocketInfo>& sockets, absl::Time now,
                        Events* events) {
  absl::flat_hash_map<uint64_t, v1::Socket> present;
  for (const netstack::SocketInfo& info : sockets) {
    v1::Socket socket = ToProto(info, names_);
    const auto known = sockets_.find(info.id);
    if (known == sockets_.end() || !SameSocket(known->second, socket)) {
      v1::Event event = NewEvent(/*removed=*/false, now);
      *event.mutable_socket() = socket;
      events->push_back(std::move(event));
    }
    present.emplace(info.id, std::move(socket));
  }
  for (auto& [id, socket] : sockets_) {
    if (present.contains(id)) continue;
    v1::Event event = NewEvent(/*removed=*/true, now);
    *event.mutable_socket() = std::move(socket);
    events->push_back(std::move(event));
  }
  sockets_ = std::move(present);
}

void Watch::PollCounters(std::map<std::string, uint64_t> counters, absl::Time now, Events* events) {
  for (const auto& [name, value] : counters) {
    const auto known = counters_.find(name);
    if (known != counters_.end() && known->second == value) continue;
    v1::Event event = NewEvent(/*removed=*/false, now);
    event.mutable_counter()->set_name(name);
    event.mutable_counter()->set_value(value);
    events->push_back(std::move(event));
  }
  counters_ = std::move(counters);
}

}  // namespace moat::sentry
