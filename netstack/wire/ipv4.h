// IPv4 header (RFC 791 3.1).
#ifndef MOAT_NETSTACK_WIRE_IPV4_H_
#define MOAT_NETSTACK_WIRE_IPV4_H_

#include <cstdint>
#include <span>

#include "netstack/wire/address.h"
#include "netstack/wire/bytes.h"

namespace moat::netstack {

inline constexpr size_t kIpv4HeaderSize = 20;      // without options
inline constexpr size_t kIpv4MaxHeaderSize = 60;
inline constexpr uint32_t kIpv4MinMtu = 68;        // RFC 791 3.2: must be forwarded whole
inline constexpr uint32_t kMaxIpPacket = 65535;

enum class Ipv4Parse : uint8_t {
  kOk,
  kTruncated,     // fewer bytes than the header or the total length says
  kVersion,
  kHeaderLength,  // IHL below 5
  kTotalLength,   // total length below the header length
};

// A header whose length, total length and version are proven. The checksum is not: ask
// ChecksumValid().
class Ipv4View {
 public:
  Ipv4View() = default;
  // `bytes` may be longer than the packet (link padding).
  static Ipv4Parse Parse(std::span<const uint8_t> bytes, Ipv4View* out);
  // For the packet quoted in an ICMP error, which may be cut: proves only the header.
  static Ipv4Parse ParseQuoted(std::span<const uint8_t> bytes, Ipv4View* out);

  size_t header_size() const { return static_cast<size_t>(p_[0] & 15) * 4; }
  uint8_t tos() const { return p_[1]; }
  uint16_t total_length() const { return LoadBe16(p_ + 2); }
  size_t payload_size() const { return total_length() - header_size(); }
  uint16_t identification() const { return LoadBe16(p_ + 4); }
  bool dont_fragment() const { return (p_[6] & 0x40) != 0; }
  bool more_fragments() const { return (p_[6] & 0x20) != 0; }
  uint32_t fragment_offset() const { return (LoadBe16(p_ + 6) & 0x1fffu) * 8; }  // bytes
  bool is_fragment() const { return (LoadBe16(p_ + 6) & 0x3fff) != 0; }
  uint8_t ttl() const { return p_[8]; }
  uint8_t protocol() const { return p_[9]; }
  IpAddress source() const { return IpAddress::V4(p_ + 12); }
  IpAddress destination() const { return IpAddress::V4(p_ + 16); }
  std::span<const uint8_t> options() const {
    return {p_ + kIpv4HeaderSize, header_size() - kIpv4HeaderSize};
  }
  std::span<const uint8_t> header() const { return {p_, header_size()}; }
  bool ChecksumValid() const;

 private:
  const uint8_t* p_ = nullptr;
};

struct Ipv4Fields {
  uint8_t tos = 0;
  uint16_t total_length = 0;
  uint16_t identification = 0;
  bool dont_fragment = false;
  bool more_fragments = false;
  uint32_t fragment_offset = 0;  // bytes, a multiple of 8
  uint8_t ttl = 64;
  uint8_t protocol = 0;
  IpAddress source;
  IpAddress destination;
};

// Writes kIpv4HeaderSize bytes, checksum included.
void EmitIpv4(const Ipv4Fields& fields, uint8_t* out);

// Recomputes the checksum of a header that was edited in place.
void FixIpv4Checksum(std::span<uint8_t> header);

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_WIRE_IPV4_H_
