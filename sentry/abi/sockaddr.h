// sockaddr_in and sockaddr_in6 as bytes in the container's memory, to and from netstack endpoints.
//
// Linux checks lengths and families differently for each operation and protocol; Decode() follows
// it (net/ipv4/af_inet.c, net/ipv6/af_inet6.c, datagram.c, udp.c, ping.c as behaviour; ip(7),
// ipv6(7)). IPv4-mapped IPv6 addresses become plain IPv4 endpoints here and are mapped again on the
// way out, so that netstack never sees one.
#ifndef MOAT_SENTRY_ABI_SOCKADDR_H_
#define MOAT_SENTRY_ABI_SOCKADDR_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "netstack/wire/address.h"
#include "sentry/abi/errno_or.h"

namespace moat::sentry {

enum class SocketKind : uint8_t { kTcp, kUdp, kPing, kRaw, kPacket };

enum class AddressUse : uint8_t { kBind, kConnect, kSend };

// What the rules depend on.
struct AddressRules {
  SocketKind kind = SocketKind::kTcp;
  netstack::Family family = netstack::Family::kIpv4;  // of the socket
  bool v6_only = false;
  netstack::InterfaceIndex bound_device = 0;
};

struct DecodedAddress {
  // AF_UNSPEC where it has a meaning of its own: connect() dissolves the association, a send on an
  // IPv6 UDP socket goes to the connected peer. `endpoint` is meaningless then.
  bool unspecified = false;
  netstack::Endpoint endpoint;
};

// sizeof(struct sockaddr_storage): a longer length is EINVAL before anything is read.
inline constexpr size_t kMaxSockaddr = 128;
inline constexpr size_t kSockaddrInSize = 16;
inline constexpr size_t kSockaddrIn6Size = 28;

// The length argument of bind, connect and sendto, before the address is read: EINVAL when negative
// or above kMaxSockaddr. (sendmsg clamps instead, see DecodeMsghdr().)
ErrnoOr<size_t> CheckSockaddrLength(int32_t length);

// `bytes` is exactly what the caller passed (at most kMaxSockaddr). Errors:
//   EINVAL       too short; link-local IPv6 without an interface, or with another than the bound
//                one; a mapped address given to bind() of an IPV6_V6ONLY socket
//   EAFNOSUPPORT another family than the socket's (IPv6 UDP takes AF_INET for connect and send)
//   ENETUNREACH  a mapped address given to connect() or a send of an IPV6_V6ONLY socket
// The unspecified address as a destination means this host and comes back as the loopback address.
ErrnoOr<DecodedAddress> DecodeSockaddr(std::span<const uint8_t> bytes, AddressUse use,
                                       const AddressRules& rules);

// The flow label of sin6_flowinfo (RFC 3493 3.3); 0 of other families.
inline constexpr uint32_t kFlowLabelMask = 0xfffff;
uint32_t FlowLabelOf(std::span<const uint8_t> bytes);

struct EncodedAddress {
  std::array<uint8_t, kSockaddrIn6Size> bytes{};
  size_t size = 0;  // full size, which is what addrlen reports even when the copy is truncated

  std::span<const uint8_t> span() const { return {bytes.data(), size}; }
  // What is copied to a buffer of `capacity` bytes.
  std::span<const uint8_t> Truncated(size_t capacity) const {
    return {bytes.data(), capacity < size ? capacity : size};
  }
};

// As getsockname(2) and friends report it on a socket of `family`: IPv4 endpoints of IPv6 sockets
// are mapped (0.0.0.0 becomes ::); sin6_scope_id only for link-local addresses.
EncodedAddress EncodeSockaddr(const netstack::Endpoint& endpoint, netstack::Family family);

}  // namespace moat::sentry

#endif  // MOAT_SENTRY_ABI_SOCKADDR_H_
