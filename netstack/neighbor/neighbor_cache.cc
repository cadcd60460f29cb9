#include "netstack/neighbor/neighbor_cache.h"

#include <algorithm>
#include <utility>

#include "netstack/wire/family_name.h"

namespace moat::netstack {
namespace {

constexpr size_t kMaxPermanent = 65536;
// An entry and its places in the table and the list.
constexpr size_t kEntryCost = sizeof(NeighborEntry) + 128;
constexpr int kCollectorSteps = 64;  // entries looked at to make room for one

bool IsStatic(NeighborState state) {
  return state == NeighborState::kPermanent || state == NeighborState::kNoArp;
}

bool IsUsable(NeighborState state) {
  return state != NeighborState::kIncomplete && state != NeighborState::kFailed;
}

}  // namespace

NeighborCache::Counters::Counters(CounterTable& table, Family family)
    : pending_dropped(table, NameFor(family, "Neigh4.UnresDiscards", "Neigh6.UnresDiscards")),
      resolution_failed(table, NameFor(family, "Neigh4.ResFailed", "Neigh6.ResFailed")),
      table_full(table, NameFor(family, "Neigh4.TableFulls", "Neigh6.TableFulls")) {}

NeighborCache::NeighborCache(Family family, const Clock& clock, Random& random, TimerQueue& timers,
                             SysctlTable& sysctls, CounterTable& counters, MemoryBudget& memory,
                             NeighborHost& host)
    : clock_(clock),
      random_(random),
      timers_(timers),
      memory_(memory),
      host_(host),
      tunables_(sysctls, family),
      counters_(counters, family) {}

NeighborCache::~NeighborCache() {
  for (const NeighborRef& entry : order_) {
    entry->detached_ = true;
    entry->usable_ = false;
    entry->timer_.Cancel();
    (void)TakePending(*entry);
    memory_.Release(kEntryCost);
  }
}

void NeighborEntry::OnTimer(void* context) {
  auto* entry = static_cast<NeighborEntry*>(context);
  entry->cache_.OnTimer(*entry);
}

// --- Table -------------------------------------------------------------------------------------

NeighborRef NeighborCache::FindEntry(InterfaceIndex interface, const IpAddress& address) const {
  const auto it = entries_.find(Key(interface, address));
  return it == entries_.end() ? nullptr : it->second;
}

NeighborRef NeighborCache::Insert(InterfaceIndex interface, const IpAddress& address) {
  if (entries_.size() - permanent_ >= tunables_.max_entries() && !MakeRoom()) {
    ++counters_.table_full;
    return nullptr;
  }
  const bool charged = memory_.TryCharge(MemoryUse::kTables, kEntryCost) ||
                       (MakeRoom() && memory_.TryCharge(MemoryUse::kTables, kEntryCost));
  if (!charged) {
    ++counters_.table_full;
    return nullptr;
  }
  auto entry = std::make_shared<NeighborEntry>(*this, timers_, interface, address);
  entry->position_ = order_.insert(order_.end(), entry);
  entries_.emplace(Key(interface, address), entry);
  return entry;
}

NeighborRef NeighborCache::Get(InterfaceIndex interface, const IpAddress& address) {
  NeighborRef entry = FindEntry(interface, address);
  if (entry == nullptr) entry = Insert(interface, address);
  return entry;
}

// Second chance: an entry that was used since the last round, or that a route holds, goes to the
// back of the list. The search is bounded, so that a scan of a network costs the same per packet;
// if it finds nothing idle, the oldest entry that may go does.
bool NeighborCache::MakeRoom() {
  NeighborEntry* victim = nullptr;
  for (int step = 0; step < kCollectorSteps && !order_.empty(); ++step) {
    order_.splice(order_.end(), order_, order_.begin());
    const NeighborRef& entry = order_.back();
    if (IsStatic(entry->info_.state)) continue;
    if (victim == nullptr) victim = entry.get();
    const bool held = entry.use_count() > 2;  // beyond the map and the list
    const bool idle = !entry->referenced_ && !held;
    entry->referenced_ = false;
    if (idle || entry->info_.state == NeighborState::kFailed) {
      Drop(entry);
      return true;
    }
  }
  if (victim == nullptr) return false;
  Drop(*victim->position_);
  return true;
}

void NeighborCache::Drop(const NeighborRef& ref) {
  const NeighborRef entry = ref;  // `ref` may live in the map
  if (IsStatic(entry->info_.state)) --permanent_;
  counters_.pending_dropped += TakePending(*entry).size();
  memory_.Release(kEntryCost);
  entry->detached_ = true;
  entry->usable_ = false;
  entry->timer_.Cancel();
  order_.erase(entry->position_);
  entries_.erase(Key(entry->info_.interface, entry->info_.address));
  if (entry->announced_) host_.NeighborChanged(entry->info_, /*removed=*/true);
}

bool NeighborCache::AddStatic(const NeighborInfo& neighbor) {
  NeighborRef entry = FindEntry(neighbor.interface, neighbor.address);
  if (entry == nullptr) {
    if (permanent_ >= kMaxPermanent) return false;
    entry = Insert(neighbor.interface, neighbor.address);
    if (entry == nullptr) return false;
  }
  const bool was_static = IsStatic(entry->info_.state);
  if (!was_static) ++permanent_;
  SetMac(*entry, neighbor.mac);
  entry->info_.router = neighbor.router;
  entry->timer_.Cancel();
  SetState(*entry, neighbor.state);
  SendPending(*entry);
  return true;
}

bool NeighborCache::Remove(InterfaceIndex interface, const IpAddress& address) {
  const NeighborRef entry = FindEntry(interface, address);
  if (entry == nullptr) return false;
  Drop(entry);
  return true;
}

void NeighborCache::Flush(InterfaceIndex interface, bool permanent) {
  std::vector<NeighborRef> doomed;
  for (const NeighborRef& entry : order_) {
    if (interface != 0 && entry->info_.interface != interface) continue;
    if (IsStatic(entry->info_.state) && !permanent) continue;
    doomed.push_back(entry);
  }
  for (const NeighborRef& entry : doomed) Drop(entry);
}

std::vector<NeighborInfo> NeighborCache::List() const {
  std::vector<NeighborInfo> out;
  out.reserve(order_.size());
  for (const NeighborRef& entry : order_) {
    if (entry->announced_) out.push_back(entry->info_);
  }
  return out;
}

std::optional<NeighborInfo> NeighborCache::Find(InterfaceIndex interface,
                                                const IpAddress& address) const {
  const NeighborRef entry = FindEntry(interface, address);
  if (entry == nullptr || !entry->announced_) return std::nullopt;
  return entry->info_;
}

std::optional<Time> NeighborCache::FailedAt(InterfaceIndex interface,
                                            const IpAddress& address) const {
  const NeighborRef entry = FindEntry(interface, address);
  if (entry == nullptr || entry->info_.state != NeighborState::kFailed) return std::nullopt;
  return entry->confirmed_;
}

// --- States (RFC 4861 7.3.2) -------------------------------------------------------------------

void NeighborCache::Notify(NeighborEntry& entry) {
  entry.announced_ = true;
  host_.NeighborChanged(entry.info_, /*removed=*/false);
}

void NeighborCache::SetState(NeighborEntry& entry, NeighborState state) {
  if (IsStatic(entry.info_.state) && !IsStatic(state)) --permanent_;
  entry.info_.state = state;
  entry.usable_ = !entry.detached_ && IsUsable(state);
  Notify(entry);
}

void NeighborCache::EnterIncomplete(NeighborEntry& entry) {
  SetState(entry, NeighborState::kIncomplete);
  entry.probes_ = 1;
  entry.timer_.Arm(clock_.Now() + RetransmitTime(entry.info_.interface));
  host_.Solicit(entry, /*unicast=*/false);
}

// RFC 4861 6.3.2: uniform between 0.5 and 1.5 times the base, so that neighbours do not probe in
// step.
Duration NeighborCache::ReachableTime(InterfaceIndex interface) {
  const auto told = times_.find(interface);
  const bool known = told != times_.end() && told->second.reachable.count() != 0;
  const int64_t base =
      (known ? told->second.reachable : tunables_.base_reachable_time()).count();
  return Duration(base / 2 + static_cast<int64_t>(random_.Below(1024)) * (base / 1024));
}

Duration NeighborCache::RetransmitTime(InterfaceIndex interface) const {
  const auto told = times_.find(interface);
  const bool known = told != times_.end() && told->second.retransmit.count() != 0;
  return known ? told->second.retransmit : tunables_.retransmit_time();
}

void NeighborCache::SetTimes(InterfaceIndex interface, Duration reachable, Duration retransmit) {
  if (reachable.count() == 0 && retransmit.count() == 0) return;
  Times& times = times_[interface];
  if (reachable.count() != 0) times.reachable = reachable;
  if (retransmit.count() != 0) times.retransmit = retransmit;
}

void NeighborCache::EnterReachable(NeighborEntry& entry) {
  entry.confirmed_ = clock_.Now();
  entry.reachable_time_ = ReachableTime(entry.info_.interface);
  entry.timer_.Arm(entry.confirmed_ + entry.reachable_time_);
  SetState(entry, NeighborState::kReachable);
  SendPending(entry);
}

void NeighborCache::EnterStale(NeighborEntry& entry) {
  entry.timer_.Cancel();
  SetState(entry, NeighborState::kStale);
  SendPending(entry);
}

void NeighborCache::EnterDelay(NeighborEntry& entry) {
  entry.timer_.Arm(clock_.Now() + tunables_.delay_first_probe());
  SetState(entry, NeighborState::kDelay);
}

void NeighborCache::EnterProbe(NeighborEntry& entry) {
  if (tunables_.unicast_solicit() == 0) return EnterFailed(entry);
  SetState(entry, NeighborState::kProbe);
  entry.probes_ = 1;
  entry.timer_.Arm(clock_.Now() + RetransmitTime(entry.info_.interface));
  host_.Solicit(entry, /*unicast=*/true);
}

void NeighborCache::EnterFailed(NeighborEntry& entry) {
  ++counters_.resolution_failed;
  entry.timer_.Cancel();
  entry.confirmed_ = clock_.Now();
  std::deque<PendingPacket> pending = TakePending(entry);
  std::vector<PendingPacket> packets(std::make_move_iterator(pending.begin()),
                                     std::make_move_iterator(pending.end()));
  SetState(entry, NeighborState::kFailed);
  // Last: telling the senders may lead to new packets to the same neighbour.
  const NeighborInfo info = entry.info_;
  host_.ResolutionFailed(info, std::move(packets));
}

// --- Events ------------------------------------------------------------------------------------

void NeighborCache::Queue(NeighborEntry& entry, PendingPacket packet, const IpAddress& source) {
  const size_t size = packet.frame.footprint();
  const size_t limit = std::max(tunables_.pending_bytes(), size);
  // The newest packet is the one to save (RFC 1122 2.3.2.2).
  bool room = memory_.Allows(MemoryUse::kPending, size);
  if (!room && !entry.pending_.empty()) {
    DropOldestPending(entry);
    room = memory_.Allows(MemoryUse::kPending, size);
  }
  if (room) {
    memory_.Charge(size);
    entry.pending_bytes_ += size;
    entry.pending_.push_back(std::move(packet));
  } else {
    ++counters_.pending_dropped;
  }
  while (entry.pending_bytes_ > limit) DropOldestPending(entry);
  entry.referenced_ = true;
  const bool resolving = entry.info_.state == NeighborState::kIncomplete && entry.timer_.armed();
  if (resolving) return;
  entry.solicit_source_ = source;
  EnterIncomplete(entry);
}

void NeighborCache::AskAgain(InterfaceIndex interface, const IpAddress& address) {
  const NeighborRef entry = FindEntry(interface, address);
  if (entry != nullptr && entry->info_.state == NeighborState::kFailed) EnterIncomplete(*entry);
}

void NeighborCache::SendPending(NeighborEntry& entry) {
  std::deque<PendingPacket> packets = TakePending(entry);
  for (PendingPacket& packet : packets) {
    Touch(entry);
    host_.TransmitPending(entry, std::move(packet));
  }
}

void NeighborCache::DropOldestPending(NeighborEntry& entry) {
  const size_t size = entry.pending_.front().frame.footprint();
  entry.pending_.pop_front();
  entry.pending_bytes_ -= size;
  memory_.Release(size);
  ++counters_.pending_dropped;
}

std::deque<PendingPacket> NeighborCache::TakePending(NeighborEntry& entry) {
  memory_.Release(std::exchange(entry.pending_bytes_, 0));
  return std::exchange(entry.pending_, {});
}

void NeighborCache::Confirm(NeighborEntry& entry) {
  if (!entry.usable_ || IsStatic(entry.info_.state)) return;
  if (entry.info_.state == NeighborState::kReachable) {
    entry.confirmed_ = clock_.Now();
  } else {
    EnterReachable(entry);
  }
}

void NeighborCache::SetRouter(NeighborEntry& entry, std::optional<bool> router) {
  if (!router.has_value() || entry.info_.router == *router) return;
  entry.info_.router = *router;
  if (!*router) host_.RouterLost(entry.info_);
}

void NeighborCache::HeardFrom(InterfaceIndex interface, const IpAddress& address,
                              const MacAddress& mac, bool create, std::optional<bool> router) {
  NeighborRef entry = FindEntry(interface, address);
  if (entry == nullptr) {
    if (!create) return;
    entry = Insert(interface, address);
    if (entry == nullptr) return;
  }
  if (IsStatic(entry->info_.state)) return;
  SetRouter(*entry, router);
  // RFC 4861 7.2.3: the same address says nothing new; another one makes the entry stale.
  if (entry->usable_ && entry->info_.mac == mac) return;
  SetMac(*entry, mac);
  EnterStale(*entry);
}

void NeighborCache::HeardRole(InterfaceIndex interface, const IpAddress& address, bool router) {
  const NeighborRef entry = FindEntry(interface, address);
  if (entry != nullptr && !IsStatic(entry->info_.state)) SetRouter(*entry, router);
}

void NeighborCache::Advertised(InterfaceIndex interface, const IpAddress& address,
                               const NeighborAdvertised& message) {
  const NeighborRef entry = FindEntry(interface, address);
  if (entry == nullptr || IsStatic(entry->info_.state)) return;
  if (entry->usable_) return AdvertisedKnown(*entry, message);
  if (entry->info_.state == NeighborState::kFailed || !message.mac.has_value()) return;
  SetMac(*entry, *message.mac);
  SetRouter(*entry, message.router);
  if (message.solicited) {
    EnterReachable(*entry);
  } else {
    EnterStale(*entry);
  }
}

// RFC 4861 7.2.5, the rules for an entry that is not INCOMPLETE.
void NeighborCache::AdvertisedKnown(NeighborEntry& entry, const NeighborAdvertised& message) {
  const bool different = message.mac.has_value() && *message.mac != entry.info_.mac;
  if (!message.override_ && different) {
    // I: somebody else claims the address; doubt the entry, but keep it.
    if (entry.info_.state == NeighborState::kReachable) EnterStale(entry);
    return;
  }
  if (different) SetMac(entry, *message.mac);
  SetRouter(entry, message.router);
  if (message.solicited) {
    EnterReachable(entry);
  } else if (different) {
    EnterStale(entry);
  }
}

void NeighborCache::OnTimer(NeighborEntry& entry) {
  const NeighborRef keep = FindEntry(entry.info_.interface, entry.info_.address);
  switch (entry.info_.state) {
    case NeighborState::kReachable:
      return OnReachableTimer(entry);
    case NeighborState::kDelay:
      return EnterProbe(entry);
    case NeighborState::kIncomplete:
    case NeighborState::kProbe:
      return OnSolicitTimer(entry);
    default:
      return;
  }
}

void NeighborCache::OnReachableTimer(NeighborEntry& entry) {
  const Time until = entry.confirmed_ + entry.reachable_time_;
  if (until > clock_.Now()) {
    entry.timer_.Arm(until);
  } else {
    EnterStale(entry);
  }
}

void NeighborCache::OnSolicitTimer(NeighborEntry& entry) {
  const bool probing = entry.info_.state == NeighborState::kProbe;
  const int limit = probing ? tunables_.unicast_solicit() : tunables_.multicast_solicit();
  if (entry.probes_ >= limit) return EnterFailed(entry);
  ++entry.probes_;
  entry.timer_.Arm(clock_.Now() + RetransmitTime(entry.info_.interface));
  host_.Solicit(entry, probing);
}

}  // namespace moat::netstack
