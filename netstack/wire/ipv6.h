// IPv6 header (RFC 8200 3) and fragment header (4.5). The other extension headers:
// ipv6_extension.h.
#ifndef MOAT_NETSTACK_WIRE_IPV6_H_
#define MOAT_NETSTACK_WIRE_IPV6_H_

#include <cstdint>
#include <cstring>
#include <span>

#include "netstack/wire/address.h"
#include "netstack/wire/bytes.h"

namespace moat::netstack {

inline constexpr size_t kIpv6HeaderSize = 40;
inline constexpr size_t kIpv6FragmentHeaderSize = 8;
inline constexpr uint32_t kIpv6MinMtu = 1280;  // RFC 8200 5

namespace ipv6_next_header {  // IANA protocol numbers that are extension headers
inline constexpr uint8_t kHopByHop = 0;
inline constexpr uint8_t kRouting = 43;
inline constexpr uint8_t kFragment = 44;
inline constexpr uint8_t kNone = 59;
inline constexpr uint8_t kDestinationOptions = 60;
}  // namespace ipv6_next_header

enum class Ipv6Parse : uint8_t { kOk, kTruncated, kVersion };

class Ipv6View {
 public:
  Ipv6View() = default;
  static Ipv6Parse Parse(std::span<const uint8_t> bytes, Ipv6View* out);
  static Ipv6Parse ParseQuoted(std::span<const uint8_t> bytes, Ipv6View* out);  // header only

  uint8_t traffic_class() const {
    return static_cast<uint8_t>((LoadBe16(p_) >> 4) & 0xff);
  }
  uint32_t flow_label() const { return LoadBe32(p_) & 0xfffff; }
  uint16_t payload_length() const { return LoadBe16(p_ + 4); }
  size_t total_length() const { return kIpv6HeaderSize + payload_length(); }
  uint8_t next_header() const { return p_[6]; }
  uint8_t hop_limit() const { return p_[7]; }
  IpAddress source() const { return IpAddress::V6(p_ + 8); }
  IpAddress destination() const { return IpAddress::V6(p_ + 24); }

 private:
  const uint8_t* p_ = nullptr;
};

struct Ipv6Fields {
  uint8_t traffic_class = 0;
  uint32_t flow_label = 0;
  uint16_t payload_length = 0;
  uint8_t next_header = 0;
  uint8_t hop_limit = 64;
  IpAddress source;
  IpAddress destination;
};

// Writes kIpv6HeaderSize bytes.
void EmitIpv6(const Ipv6Fields& fields, uint8_t* out);

struct Ipv6FragmentHeader {
  uint8_t next_header = 0;
  uint32_t offset = 0;  // bytes, a multiple of 8
  bool more = false;
  uint32_t identification = 0;
};

Ipv6FragmentHeader ReadIpv6FragmentHeader(const uint8_t* p);  // reads kIpv6FragmentHeaderSize bytes
void EmitIpv6FragmentHeader(const Ipv6FragmentHeader& header, uint8_t* out);

// ff02::1:ffxx:xxxx, the solicited-node group of an address (RFC 4291 2.7.1).
IpAddress SolicitedNodeGroup(const IpAddress& address);
// fe80::/64 with the modified EUI-64 of `mac` (RFC 4291 2.5.1, RFC 2464 4).
IpAddress LinkLocalFromMac(const MacAddress& mac);

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_WIRE_IPV6_H_
