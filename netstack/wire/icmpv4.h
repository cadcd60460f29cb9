// ICMP for IPv4 (RFC 792; codes of RFC 1122 3.2.2.1, RFC 1812 5.2.7). All messages begin with type,
// code, checksum and four bytes whose meaning depends on the type.
#ifndef MOAT_NETSTACK_WIRE_ICMPV4_H_
#define MOAT_NETSTACK_WIRE_ICMPV4_H_

#include <cstdint>
#include <optional>
#include <span>

#include "netstack/wire/address.h"
#include "netstack/wire/bytes.h"

namespace moat::netstack {

inline constexpr size_t kIcmpHeaderSize = 8;  // both families

namespace icmpv4_type {
inline constexpr uint8_t kEchoReply = 0;
inline constexpr uint8_t kDestinationUnreachable = 3;
inline constexpr uint8_t kSourceQuench = 4;
inline constexpr uint8_t kRedirect = 5;
inline constexpr uint8_t kEchoRequest = 8;
inline constexpr uint8_t kTimeExceeded = 11;
inline constexpr uint8_t kParameterProblem = 12;
inline constexpr uint8_t kTimestampRequest = 13;
inline constexpr uint8_t kTimestampReply = 14;
inline constexpr uint8_t kAddressMaskRequest = 17;
inline constexpr uint8_t kAddressMaskReply = 18;
}  // namespace icmpv4_type

namespace icmpv4_code {  // of destination unreachable
inline constexpr uint8_t kNetwork = 0;
inline constexpr uint8_t kHost = 1;
inline constexpr uint8_t kProtocol = 2;
inline constexpr uint8_t kPort = 3;
inline constexpr uint8_t kFragmentationNeeded = 4;
inline constexpr uint8_t kSourceRouteFailed = 5;
inline constexpr uint8_t kAdministrativelyProhibited = 13;
// of redirect
inline constexpr uint8_t kRedirectNetwork = 0;
inline constexpr uint8_t kRedirectHost = 1;
inline constexpr uint8_t kRedirectTosHost = 3;
// of time exceeded
inline constexpr uint8_t kTtl = 0;
inline constexpr uint8_t kReassembly = 1;
}  // namespace icmpv4_code

// Shared by ICMPv4 and ICMPv6: the layout of the first eight bytes is the same.
class IcmpView {
 public:
  static std::optional<IcmpView> Parse(std::span<const uint8_t> bytes) {
    if (bytes.size() < kIcmpHeaderSize) return std::nullopt;
    return IcmpView(bytes);
  }
  uint8_t type() const { return bytes_[0]; }
  uint8_t code() const { return bytes_[1]; }
  uint16_t identifier() const { return LoadBe16(bytes_.data() + 4); }  // echo
  uint16_t sequence() const { return LoadBe16(bytes_.data() + 6); }
  uint32_t rest() const { return LoadBe32(bytes_.data() + 4); }
  uint16_t next_hop_mtu() const { return LoadBe16(bytes_.data() + 6); }  // RFC 1191 4
  std::span<const uint8_t> body() const { return bytes_.subspan(kIcmpHeaderSize); }
  std::span<const uint8_t> bytes() const { return bytes_; }

 private:
  explicit IcmpView(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  std::span<const uint8_t> bytes_;
};

// Writes kIcmpHeaderSize bytes with a zero checksum.
inline void EmitIcmp(uint8_t* out, uint8_t type, uint8_t code, uint32_t rest) {
  out[0] = type;
  out[1] = code;
  StoreBe16(out + 2, 0);
  StoreBe32(out + 4, rest);
}

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_WIRE_ICMPV4_H_
