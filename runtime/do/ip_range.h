// IPv4 and IPv6 addresses with a prefix, as plain values, and the choice of a free small network.
#ifndef MOAT_RUNTIME_DO_IP_RANGE_H_
#define MOAT_RUNTIME_DO_IP_RANGE_H_

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace moat::runtime {

struct IpPrefix {
  int family = AF_INET;             // or AF_INET6
  std::array<uint8_t, 16> bytes{};  // network order; the first 4 for IPv4
  int length = 0;                   // of the prefix, bits

  size_t size() const { return family == AF_INET ? 4 : 16; }
  std::string Address() const;   // "10.1.2.3"
  std::string ToString() const;  // "10.1.2.3/30"
  bool operator==(const IpPrefix&) const = default;
};

// "10.1.2.3/30" or "fd00::2/126"; the family must be `family`.
absl::StatusOr<IpPrefix> ParseIpPrefix(absl::string_view text, int family);

bool Overlap(const IpPrefix& a, const IpPrefix& b);

// The two ends of a veth: prefixes of the same network with different addresses.
struct IpPair {
  IpPrefix host;
  IpPrefix container;
};

// The host's end for a container's address that was asked for: the other usable address of its
// network. InvalidArgument when there is none (a /32, the network or broadcast address).
absl::StatusOr<IpPair> PairFor(const IpPrefix& container);

// A /30 of a private range (RFC 1918) or a /126 of an fd00::/8 one (RFC 4193) that overlaps nothing
// in `taken`. `random` gives 64 bits. ResourceExhausted after a bounded number of tries.
absl::StatusOr<IpPair> ChoosePair(int family, const std::vector<IpPrefix>& taken,
                                  absl::FunctionRef<uint64_t()> random);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_DO_IP_RANGE_H_
