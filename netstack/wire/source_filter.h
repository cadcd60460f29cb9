// Which sources of a multicast group are wanted (RFC 3376 2, RFC 3810 3): the filter of one socket,
// or of an interface for all of its sockets.
#ifndef MOAT_NETSTACK_WIRE_SOURCE_FILTER_H_
#define MOAT_NETSTACK_WIRE_SOURCE_FILTER_H_

#include <algorithm>
#include <vector>

#include "netstack/wire/address.h"

namespace moat::netstack {

struct SourceFilter {
  bool exclude = false;               // false: INCLUDE, only from `sources`; true: from all others
  std::vector<IpAddress> sources{};  // sorted, each once

  static SourceFilter Everything() { return {true, {}}; }
  // INCLUDE {}: the same as no membership.
  bool IsNothing() const { return !exclude && sources.empty(); }
  bool Lists(const IpAddress& source) const {
    return std::binary_search(sources.begin(), sources.end(), source);
  }
  bool Accepts(const IpAddress& source) const {
    return (sources.empty() ? false : Lists(source)) != exclude;
  }
  // Restores what `sources` promises.
  void Normalize() {
    std::sort(sources.begin(), sources.end());
    sources.erase(std::unique(sources.begin(), sources.end()), sources.end());
  }
  bool operator==(const SourceFilter&) const = default;
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_WIRE_SOURCE_FILTER_H_
