#include "netstack/ip/path_mtu.h"

#include <algorithm>

#include "netstack/wire/ipv4.h"

namespace moat::netstack {
namespace {

// RFC 1191 7.1: the MTUs that networks have.
constexpr uint32_t kPlateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68};

// In the heap, with its rows in the order of expiry.
constexpr size_t kEntryCost = 128;

uint32_t PlateauBelow(uint32_t size) {
  for (uint32_t plateau : kPlateaus) {
    if (plateau < size) return plateau;
  }
  return 68;
}

}  // namespace

PathMtuCache::PathMtuCache(const Clock& clock, TimerQueue& timers, SysctlTable& sysctls,
                           MemoryBudget& memory, Counter& full, uint64_t& generation)
    : clock_(clock),
      memory_(memory),
      full_(full),
      generation_(generation),
      expires_(sysctls.Register(
          {.name = "ipv4.route.mtu_expires", .values = {600}, .min = 1, .max = 86400})),
      minimum_(sysctls.Register(
          {.name = "ipv4.route.min_pmtu", .values = {552}, .min = 68, .max = 65535})),
      timer_(timers, MemberTimer<&PathMtuCache::OnExpiry>, this) {}

PathMtuCache::PathMtu PathMtuCache::Get(const IpAddress& destination, uint32_t link_mtu) const {
  if (entries_.empty()) return {link_mtu};
  const auto it = entries_.find(destination);
  if (it == entries_.end() || it->second.expires <= clock_.Now()) return {link_mtu};
  const PathMtu& path = it->second.path;
  return {std::min(link_mtu, path.mtu), path.below_floor};
}

bool PathMtuCache::Reported(const IpAddress& destination, uint32_t mtu, uint32_t packet_size) {
  const PathMtu current = Get(destination, kMaxIpPacket);
  bool below_floor = false;
  if (destination.is_v4()) {
    if (mtu == 0) mtu = PlateauBelow(std::min(packet_size, current.mtu));
    // An attacker cannot undercut it (as Linux): below, datagrams are cut by routers.
    const auto floor = static_cast<uint32_t>(minimum_->value());
    below_floor = mtu < floor;
    if (below_floor) mtu = std::min(floor, current.mtu);
  }
  if (mtu >= current.mtu && (!below_floor || current.below_floor)) return false;
  const Time expires = clock_.Now() + std::chrono::seconds(expires_->value());
  if (!entries_.contains(destination) && !Charge()) return false;
  entries_[destination] = {{mtu, below_floor}, expires};
  order_.emplace_back(expires, destination);
  // Repeated reductions of one destination leave outdated rows behind; they are bounded too.
  if (order_.size() > 2 * kMaxEntries) (void)DropOldest();
  ArmForOldest();
  return true;
}

bool PathMtuCache::Charge() {
  if (entries_.size() >= kMaxEntries) ++full_;
  while (entries_.size() >= kMaxEntries && DropOldest()) {
  }
  if (entries_.size() >= kMaxEntries) return false;
  return memory_.TryCharge(MemoryUse::kTables, kEntryCost) ||
         (DropOldest() && memory_.TryCharge(MemoryUse::kTables, kEntryCost));
}

bool PathMtuCache::DropOldest() {
  while (!order_.empty()) {
    const auto [time, address] = order_.front();
    order_.pop_front();
    const auto oldest = entries_.find(address);
    if (oldest == entries_.end() || oldest->second.expires != time) continue;
    entries_.erase(oldest);
    memory_.Release(kEntryCost);
    ++generation_;
    return true;
  }
  return false;
}

void PathMtuCache::Clear() {
  memory_.Release(entries_.size() * kEntryCost);
  entries_.clear();
  order_.clear();
  timer_.Cancel();
}

void PathMtuCache::ArmForOldest() {
  if (order_.empty()) return timer_.Cancel();
  timer_.Arm(order_.front().first);
}

void PathMtuCache::OnExpiry() {
  while (!order_.empty() && order_.front().first <= clock_.Now()) {
    const auto [time, address] = order_.front();
    order_.pop_front();
    const auto it = entries_.find(address);
    if (it == entries_.end() || it->second.expires != time) continue;
    entries_.erase(it);
    memory_.Release(kEntryCost);
    ++generation_;
  }
  ArmForOldest();
}

}  // namespace moat::netstack
