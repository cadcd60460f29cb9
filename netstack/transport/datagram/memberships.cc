#include "netstack/transport/datagram/memberships.h"

#include <algorithm>

namespace moat::netstack {

Memberships::~Memberships() {
  for (const Member& member : members_) groups_->LeaveGroup(member.group, member.interface);
}

Error Memberships::Join(const IpAddress& group, InterfaceIndex interface, size_t limit) {
  if (!group.IsMulticast()) return Error::kInvalid;
  if (groups_ == nullptr) return Error::kNoDevice;
  if (members_.size() >= limit) return Error::kNoBuffers;
  const Result<InterfaceIndex> joined = groups_->JoinGroup(group, interface);
  if (!joined.ok()) return joined.error();
  for (const Member& member : members_) {
    if (member.group != group || member.interface != *joined) continue;
    groups_->LeaveGroup(group, *joined);
    return Error::kAddressInUse;
  }
  members_.push_back({group, *joined});
  return Error::kOk;
}

Error Memberships::Leave(const IpAddress& group, InterfaceIndex interface) {
  const auto member = std::find_if(members_.begin(), members_.end(), [&](const Member& m) {
    return m.group == group && (interface == 0 || m.interface == interface);
  });
  if (member == members_.end()) return Error::kAddressNotAvailable;
  groups_->LeaveGroup(member->group, member->interface);
  members_.erase(member);
  return Error::kOk;
}

}  // namespace moat::netstack
