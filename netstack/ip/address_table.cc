#include "netstack/ip/address_table.h"

#include "netstack/ip/broadcast.h"

namespace moat::netstack {

void AddressTable::Rebuild() {
  rows_.clear();
  for (const auto& interface : interfaces_.all()) {
    for (const AssignedAddress& assigned : interface->addresses) {
      const AddressKind kind = assigned.usable() ? AddressKind::kLocal : AddressKind::kTentative;
      // The weak host model: an address stays ours while its interface is down, as on Linux. A
      // usable one beats a tentative one of another interface.
      auto [it, inserted] =
          rows_.try_emplace(assigned.prefix.address, Row{kind, interface->index});
      if (!inserted && kind == AddressKind::kLocal) it->second = {kind, interface->index};
    }
  }
  for (const auto& interface : interfaces_.all()) {
    if (interface->loopback) continue;
    for (const IpAddress& anycast : interface->anycasts) {
      rows_.try_emplace(anycast, Row{AddressKind::kAnycast, interface->index});
    }
    for (const AssignedAddress& assigned : interface->addresses) {
      for (const IpAddress& broadcast : BroadcastsOf(assigned)) {
        rows_.try_emplace(broadcast, Row{AddressKind::kBroadcast, interface->index});
      }
    }
  }
}

AddressKind AddressTable::Classify(const IpAddress& address) const {
  const auto it = rows_.find(address);
  if (it != rows_.end()) return it->second.kind;
  if (address.is_v4()) {
    if (address.IsLoopback()) return AddressKind::kLocal;  // all of 127/8
    if (address.IsLimitedBroadcast()) return AddressKind::kBroadcast;
  }
  return AddressKind::kOther;
}

InterfaceIndex AddressTable::InterfaceOf(const IpAddress& address) const {
  const auto it = rows_.find(address);
  if (it != rows_.end()) return it->second.interface;
  return address.IsLoopback() ? kLoopbackIndex : 0;
}

bool AddressTable::IsLocalOn(const IpAddress& address, InterfaceIndex interface) const {
  if (Classify(address) != AddressKind::kLocal) return false;
  if (interface == 0 || !address.is_v6() || !address.IsLinkLocal()) return true;
  // A link-local address may exist on several links; only that of this one counts.
  Interface* const on = interfaces_.Find(interface);
  if (on == nullptr) return false;
  const AssignedAddress* assigned = on->FindAddress(address);
  return assigned != nullptr && assigned->usable();
}

bool AddressTable::IsAnycastOn(const IpAddress& address, InterfaceIndex interface) const {
  if (Classify(address) != AddressKind::kAnycast) return false;
  if (interface == 0 || !address.IsLinkLocal()) return true;
  const Interface* on = interfaces_.Find(interface);
  return on != nullptr && on->HasAnycast(address);
}

bool AddressTable::IsSubnetAnycast(const IpAddress& address) const {
  if (!address.is_v6()) return false;
  for (const auto& interface : interfaces_.all()) {
    if (interface->loopback) continue;
    for (const AssignedAddress& assigned : interface->addresses) {
      const Prefix& prefix = assigned.prefix;
      // Prefixes of 127 bits have none (RFC 6164 3).
      if (!prefix.address.is_v6() || prefix.length >= 127) continue;
      if (address == prefix.address.Prefix(prefix.length)) return true;
    }
  }
  return false;
}

}  // namespace moat::netstack
