#include "netstack/ip/dead_gateways.h"

#include <iterator>

namespace moat::netstack {

Time DeadGateways::Since(InterfaceIndex interface, const IpAddress& gateway) const {
  const auto found = by_key_.find(Key(interface, gateway));
  return found == by_key_.end() ? kNever : found->second->failed;
}

bool DeadGateways::Add(InterfaceIndex interface, const IpAddress& gateway) {
  const bool full = !Remove(interface, gateway) && rows_.size() >= kMax;
  if (full) {
    const Key oldest = rows_.front().key;
    (void)Remove(oldest.first, oldest.second);
  }
  const Key key(interface, gateway);
  rows_.push_back({key, clock_.Now()});
  by_key_[key] = std::prev(rows_.end());
  if (!timer_.armed()) timer_.Arm(clock_.Now() + kAskAgain);
  return full;
}

bool DeadGateways::Remove(InterfaceIndex interface, const IpAddress& gateway) {
  const auto found = by_key_.find(Key(interface, gateway));
  if (found == by_key_.end()) return false;
  rows_.erase(found->second);
  by_key_.erase(found);
  return true;
}

void DeadGateways::Wanted(InterfaceIndex interface, const IpAddress& gateway) {
  const auto found = by_key_.find(Key(interface, gateway));
  if (found == by_key_.end() || !found->second->due || found->second->asked) return;
  found->second->asked = true;
  host_->AskForGateway(interface, gateway);
}

void DeadGateways::OnTimer() {
  bool some = false;
  for (Row& row : rows_) {
    if (row.due) continue;
    if (row.failed + kAskAgain > clock_.Now()) {
      timer_.Arm(row.failed + kAskAgain);
      break;
    }
    row.due = some = true;
  }
  if (some) host_->GatewayDue();
}

}  // namespace moat::netstack
