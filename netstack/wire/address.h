// Addresses as values: hardware, IPv4, IPv6, either, and an endpoint (address, port, scope).
// All are plain bytes in network order and trivially copyable.
#ifndef MOAT_NETSTACK_WIRE_ADDRESS_H_
#define MOAT_NETSTACK_WIRE_ADDRESS_H_

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace moat::netstack {

// IEEE 802 MAC address.
struct MacAddress {
  std::array<uint8_t, 6> bytes{};

  static constexpr MacAddress Broadcast() { return {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}; }
  bool IsMulticast() const { return (bytes[0] & 1) != 0; }  // group bit; broadcast included
  auto operator<=>(const MacAddress&) const = default;
  std::string ToString() const;
};

enum class Family : uint8_t { kIpv4 = 4, kIpv6 = 6 };

// An IPv4 or IPv6 address. IPv4 uses the first four bytes; the rest are zero. An IPv4-mapped IPv6
// address (::ffff:a.b.c.d) is never held inside the stack: the socket layer unmaps at its door.
class IpAddress {
 public:
  constexpr IpAddress() = default;  // 0.0.0.0
  static constexpr IpAddress V4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
    IpAddress address;
    address.bytes_[0] = a;
    address.bytes_[1] = b;
    address.bytes_[2] = c;
    address.bytes_[3] = d;
    return address;
  }
  static IpAddress V4(const uint8_t* network_order);  // reads 4 bytes
  static IpAddress V6(const uint8_t* network_order);  // reads 16 bytes
  static constexpr IpAddress Any(Family family) {
    IpAddress address;
    address.family_ = family;
    return address;
  }
  // Dotted quad or RFC 4291 text, without scope. Empty on anything else.
  static std::optional<IpAddress> Parse(std::string_view text);

  Family family() const { return family_; }
  bool is_v4() const { return family_ == Family::kIpv4; }
  bool is_v6() const { return family_ == Family::kIpv6; }
  const uint8_t* data() const { return bytes_.data(); }
  size_t size() const { return is_v4() ? 4 : 16; }
  int bits() const { return is_v4() ? 32 : 128; }

  bool IsUnspecified() const;
  bool IsLoopback() const;         // 127.0.0.0/8, ::1
  bool IsMulticast() const;        // 224.0.0.0/4, ff00::/8
  bool IsLimitedBroadcast() const; // 255.255.255.255
  bool IsLinkLocal() const;        // 169.254.0.0/16, fe80::/10
  bool IsLinkLocalMulticast() const;  // 224.0.0.0/24, ff02::/16
  bool IsMappedV4() const;            // ::ffff:0:0/96

  // The address with all bits after `length` cleared; whether two share `length` bits.
  IpAddress Prefix(int length) const;
  bool InPrefix(const IpAddress& prefix, int length) const;

  IpAddress MapToV6() const;    // IPv4 only
  IpAddress UnmapToV4() const;  // IsMappedV4() only

  auto operator<=>(const IpAddress&) const = default;
  std::string ToString() const;  // RFC 5952 for IPv6

  template <typename H>
  friend H AbslHashValue(H h, const IpAddress& a) {
    return H::combine(std::move(h), a.family_, a.bytes_);
  }

 private:
  std::array<uint8_t, 16> bytes_{};
  Family family_ = Family::kIpv4;
};

// Linux's ifindex. 0 means "any" or "none".
using InterfaceIndex = int32_t;

struct Endpoint {
  IpAddress address{};
  uint16_t port = 0;             // host order
  InterfaceIndex scope = 0;      // sin6_scope_id; only for link-local IPv6
  auto operator<=>(const Endpoint&) const = default;
  std::string ToString() const;  // 192.0.2.1:80, [2001:db8::1]:80

  template <typename H>
  friend H AbslHashValue(H h, const Endpoint& e) {
    return H::combine(std::move(h), e.address, e.port, e.scope);
  }
};

struct Prefix {
  IpAddress address{};  // host bits may be set (an interface address) or clear (a route)
  int length = 0;
  auto operator<=>(const Prefix&) const = default;
  std::string ToString() const;                           // 192.0.2.0/24
  static std::optional<Prefix> Parse(std::string_view text);  // without "/n": a host prefix
};

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_WIRE_ADDRESS_H_
