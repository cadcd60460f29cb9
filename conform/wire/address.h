// Addresses of the tester, as values in network order. Its own, not netstack's: a tester that
// shares code with what it tests shares its mistakes.
//
//   const Ip peer = "192.0.2.2";
//   const Ip six = "2001:db8::2";
//   const Mac mac = "02:00:00:00:00:02";
//
// Text that does not parse ends the process: addresses are written in cases, not read from outside.
#ifndef MOAT_CONFORM_WIRE_ADDRESS_H_
#define MOAT_CONFORM_WIRE_ADDRESS_H_

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace moat::conform {

using Bytes = std::vector<uint8_t>;

struct Mac {
  std::array<uint8_t, 6> bytes{};

  constexpr Mac() = default;
  Mac(const char* text);  // NOLINT: implicit by design
  static Mac Broadcast() { return "ff:ff:ff:ff:ff:ff"; }
  bool IsGroup() const { return (bytes[0] & 1) != 0; }
  auto operator<=>(const Mac&) const = default;
  std::string ToString() const;
};

class Ip {
 public:
  constexpr Ip() = default;  // 0.0.0.0
  Ip(const char* text);      // NOLINT: implicit by design
  Ip(const std::string& text) : Ip(text.c_str()) {}  // NOLINT: likewise
  static Ip From(const uint8_t* network_order, bool v6);
  static Ip Any(bool v6) { return v6 ? Ip("::") : Ip("0.0.0.0"); }

  bool v6() const { return v6_; }
  const uint8_t* data() const { return bytes_.data(); }
  size_t size() const { return v6_ ? 16 : 4; }
  bool IsMulticast() const { return v6_ ? bytes_[0] == 0xff : (bytes_[0] >> 4) == 14; }
  bool IsUnspecified() const { return *this == Any(v6_); }
  auto operator<=>(const Ip&) const = default;
  std::string ToString() const;

 private:
  std::array<uint8_t, 16> bytes_{};
  bool v6_ = false;
};

// Where a group's frames go: 01:00:5e + 23 bits (RFC 1112 6.4), 33:33 + 32 bits (RFC 2464 7).
Mac GroupMac(const Ip& group);
// ff02::1:ffXX:XXXX (RFC 4291 2.7.1).
Ip SolicitedNode(const Ip& address);

}  // namespace moat::conform

#endif  // MOAT_CONFORM_WIRE_ADDRESS_H_
