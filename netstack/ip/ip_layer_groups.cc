// IpLayer's memberships of groups: those of sockets, and the stack's own.

#include "netstack/ip/ip_layer.h"

namespace moat::netstack {

Result<InterfaceIndex> IpLayer::GroupInterface(const IpAddress& group, InterfaceIndex interface) {
  if (!group.IsMulticast()) return Error::kInvalid;
  if (interface == 0) {
    const Result<RouteRef> route = finder_.Find(
        {group, IpAddress::Any(group.family()), 0, 0});
    if (!route.ok()) return Error::kNoDevice;
    interface = (*route)->interface;
  }
  if (state_.interfaces.Find(interface) == nullptr) return Error::kNoDevice;
  return interface;
}

Error IpLayer::ChangeMembership(const IpAddress& group, InterfaceIndex interface,
                                const SourceFilter* from, const SourceFilter* to) {
  const size_t had = from == nullptr ? 0 : GroupTable::CostOf(*from);
  const size_t wanted = to == nullptr ? 0 : GroupTable::CostOf(*to);
  if (wanted > had && !state_.memory.Allows(MemoryUse::kTables, wanted - had)) {
    return Error::kNoBuffers;
  }
  return SetMembership(group, interface, from, to);
}

Error IpLayer::SetMembership(const IpAddress& group, InterfaceIndex interface,
                             const SourceFilter* from, const SourceFilter* to) {
  Interface* on = state_.interfaces.Find(interface);
  if (on == nullptr) return to == nullptr ? Error::kOk : Error::kNoDevice;
  const SourceFilter* merged = on->groups.FilterOf(group);
  const SourceFilter before = merged == nullptr ? SourceFilter{} : *merged;
  if (!on->groups.Change(group, from, to)) {
    ++state_.table_counters.full_groups;
    return Error::kNoBuffers;
  }
  if (on->active() && !on->loopback) ReportChange(*on, group, before);
  return Error::kOk;
}

void IpLayer::ReportChange(const Interface& interface, const IpAddress& group,
                           const SourceFilter& before) {
  if (group.is_v4()) {
    igmp_.Changed(interface.index, group, before);
  } else {
    mld_.Changed(interface.index, group, before);
  }
}

void IpLayer::JoinAll(const IpAddress& group, InterfaceIndex interface) {
  static const SourceFilter everything = SourceFilter::Everything();
  (void)SetMembership(group, interface, nullptr, &everything);
}

void IpLayer::LeaveAll(const IpAddress& group, InterfaceIndex interface) {
  static const SourceFilter everything = SourceFilter::Everything();
  (void)SetMembership(group, interface, &everything, nullptr);
}

}  // namespace moat::netstack
