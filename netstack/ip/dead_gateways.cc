#include "netstack/ip/dead_gateways.h"

#include <algorithm>

namespace moat::netstack {

DeadGateways::Row* DeadGateways::Find(InterfaceIndex interface, const IpAddress& gateway) {
  for (Row& row : rows_) {
    if (row.interface == interface && row.gateway == gateway) return &row;
  }
  return nullptr;
}

Time DeadGateways::Since(InterfaceIndex interface, const IpAddress& gateway) const {
  for (const Row& row : rows_) {
    if (row.interface == interface && row.gateway == gateway) return row.failed;
  }
  return kNever;
}

void DeadGateways::Add(InterfaceIndex interface, const IpAddress& gateway) {
  if (!Remove(interface, gateway) && rows_.size() >= kMax) rows_.erase(rows_.begin());
  rows_.push_back({interface, gateway, clock_.Now()});
  if (!timer_.armed()) timer_.Arm(clock_.Now() + kAskAgain);
}

bool DeadGateways::Remove(InterfaceIndex interface, const IpAddress& gateway) {
  return std::erase_if(rows_, [&](const Row& row) {
           return row.interface == interface && row.gateway == gateway;
         }) > 0;
}

void DeadGateways::Wanted(InterfaceIndex interface, const IpAddress& gateway) {
  Row* row = Find(interface, gateway);
  if (row == nullptr || !row->due || row->asked) return;
  row->asked = true;
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
