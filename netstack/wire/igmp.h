// Group membership messages: IGMP (RFC 1112, 2236, 3376) and the like parts of MLD (RFC 2710,
// 3810), whose third and second versions have one layout but for the size of an address.
#ifndef MOAT_NETSTACK_WIRE_IGMP_H_
#define MOAT_NETSTACK_WIRE_IGMP_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "netstack/wire/address.h"

namespace moat::netstack {

inline constexpr uint8_t kIgmpProtocol = 2;

namespace igmp_type {
inline constexpr uint8_t kQuery = 0x11;
inline constexpr uint8_t kV1Report = 0x12;
inline constexpr uint8_t kV2Report = 0x16;
inline constexpr uint8_t kV2Leave = 0x17;
inline constexpr uint8_t kV3Report = 0x22;
}  // namespace igmp_type

inline constexpr size_t kIgmpV2Size = 8;  // type, code, checksum, group
inline constexpr size_t kMldV1Size = 24;

// RFC 3376 4.1.1, 4.1.7: from 128 on a small floating-point number (tenths of a second, seconds).
inline constexpr uint32_t IgmpCode(uint8_t code) {
  if (code < 128) return code;
  return static_cast<uint32_t>((code & 15) | 16) << (((code >> 4) & 7) + 3);
}

// RFC 3810 5.1.3: milliseconds, from 32768 on as a floating-point number.
inline constexpr uint32_t MldResponseMilliseconds(uint16_t code) {
  if (code < 32768) return code;
  return static_cast<uint32_t>((code & 0xfff) | 0x1000) << (((code >> 12) & 7) + 3);
}

// Of IGMP; MLDv1 is kV2's equivalent and MLDv2 kV3's.
enum class GroupProtocolVersion : uint8_t { kV1 = 1, kV2 = 2, kV3 = 3 };

// A query of any version (RFC 3376 4.1 and 7.1, RFC 3810 5.1 and 8.1).
struct GroupQuery {
  GroupProtocolVersion version = GroupProtocolVersion::kV3;
  IpAddress group;                // unspecified: a general query
  uint32_t response_ms = 0;       // Max Resp Time, Maximum Response Delay
  uint8_t robustness = 0;         // QRV; 0: not said
  uint32_t interval_seconds = 0;  // QQIC; 0: not said
  std::vector<IpAddress> sources{};
};

// Proves the lengths, and that the group is one or absent; the checksum is the caller's. The size
// and the code tell the version. Absent: not a query, or malformed.
std::optional<GroupQuery> ParseIgmpQuery(std::span<const uint8_t> message);
std::optional<GroupQuery> ParseMldQuery(std::span<const uint8_t> message);

// RFC 3376 4.2.12, RFC 3810 5.2.12.
enum class GroupRecordType : uint8_t {
  kIsInclude = 1, kIsExclude = 2, kToInclude = 3, kToExclude = 4, kAllow = 5, kBlock = 6,
};

struct GroupRecord {
  IpAddress group;
  GroupRecordType type = GroupRecordType::kIsExclude;
  std::vector<IpAddress> sources{};
};

// The reports that say `records`, each of at most `room` bytes, types set and checksums zero (RFC
// 3376 4.2.16, RFC 3810 5.2.15: a record that is too long for one message is cut into several, but
// of one that excludes only what fits is said). `room` is at least 64. All groups are of one
// family.
std::vector<std::vector<uint8_t>> EmitGroupReports(std::span<const GroupRecord> records,
                                                   size_t room);

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_WIRE_IGMP_H_
