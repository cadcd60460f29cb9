// Ethernet II (RFC 894, RFC 2464).
#ifndef MOAT_NETSTACK_WIRE_ETHERNET_H_
#define MOAT_NETSTACK_WIRE_ETHERNET_H_

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "netstack/wire/address.h"
#include "netstack/wire/bytes.h"

namespace moat::netstack {

namespace ethertype {  // IEEE 802 numbers
inline constexpr uint16_t kIpv4 = 0x0800;
inline constexpr uint16_t kArp = 0x0806;
inline constexpr uint16_t kVlan = 0x8100;
inline constexpr uint16_t kIpv6 = 0x86dd;
}  // namespace ethertype

inline constexpr size_t kEthernetHeaderSize = 14;

class EthernetView {
 public:
  static std::optional<EthernetView> Parse(std::span<const uint8_t> frame) {
    if (frame.size() < kEthernetHeaderSize) return std::nullopt;
    return EthernetView(frame.data());
  }

  MacAddress destination() const { return Mac(0); }
  MacAddress source() const { return Mac(6); }
  uint16_t ethertype() const { return LoadBe16(p_ + 12); }

 private:
  explicit EthernetView(const uint8_t* p) : p_(p) {}
  MacAddress Mac(size_t offset) const {
    MacAddress mac;
    std::memcpy(mac.bytes.data(), p_ + offset, 6);
    return mac;
  }
  const uint8_t* p_;
};

// Writes kEthernetHeaderSize bytes.
inline void EmitEthernet(uint8_t* out, const MacAddress& destination, const MacAddress& source,
                         uint16_t ethertype) {
  std::memcpy(out, destination.bytes.data(), 6);
  std::memcpy(out + 6, source.bytes.data(), 6);
  StoreBe16(out + 12, ethertype);
}

// The group address that carries an IP multicast destination: RFC 1112 6.4 (01:00:5e and the low 23
// bits), RFC 2464 7 (33:33 and the low 32 bits).
inline MacAddress MulticastMac(const IpAddress& group) {
  const uint8_t* b = group.data();
  if (group.is_v4()) return {{0x01, 0x00, 0x5e, static_cast<uint8_t>(b[1] & 0x7f), b[2], b[3]}};
  return {{0x33, 0x33, b[12], b[13], b[14], b[15]}};
}

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_WIRE_ETHERNET_H_
