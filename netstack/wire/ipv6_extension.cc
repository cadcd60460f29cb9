#include "netstack/wire/ipv6_extension.h"

#include "netstack/wire/icmpv6.h"
#include "netstack/wire/ipv6.h"

namespace moat::netstack {
namespace {

constexpr uint8_t kPad1 = 0;
constexpr uint8_t kPadN = 1;
constexpr uint8_t kRouterAlert = 5;

Ipv6Chain Problem(Ipv6Chain chain, uint8_t code, size_t pointer) {
  chain.outcome = Ipv6Chain::Outcome::kParameterProblem;
  chain.problem_code = code;
  chain.problem_pointer = static_cast<uint32_t>(pointer);
  return chain;
}

Ipv6Chain Stop(Ipv6Chain chain, Ipv6Chain::Outcome outcome) {
  chain.outcome = outcome;
  return chain;
}

// RFC 8200 4.2: what the two highest bits of an unrecognized option's type ask for. False: stop.
bool HandleUnknownOption(uint8_t type, size_t pointer, Ipv6Chain* chain) {
  switch (type >> 6) {
    case 0:
      return true;
    case 1:
      chain->outcome = Ipv6Chain::Outcome::kDiscard;
      return false;
    case 2:
      chain->problem_even_if_multicast = true;
      break;
    default:
      break;
  }
  *chain = Problem(*chain, icmpv6_code::kUnrecognizedOption, pointer);
  return false;
}

// Walks the options of one header that spans [begin, end). False: `chain` says why to stop.
bool WalkOptions(std::span<const uint8_t> packet, size_t begin, size_t end, Ipv6Chain* chain) {
  int options = 0;
  for (size_t i = begin; i < end;) {
    const uint8_t type = packet[i];
    if (type == kPad1) {
      ++i;
      continue;
    }
    if (i + 2 > end || i + 2 + packet[i + 1] > end) {
      *chain = Problem(*chain, icmpv6_code::kErroneousHeader, i);
      return false;
    }
    if (type != kPadN) {
      if (++options > kMaxOptions) {
        chain->outcome = Ipv6Chain::Outcome::kDiscard;
        return false;
      }
      if (type == kRouterAlert) {
        chain->router_alert = true;
      } else if (!HandleUnknownOption(type, i, chain)) {
        return false;
      }
    }
    i += 2 + packet[i + 1];
  }
  return true;
}

// RFC 8200 4.4 and RFC 5095: no routing type is supported by a host of this kind, so a header with
// segments left is an error, and one without is skipped.
bool CheckRouting(std::span<const uint8_t> packet, size_t offset, Ipv6Chain* chain) {
  if (packet[offset + 3] == 0) return true;
  *chain = Problem(*chain, icmpv6_code::kErroneousHeader, offset + 2);
  return false;
}

Ipv6Chain Walk(std::span<const uint8_t> packet, uint8_t next_header, size_t offset,
               size_t next_header_offset, bool stop_at_fragment) {
  Ipv6Chain chain;
  for (int headers = 0; headers <= kMaxExtensionHeaders; ++headers) {
    chain.protocol = next_header;
    chain.offset = offset;
    chain.next_header_offset = next_header_offset;
    const bool hop_by_hop = next_header == ipv6_next_header::kHopByHop;
    if (hop_by_hop && offset != kIpv6HeaderSize) {
      return Problem(chain, icmpv6_code::kUnrecognizedNextHeader, next_header_offset);
    }
    if (next_header == ipv6_next_header::kNone) {
      return Stop(chain, Ipv6Chain::Outcome::kNoNextHeader);
    }
    if (next_header == ipv6_next_header::kFragment && stop_at_fragment) {
      return Stop(chain, packet.size() - offset < kIpv6FragmentHeaderSize
                             ? Ipv6Chain::Outcome::kTruncated
                             : Ipv6Chain::Outcome::kFragment);
    }
    const bool routing = next_header == ipv6_next_header::kRouting;
    const bool options = hop_by_hop || next_header == ipv6_next_header::kDestinationOptions;
    if (!routing && !options) return Stop(chain, Ipv6Chain::Outcome::kUpperLayer);
    if (packet.size() - offset < 8) return Stop(chain, Ipv6Chain::Outcome::kTruncated);
    const size_t size = (static_cast<size_t>(packet[offset + 1]) + 1) * 8;
    if (packet.size() - offset < size) return Stop(chain, Ipv6Chain::Outcome::kTruncated);
    if (routing && !CheckRouting(packet, offset, &chain)) return chain;
    if (options && !WalkOptions(packet, offset + 2, offset + size, &chain)) return chain;
    next_header = packet[offset];
    next_header_offset = offset;
    offset += size;
  }
  return Stop(chain, Ipv6Chain::Outcome::kDiscard);
}

}  // namespace

Ipv6Chain WalkIpv6Chain(std::span<const uint8_t> packet) {
  return Walk(packet, packet[6], kIpv6HeaderSize, 6, /*stop_at_fragment=*/true);
}

Ipv6Chain WalkIpv6HopByHop(std::span<const uint8_t> packet) {
  Ipv6Chain chain;
  chain.protocol = packet[6];
  chain.offset = kIpv6HeaderSize;
  if (chain.protocol != ipv6_next_header::kHopByHop) {
    return Stop(chain, Ipv6Chain::Outcome::kUpperLayer);
  }
  if (packet.size() - chain.offset < 8) return Stop(chain, Ipv6Chain::Outcome::kTruncated);
  const size_t size = (static_cast<size_t>(packet[chain.offset + 1]) + 1) * 8;
  if (packet.size() - chain.offset < size) return Stop(chain, Ipv6Chain::Outcome::kTruncated);
  if (!WalkOptions(packet, chain.offset + 2, chain.offset + size, &chain)) return chain;
  chain.protocol = packet[chain.offset];
  chain.next_header_offset = chain.offset;
  chain.offset += size;
  return Stop(chain, Ipv6Chain::Outcome::kUpperLayer);
}

Ipv6Chain WalkIpv6ChainFrom(std::span<const uint8_t> packet, uint8_t next_header, size_t offset,
                            size_t next_header_offset) {
  return Walk(packet, next_header, offset, next_header_offset, /*stop_at_fragment=*/false);
}

std::optional<Ipv6UpperLayer> FindIpv6UpperLayer(std::span<const uint8_t> packet) {
  Ipv6UpperLayer at{packet[6], kIpv6HeaderSize};
  for (int headers = 0; headers <= kMaxExtensionHeaders; ++headers) {
    const bool fragment = at.protocol == ipv6_next_header::kFragment;
    const bool extension = fragment || at.protocol == ipv6_next_header::kHopByHop ||
                           at.protocol == ipv6_next_header::kRouting ||
                           at.protocol == ipv6_next_header::kDestinationOptions;
    if (!extension) return at;
    if (packet.size() < at.offset + 8) return std::nullopt;
    const uint8_t* header = packet.data() + at.offset;
    if (fragment && ReadIpv6FragmentHeader(header).offset != 0) return std::nullopt;
    at = {header[0], at.offset + (fragment ? 8 : (size_t{header[1]} + 1) * 8)};
    if (at.offset > packet.size()) return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace moat::netstack
