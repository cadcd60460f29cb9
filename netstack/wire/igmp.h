// Group membership messages: IGMP (RFC 1112, 2236, 3376) and the like parts of MLD (RFC 2710,
// 3810).
#ifndef MOAT_NETSTACK_WIRE_IGMP_H_
#define MOAT_NETSTACK_WIRE_IGMP_H_

#include <cstdint>

namespace moat::netstack {

inline constexpr uint8_t kIgmpProtocol = 2;

namespace igmp_type {
inline constexpr uint8_t kQuery = 0x11;
inline constexpr uint8_t kV1Report = 0x12;
inline constexpr uint8_t kV2Report = 0x16;
inline constexpr uint8_t kV2Leave = 0x17;
inline constexpr uint8_t kV3Report = 0x22;
}  // namespace igmp_type

inline constexpr size_t kIgmpV2Size = 8;        // type, code, checksum, group
inline constexpr size_t kIgmpV3QuerySize = 12;  // at least
inline constexpr size_t kMldV1Size = 24;
inline constexpr size_t kMldV2QuerySize = 28;   // at least

// RFC 3376 4.1.1: tenths of a second, from 128 on as a small floating-point number.
inline constexpr uint32_t IgmpResponseTenths(uint8_t code) {
  if (code < 128) return code;
  return static_cast<uint32_t>((code & 15) | 16) << (((code >> 4) & 7) + 3);
}

// RFC 3810 5.1.3: milliseconds, from 32768 on as a floating-point number.
inline constexpr uint32_t MldResponseMilliseconds(uint16_t code) {
  if (code < 32768) return code;
  return static_cast<uint32_t>((code & 0xfff) | 0x1000) << (((code >> 12) & 7) + 3);
}

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_WIRE_IGMP_H_
