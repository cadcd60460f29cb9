#include "netstack/transport/datagram/memberships.h"

#include <algorithm>
#include <utility>

namespace moat::netstack {

Memberships::~Memberships() {
  for (const Member& member : members_) {
    (void)groups_->ChangeMembership(member.group, member.interface, &member.filter, nullptr);
  }
}

Result<InterfaceIndex> Memberships::InterfaceOf(const IpAddress& group,
                                                InterfaceIndex interface) const {
  if (!group.IsMulticast()) return Error::kInvalid;
  if (groups_ == nullptr) return Error::kNoDevice;
  return groups_->GroupInterface(group, interface);
}

Memberships::Member* Memberships::Find(const IpAddress& group, InterfaceIndex interface) {
  for (Member& member : members_) {
    if (member.group == group && member.interface == interface) return &member;
  }
  return nullptr;
}

Error Memberships::Add(const IpAddress& group, InterfaceIndex interface, SourceFilter filter,
                       const Limits& limits) {
  if (members_.size() >= limits.groups || filter.sources.size() > limits.sources) {
    return Error::kNoBuffers;
  }
  const Error error = groups_->ChangeMembership(group, interface, nullptr, &filter);
  if (error == Error::kOk) members_.push_back({group, interface, std::move(filter)});
  return error;
}

Error Memberships::Replace(Member& member, SourceFilter filter) {
  const Error error =
      groups_->ChangeMembership(member.group, member.interface, &member.filter, &filter);
  if (error == Error::kOk) member.filter = std::move(filter);
  return error;
}

Error Memberships::Join(const IpAddress& group, InterfaceIndex interface, const Limits& limits) {
  const Result<InterfaceIndex> on = InterfaceOf(group, interface);
  if (!on.ok()) return on.error();
  if (Find(group, *on) != nullptr) return Error::kAddressInUse;
  return Add(group, *on, SourceFilter::Everything(), limits);
}

Error Memberships::Leave(const IpAddress& group, InterfaceIndex interface) {
  const auto member = std::find_if(members_.begin(), members_.end(), [&](const Member& m) {
    return m.group == group && (interface == 0 || m.interface == interface);
  });
  if (member == members_.end()) return Error::kAddressNotAvailable;
  (void)groups_->ChangeMembership(member->group, member->interface, &member->filter, nullptr);
  members_.erase(member);
  return Error::kOk;
}

Error Memberships::ChangeSource(SourceChange change, const IpAddress& group,
                                const IpAddress& source, InterfaceIndex interface,
                                const Limits& limits) {
  if (source.family() != group.family()) return Error::kInvalid;
  const Result<InterfaceIndex> on = InterfaceOf(group, interface);
  if (!on.ok()) return on.error();
  Member* member = Find(group, *on);
  if (member == nullptr) {
    if (change != SourceChange::kJoin) return Error::kInvalid;
    return Add(group, *on, {false, {source}}, limits);
  }
  const bool exclude = change == SourceChange::kBlock || change == SourceChange::kUnblock;
  const bool add = change == SourceChange::kJoin || change == SourceChange::kBlock;
  SourceFilter filter = member->filter;
  if (filter.exclude != exclude) {
    if (!filter.sources.empty()) return Error::kInvalid;
    filter.exclude = exclude;  // nothing is lost with an empty list
  }
  if (filter.Lists(source) == add) return Error::kAddressNotAvailable;
  if (add) {
    if (filter.sources.size() >= limits.sources) return Error::kNoBuffers;
    filter.sources.push_back(source);
    filter.Normalize();
  } else {
    std::erase(filter.sources, source);
  }
  return filter.IsNothing() ? Leave(group, *on) : Replace(*member, std::move(filter));
}

Error Memberships::SetFilter(const IpAddress& group, InterfaceIndex interface, SourceFilter filter,
                             const Limits& limits) {
  if (filter.sources.size() > limits.sources) return Error::kNoBuffers;
  const bool one_family =
      std::all_of(filter.sources.begin(), filter.sources.end(),
                  [&](const IpAddress& source) { return source.family() == group.family(); });
  if (!one_family) return Error::kInvalid;
  filter.Normalize();
  const Result<InterfaceIndex> on = InterfaceOf(group, interface);
  if (!on.ok()) return on.error();
  if (filter.IsNothing()) return Leave(group, *on);
  Member* member = Find(group, *on);
  return member == nullptr ? Error::kInvalid : Replace(*member, std::move(filter));
}

Result<SourceFilter> Memberships::GetFilter(const IpAddress& group, InterfaceIndex interface) {
  const Result<InterfaceIndex> on = InterfaceOf(group, interface);
  if (!on.ok()) return on.error();
  const Member* member = Find(group, *on);
  if (member == nullptr) return Error::kAddressNotAvailable;
  return member->filter;
}

std::optional<bool> Memberships::Wants(const IpAddress& group, const IpAddress& source,
                                       InterfaceIndex interface) const {
  for (const Member& member : members_) {
    if (member.group == group && member.interface == interface) {
      return member.filter.Accepts(source);
    }
  }
  return std::nullopt;
}

}  // namespace moat::netstack
