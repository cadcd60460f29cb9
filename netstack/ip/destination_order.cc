#include "netstack/ip/destination_order.h"

#include <algorithm>
#include <compare>

#include "netstack/ip/prefix_trie.h"
#include "netstack/ip/source_selection.h"

namespace moat::netstack {
namespace {

// What rules 1 to 8 look at, in their order; the smaller one is tried first.
struct Rank {
  bool unusable;         // rule 1
  bool other_scope;      // rule 2: than its source
  bool deprecated;       // rule 3
  bool other_label;      // rule 5
  int minus_precedence;  // rule 6
  int scope;             // rule 8
  auto operator<=>(const Rank&) const = default;
};

struct Candidate {
  size_t position;
  Family family;
  Rank rank;
  int common;  // rule 9
};

Rank RankOf(const AddressPolicyTable& policies, const DestinationWay& way) {
  const AddressPolicy& policy = policies.Of(way.destination);
  const int scope = ScopeOf(way.destination);
  const bool has_source = way.source.has_value();
  return {way.unreachable || !has_source,
          !has_source || ScopeOf(way.source->address) != scope,
          way.deprecated,
          !has_source || policies.LabelOf(way.source->address) != policy.label,
          -policy.precedence,
          scope};
}

// RFC 6724 2.2: the interface identifier does not count.
int CommonPrefix(const DestinationWay& way) {
  if (!way.source.has_value() || way.source->address.family() != way.destination.family()) return 0;
  const int common =
      TrieKey::Of(way.source->address).CommonBits(TrieKey::Of(way.destination));
  const int subnet = way.source->length;
  if (way.destination.is_v4()) return common >= subnet ? subnet : 0;
  return std::min(common, subnet);
}

// Rule 9 compares within a family only: each family's members change places among themselves.
void ApplyRule9(std::span<Candidate> equals, Family family) {
  std::vector<Candidate> members;
  for (const Candidate& candidate : equals) {
    if (candidate.family == family) members.push_back(candidate);
  }
  std::stable_sort(members.begin(), members.end(), [](const Candidate& a, const Candidate& b) {
    return a.common > b.common;
  });
  auto next = members.begin();
  for (Candidate& place : equals) {
    if (place.family == family) place = *next++;
  }
}

}  // namespace

std::vector<size_t> OrderDestinations(const AddressPolicyTable& policies,
                                      std::span<const DestinationWay> ways) {
  std::vector<Candidate> all;
  all.reserve(ways.size());
  for (const DestinationWay& way : ways) {
    all.push_back({all.size(), way.destination.family(), RankOf(policies, way), CommonPrefix(way)});
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Candidate& a, const Candidate& b) { return a.rank < b.rank; });
  for (auto begin = all.begin(); begin != all.end();) {
    const auto end = std::find_if(begin, all.end(), [&](const Candidate& candidate) {
      return candidate.rank != begin->rank;
    });
    for (const Family family : {Family::kIpv4, Family::kIpv6}) ApplyRule9({begin, end}, family);
    begin = end;
  }
  std::vector<size_t> out;
  out.reserve(all.size());
  for (const Candidate& candidate : all) out.push_back(candidate.position);
  return out;
}

}  // namespace moat::netstack
