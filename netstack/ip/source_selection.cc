#include "netstack/ip/source_selection.h"

#include <algorithm>

#include "netstack/ip/prefix_trie.h"

namespace moat::netstack {
namespace {

constexpr int kLinkScope = 2;
constexpr int kSiteScope = 5;
constexpr int kGlobalScope = 14;

// Candidates are compared rule by rule; the first that tells them apart decides.
struct Candidate {
  const AssignedAddress* address;
  bool on_out_interface;
  bool prefers_temporary;  // who sends does, or use_tempaddr of its interface is 2
  bool by_next_hop;        // its prefix was advertised by the next hop,
  bool by_another;         // or by routers that are not
};

// RFC 6724 5: true when `a` beats `b` as a source for `destination`.
bool Better(const Candidate& a, const Candidate& b, const IpAddress& destination,
            const AddressPolicyTable& policies) {
  const IpAddress& x = a.address->prefix.address;
  const IpAddress& y = b.address->prefix.address;
  if ((x == destination) != (y == destination)) return x == destination;  // rule 1
  const int scope_x = ScopeOf(x), scope_y = ScopeOf(y), scope = ScopeOf(destination);
  if (scope_x != scope_y) {  // rule 2
    return scope_x < scope_y ? scope_x >= scope : scope_y < scope;
  }
  if (a.address->options.deprecated != b.address->options.deprecated) {  // rule 3
    return b.address->options.deprecated;
  }
  if (a.on_out_interface != b.on_out_interface) return a.on_out_interface;  // rule 5
  if (a.by_next_hop && b.by_another) return true;  // rule 5.5
  if (a.by_another && b.by_next_hop) return false;
  const int label = policies.LabelOf(destination);
  const bool label_x = policies.LabelOf(x) == label, label_y = policies.LabelOf(y) == label;
  if (label_x != label_y) return label_x;  // rule 6
  const bool temporary_x = a.address->options.temporary, temporary_y = b.address->options.temporary;
  if (temporary_x != temporary_y) {  // rule 7, by use_tempaddr
    return temporary_x == (temporary_x ? a.prefers_temporary : b.prefers_temporary);
  }
  const TrieKey key = TrieKey::Of(destination);  // rule 8
  const int common_x = std::min(TrieKey::Of(x).CommonBits(key), a.address->prefix.length);
  const int common_y = std::min(TrieKey::Of(y).CommonBits(key), b.address->prefix.length);
  return common_x > common_y;
}

bool Prefers(TemporaryAddresses temporary, const Interface& interface) {
  if (temporary != TemporaryAddresses::kByInterface) {
    return temporary == TemporaryAddresses::kPrefer;
  }
  return interface.conf.own(Conf::kUseTempAddr) == 2;
}

std::optional<IpAddress> SelectV6(const InterfaceTable& interfaces,
                                  const AddressPolicyTable& policies, const Interface& out,
                                  const IpAddress& destination, const IpAddress& next_hop,
                                  TemporaryAddresses temporary) {
  std::optional<Candidate> best;
  // RFC 6724 4: for multicast and link-local destinations only the outgoing interface's addresses.
  const bool this_link = destination.IsMulticast() || destination.IsLinkLocal();
  for (const auto& interface : interfaces.all()) {
    const bool on_out = interface.get() == &out;
    if (!on_out && (this_link || !interface->active())) continue;
    for (const AssignedAddress& assigned : interface->addresses) {
      const IpAddress& address = assigned.prefix.address;
      if (!address.is_v6() || !assigned.usable()) continue;
      if (!on_out && (address.IsLinkLocal() || address.IsLoopback())) continue;
      const bool by_next_hop = on_out && AdvertisedBy(assigned, next_hop);
      const Candidate candidate{&assigned, on_out, Prefers(temporary, *interface), by_next_hop,
                                !by_next_hop && !assigned.advertisers.empty()};
      if (!best.has_value() || Better(candidate, *best, destination, policies)) {
        best = candidate;
      }
    }
  }
  if (!best.has_value()) return std::nullopt;
  return best->address->prefix.address;
}

std::optional<IpAddress> SelectV4(const InterfaceTable& interfaces, const Interface& out,
                                  const IpAddress& next_hop) {
  std::optional<IpAddress> first;
  for (const AssignedAddress& assigned : out.addresses) {
    const IpAddress& address = assigned.prefix.address;
    if (!address.is_v4() || !assigned.usable()) continue;
    if (next_hop.InPrefix(address, assigned.prefix.length)) return address;
    if (assigned.options.peer == next_hop) return address;
    // RFC 3927 2.6.1: a routable one rather than a link-local one.
    if (!first.has_value() || (first->IsLinkLocal() && !address.IsLinkLocal())) first = address;
  }
  if (first.has_value()) return first;
  // An unnumbered interface borrows an address of another (RFC 1812 2.2.7).
  for (const auto& interface : interfaces.all()) {
    if (interface->loopback || !interface->active()) continue;
    for (const AssignedAddress& assigned : interface->addresses) {
      const IpAddress& address = assigned.prefix.address;
      if (address.is_v4() && assigned.usable() && !address.IsLinkLocal()) return address;
    }
  }
  return std::nullopt;
}

}  // namespace

int ScopeOf(const IpAddress& address) {
  if (address.is_v4()) {
    return address.IsLinkLocal() || address.IsLoopback() ? kLinkScope : kGlobalScope;
  }
  if (address.IsMulticast()) return address.data()[1] & 15;
  if (address.IsLinkLocal() || address.IsLoopback()) return kLinkScope;
  if (address.data()[0] == 0xfe && (address.data()[1] & 0xc0) == 0xc0) return kSiteScope;
  return kGlobalScope;
}

std::optional<IpAddress> SelectSource(const InterfaceTable& interfaces,
                                      const AddressPolicyTable& policies, const Interface& out,
                                      const IpAddress& destination, const IpAddress& next_hop,
                                      TemporaryAddresses temporary) {
  return destination.is_v4()
             ? SelectV4(interfaces, out, next_hop)
             : SelectV6(interfaces, policies, out, destination, next_hop, temporary);
}

bool AdvertisedBy(const AssignedAddress& assigned, const IpAddress& router) {
  const auto& all = assigned.advertisers;
  return std::find(all.begin(), all.end(), router) != all.end();
}

}  // namespace moat::netstack
