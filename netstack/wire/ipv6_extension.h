// The walk over IPv6 extension headers (RFC 8200 4, 5095, 7045) up to the upper layer, a fragment
// header, or a fault. Bounded: kMaxExtensionHeaders headers, kMaxOptions options in each.
#ifndef MOAT_NETSTACK_WIRE_IPV6_EXTENSION_H_
#define MOAT_NETSTACK_WIRE_IPV6_EXTENSION_H_

#include <cstdint>
#include <optional>
#include <span>

namespace moat::netstack {

inline constexpr int kMaxExtensionHeaders = 8;
inline constexpr int kMaxOptions = 64;  // per header, padding not counted

struct Ipv6Chain {
  enum class Outcome : uint8_t {
    kUpperLayer,        // `protocol` begins at `offset`
    kFragment,          // a fragment header (complete) begins at `offset`
    kNoNextHeader,      // RFC 8200 4.7: nothing to deliver
    kDiscard,           // drop in silence (an option says so, or a limit was passed)
    kTruncated,         // a header reaches beyond the packet
    kParameterProblem,  // drop and answer with `problem_code` and `problem_pointer`
  };
  Outcome outcome = Outcome::kDiscard;
  uint8_t protocol = 0;
  size_t offset = 0;              // from the start of the packet
  size_t next_header_offset = 6;  // of the field that named what is at `offset`
  uint8_t problem_code = 0;       // RFC 4443 3.4
  uint32_t problem_pointer = 0;
  // The answer is due even to a packet for a multicast destination (option type 10xxxxxx).
  bool problem_even_if_multicast = false;
  bool router_alert = false;      // RFC 2711
};

// Walks `packet`, whose IPv6 header is proven. Stops at the first fragment header.
Ipv6Chain WalkIpv6Chain(std::span<const uint8_t> packet);

// Walks the hop-by-hop header of `packet` alone, which is all that a router may look at (RFC 8200
// 4). kUpperLayer: nothing is wrong; what follows it begins at `offset`.
Ipv6Chain WalkIpv6HopByHop(std::span<const uint8_t> packet);

// Continues behind a fragment header at `offset`: does the first fragment hold the whole chain?
// (RFC 7112). `next_header` is the fragment header's.
Ipv6Chain WalkIpv6ChainFrom(std::span<const uint8_t> packet, uint8_t next_header, size_t offset,
                            size_t next_header_offset);

struct Ipv6UpperLayer {
  uint8_t protocol;
  size_t offset;  // from the start of the packet
};

// Where the upper layer of `packet` begins, by the lengths of the headers alone: nothing in them is
// judged. For packets that an error is about: an option that is the very reason for it must not
// hide whose packet it is. Absent when that cannot be told (a later fragment, a cut packet).
std::optional<Ipv6UpperLayer> FindIpv6UpperLayer(std::span<const uint8_t> packet);

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_WIRE_IPV6_EXTENSION_H_
