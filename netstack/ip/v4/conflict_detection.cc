#include "netstack/ip/v4/conflict_detection.h"

namespace moat::netstack {
namespace {

// RFC 5227 1.1.
constexpr int kProbeWaitMs = 1000;
constexpr int kProbes = 3;
constexpr int kProbeMinMs = 1000, kProbeMaxMs = 2000;
constexpr Duration kAnnounceWait = std::chrono::seconds(2);
constexpr int kAnnouncements = 2;
constexpr Duration kAnnounceInterval = std::chrono::seconds(2);
constexpr int kMaxConflicts = 10;
constexpr Duration kRateLimitInterval = std::chrono::seconds(60);
constexpr Duration kDefendInterval = std::chrono::seconds(10);

}  // namespace

Duration ConflictDetection::Between(int least_ms, int most_ms) {
  const auto range = static_cast<uint32_t>(most_ms - least_ms + 1);
  return std::chrono::milliseconds(least_ms + static_cast<int>(random_.Below(range)));
}

void ConflictDetection::Start(InterfaceIndex interface, const IpAddress& address) {
  const Key key(interface, address);
  auto watch = std::make_unique<Watch>(*this, key);
  watch->left = kProbes;
  const Duration wait =
      conflicts_[interface] >= kMaxConflicts ? kRateLimitInterval : Between(0, kProbeWaitMs);
  watch->timer.Arm(clock_.Now() + wait);
  watches_[key] = std::move(watch);
}

void ConflictDetection::Step(Watch& watch) {
  const Key key = watch.key;
  const Time now = clock_.Now();
  switch (watch.phase) {
    case Phase::kProbing:
      if (watch.left > 0) {
        --watch.left;
        watch.timer.Arm(now +
                        (watch.left > 0 ? Between(kProbeMinMs, kProbeMaxMs) : kAnnounceWait));
        return host_.SendArpProbe(key.first, key.second);
      }
      watch.phase = Phase::kAnnouncing;
      watch.left = kAnnouncements - 1;
      watch.timer.Arm(now + kAnnounceInterval);
      conflicts_.erase(key.first);
      host_.ConflictFree(key.first, key.second);
      return host_.SendArpAnnouncement(key.first, key.second);
    case Phase::kAnnouncing:
      if (--watch.left > 0) {
        watch.timer.Arm(now + kAnnounceInterval);
      } else {
        watch.phase = Phase::kDefending;
      }
      return host_.SendArpAnnouncement(key.first, key.second);
    case Phase::kDefending:
      return;
  }
}

// RFC 5227 2.1.1 while probing, 2.4 (b) afterwards.
void ConflictDetection::Conflict(InterfaceIndex interface, const IpAddress& address,
                                 bool is_probe) {
  const auto it = watches_.find({interface, address});
  if (it == watches_.end()) return;
  Watch& watch = *it->second;
  const Time now = clock_.Now();
  if (watch.phase != Phase::kProbing) {
    if (is_probe) return;  // it is answered like any request
    const bool again = watch.challenged && now < watch.challenged_at + kDefendInterval;
    watch.challenged = true;
    watch.challenged_at = now;
    if (!again) return host_.SendArpAnnouncement(interface, address);
  }
  ++conflicts_[interface];
  watches_.erase(it);
  host_.ConflictFound(interface, address);
}

void ConflictDetection::Cancel(InterfaceIndex interface, const IpAddress& address) {
  watches_.erase({interface, address});
}

void ConflictDetection::CancelAll(InterfaceIndex interface) {
  std::erase_if(watches_, [&](const auto& row) { return row.first.first == interface; });
  conflicts_.erase(interface);
}

}  // namespace moat::netstack
