#include "sentry/abi/sockaddr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "sentry/abi/bytes.h"

namespace moat::sentry {
namespace {

using netstack::Endpoint;
using netstack::Family;
using netstack::IpAddress;

constexpr size_t kFamilySize = sizeof(uint16_t);
constexpr size_t kPortOffset = 2;
constexpr size_t kIn4AddressOffset = 4;
constexpr size_t kIn6AddressOffset = 8;
constexpr size_t kIn6ScopeOffset = 24;
// RFC 2133's sockaddr_in6 had no sin6_scope_id; Linux still accepts that length almost everywhere.
constexpr size_t kRfc2133Size = 24;

uint16_t PortOf(std::span<const uint8_t> bytes) {
  return static_cast<uint16_t>(bytes[kPortOffset] << 8 | bytes[kPortOffset + 1]);
}

// Scope ids mean something for link-local and interface-local unicast and multicast only.
bool NeedsScope(const IpAddress& address) {
  if (!address.is_v6()) return false;
  if (address.IsLinkLocal()) return true;
  return address.IsMulticast() &&
         ((address.data()[1] & 0x0f) == 2 || (address.data()[1] & 0x0f) == 1);
}

// connect() and sends to the unspecified address reach this host.
void UnspecifiedMeansLoopback(Endpoint& endpoint) {
  if (!endpoint.address.IsUnspecified()) return;
  if (endpoint.address.is_v4()) {
    endpoint.address = IpAddress::V4(127, 0, 0, 1);
  } else {
    constexpr uint8_t kLoopback[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    endpoint.address = IpAddress::V6(kLoopback);
  }
}

// A sockaddr_in whose family was already accepted.
ErrnoOr<DecodedAddress> DecodeIn4(std::span<const uint8_t> bytes, AddressUse use) {
  DecodedAddress decoded;
  decoded.endpoint.address = IpAddress::V4(bytes.data() + kIn4AddressOffset);
  decoded.endpoint.port = PortOf(bytes);
  if (use != AddressUse::kBind) UnspecifiedMeansLoopback(decoded.endpoint);
  return decoded;
}

ErrnoOr<DecodedAddress> DecodeForIpv4(std::span<const uint8_t> bytes, uint16_t family,
                                      AddressUse use, const AddressRules& rules) {
  if (bytes.size() < kSockaddrInSize) return Errno{EINVAL};
  if (family == AF_UNSPEC) {
    // Old programs leave sin_family zero: bind() takes that for the wildcard address, sends of UDP
    // and raw sockets for any address.
    const bool wildcard = IpAddress::V4(bytes.data() + kIn4AddressOffset).IsUnspecified();
    const bool tolerated = (use == AddressUse::kBind && wildcard) ||
                           (use == AddressUse::kSend && rules.kind != SocketKind::kPing);
    if (!tolerated) return Errno{EAFNOSUPPORT};
  } else if (family != AF_INET) {
    return Errno{EAFNOSUPPORT};
  }
  return DecodeIn4(bytes, use);
}

size_t MinimumIn6(AddressUse use, const AddressRules& rules) {
  const bool strict = rules.kind == SocketKind::kPing && use != AddressUse::kConnect;
  return strict ? kSockaddrIn6Size : kRfc2133Size;
}

// Fills in and checks endpoint.scope.
int ResolveScope(std::span<const uint8_t> bytes, AddressUse use, const AddressRules& rules,
                 Endpoint& endpoint) {
  if (!NeedsScope(endpoint.address)) return 0;
  uint32_t scope = 0;
  if (bytes.size() >= kSockaddrIn6Size) scope = LoadAt<uint32_t>(bytes, kIn6ScopeOffset);
  const auto bound = static_cast<uint32_t>(rules.bound_device);
  if (scope != 0 && bound != 0 && scope != bound) return EINVAL;
  if (scope == 0) scope = bound;
  if (scope > INT32_MAX) return EINVAL;
  // A multicast destination may still be completed by IPV6_MULTICAST_IF further down.
  const bool optional = use != AddressUse::kBind && endpoint.address.IsMulticast();
  if (scope == 0 && !optional) return EINVAL;
  endpoint.scope = static_cast<netstack::InterfaceIndex>(scope);
  return 0;
}

ErrnoOr<DecodedAddress> DecodeIn6(std::span<const uint8_t> bytes, AddressUse use,
                                  const AddressRules& rules) {
  if (bytes.size() < MinimumIn6(use, rules)) return Errno{EINVAL};
  DecodedAddress decoded;
  Endpoint& endpoint = decoded.endpoint;
  endpoint.address = IpAddress::V6(bytes.data() + kIn6AddressOffset);
  endpoint.port = PortOf(bytes);
  if (endpoint.address.IsMappedV4()) {
    if (rules.kind == SocketKind::kPing || rules.kind == SocketKind::kRaw) return Errno{EINVAL};
    if (rules.v6_only) return Errno{use == AddressUse::kBind ? EINVAL : ENETUNREACH};
    endpoint.address = endpoint.address.UnmapToV4();
  }
  if (use != AddressUse::kBind) UnspecifiedMeansLoopback(endpoint);
  if (int error = ResolveScope(bytes, use, rules, endpoint); error != 0) return Errno{error};
  return decoded;
}

ErrnoOr<DecodedAddress> DecodeForIpv6(std::span<const uint8_t> bytes, uint16_t family,
                                      AddressUse use, const AddressRules& rules) {
  if (family == AF_INET6) return DecodeIn6(bytes, use, rules);
  const bool udp = rules.kind == SocketKind::kUdp;
  if (family == AF_INET && udp && use != AddressUse::kBind) {
    if (rules.v6_only) return Errno{use == AddressUse::kConnect ? EAFNOSUPPORT : ENETUNREACH};
    if (bytes.size() < kSockaddrInSize) return Errno{EINVAL};
    return DecodeIn4(bytes, use);
  }
  if (use == AddressUse::kSend && udp) {
    if (family == AF_UNSPEC) return DecodedAddress{.unspecified = true, .endpoint = {}};
    return Errno{EINVAL};
  }
  return Errno{bytes.size() < MinimumIn6(use, rules) ? EINVAL : EAFNOSUPPORT};
}

}  // namespace

ErrnoOr<size_t> CheckSockaddrLength(int32_t length) {
  if (length < 0 || static_cast<size_t>(length) > kMaxSockaddr) return Errno{EINVAL};
  return static_cast<size_t>(length);
}

ErrnoOr<DecodedAddress> DecodeSockaddr(std::span<const uint8_t> bytes, AddressUse use,
                                       const AddressRules& rules) {
  if (bytes.size() > kMaxSockaddr || bytes.size() < kFamilySize) return Errno{EINVAL};
  const auto family = LoadAt<uint16_t>(bytes, 0);
  if (use == AddressUse::kConnect && family == AF_UNSPEC) {
    return DecodedAddress{.unspecified = true, .endpoint = {}};
  }
  ErrnoOr<DecodedAddress> decoded = rules.family == Family::kIpv4
                                        ? DecodeForIpv4(bytes, family, use, rules)
                                        : DecodeForIpv6(bytes, family, use, rules);
  // A datagram cannot be sent to port 0; connecting to it is allowed.
  if (decoded.ok() && use == AddressUse::kSend && rules.kind == SocketKind::kUdp &&
      !decoded->unspecified && decoded->endpoint.port == 0) {
    return Errno{EINVAL};
  }
  return decoded;
}

uint32_t FlowLabelOf(std::span<const uint8_t> bytes) {
  constexpr size_t kFlowInfoOffset = offsetof(sockaddr_in6, sin6_flowinfo);
  if (bytes.size() < kSockaddrIn6Size || LoadAt<sa_family_t>(bytes, 0) != AF_INET6) return 0;
  return ntohl(LoadAt<uint32_t>(bytes, kFlowInfoOffset)) & kFlowLabelMask;
}

EncodedAddress EncodeSockaddr(const Endpoint& endpoint, Family family) {
  EncodedAddress out;
  out.bytes[kPortOffset] = static_cast<uint8_t>(endpoint.port >> 8);
  out.bytes[kPortOffset + 1] = static_cast<uint8_t>(endpoint.port);
  if (family == Family::kIpv4) {
    StoreAt<uint16_t>(out.bytes, 0, AF_INET);
    // An IPv4 socket has no IPv6 endpoint; a default one is all zeroes either way.
    std::memcpy(&out.bytes[kIn4AddressOffset], endpoint.address.data(), 4);
    out.size = kSockaddrInSize;
    return out;
  }
  StoreAt<uint16_t>(out.bytes, 0, AF_INET6);
  IpAddress address = endpoint.address;
  if (address.is_v4()) {
    address = address.IsUnspecified() ? IpAddress::Any(Family::kIpv6) : address.MapToV6();
  }
  std::memcpy(&out.bytes[kIn6AddressOffset], address.data(), 16);
  if (NeedsScope(address)) {
    StoreAt<uint32_t>(out.bytes, kIn6ScopeOffset, static_cast<uint32_t>(endpoint.scope));
  }
  out.size = kSockaddrIn6Size;
  return out;
}

}  // namespace moat::sentry
