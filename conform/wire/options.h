// Header options and records as bytes, and finding them in what was received.
#ifndef MOAT_CONFORM_WIRE_OPTIONS_H_
#define MOAT_CONFORM_WIRE_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "conform/wire/address.h"
#include "conform/wire/packet.h"

namespace moat::conform {

// Joins pieces: Join({tcp_option::Mss(1460), tcp_option::SackPermitted()}).
Bytes Join(const std::vector<Bytes>& pieces);
Bytes Be16(uint16_t value);
Bytes Be32(uint32_t value);

// --- Type, length, value: IPv4 and TCP options (kinds 0 and 1 have no length) --------------------
Bytes Tlv(uint8_t kind, const Bytes& value);  // length counts kind and length
std::optional<Bytes> FindTlv(const Bytes& options, uint8_t kind);  // its value

namespace ip_option {  // RFC 791, RFC 2113
Bytes Nop();
Bytes End();
Bytes RecordRoute(int slots);
Bytes Timestamp(int flag, int slots);                      // flag 0 (4 bytes a slot) or 1 (8)
Bytes LooseSourceRoute(const std::vector<Ip>& route, int pointer = 4);
Bytes StrictSourceRoute(const std::vector<Ip>& route, int pointer = 4);
Bytes RouterAlert(uint16_t value = 0);
inline constexpr uint8_t kRecordRoute = 7, kTimestamp = 68, kLooseSourceRoute = 131,
                         kStrictSourceRoute = 137, kRouterAlert = 148;
}  // namespace ip_option

namespace tcp_option {  // RFC 9293, RFC 7323, RFC 2018
Bytes Nop();
Bytes End();
Bytes Mss(uint16_t size);
Bytes WindowScale(uint8_t shift);
Bytes SackPermitted();
Bytes Sack(const std::vector<std::pair<uint32_t, uint32_t>>& blocks);
Bytes Timestamps(uint32_t value, uint32_t echo);
inline constexpr uint8_t kMss = 2, kWindowScale = 3, kSackPermitted = 4, kSack = 5, kTimestamps = 8;
// Of a received segment; empty when absent.
std::optional<uint16_t> MssOf(const Packet& p);
std::optional<uint8_t> WindowScaleOf(const Packet& p);
bool HasSackPermitted(const Packet& p);
std::vector<std::pair<uint32_t, uint32_t>> SackOf(const Packet& p);
std::optional<std::pair<uint32_t, uint32_t>> TimestampsOf(const Packet& p);
}  // namespace tcp_option

namespace ip6_option {  // RFC 8200 4.2, in hop-by-hop and destination options headers
Bytes Pad1();
Bytes PadN(size_t size);  // in all, at least 2
Bytes RouterAlert(uint16_t value = 0);
Bytes Unknown(uint8_t type, const Bytes& value = Bytes(4));  // the upper two bits say what to do
Bytes Jumbo(uint32_t length);
inline constexpr uint8_t kRouterAlert = 5;
std::optional<Bytes> Find(const Bytes& options, uint8_t type);
}  // namespace ip6_option

namespace ndp_option {  // RFC 4861 4.6, RFC 4191, RFC 8106
Bytes SourceLinkAddress(const Mac& mac);
Bytes TargetLinkAddress(const Mac& mac);
Bytes PrefixInformation(const Ip& prefix, int length, bool on_link, bool autonomous,
                        uint32_t valid_seconds, uint32_t preferred_seconds);
Bytes RedirectedHeader(const Bytes& packet);
Bytes Mtu(uint32_t mtu);
Bytes RouteInformation(const Ip& prefix, int length, int preference, uint32_t seconds);
Bytes RecursiveDns(const std::vector<Ip>& servers, uint32_t seconds);
Bytes Any(uint8_t type, const Bytes& value);  // padded to 8 bytes
inline constexpr uint8_t kSourceLinkAddress = 1, kTargetLinkAddress = 2, kPrefixInformation = 3,
                         kRedirectedHeader = 4, kMtu = 5, kNonce = 14;
// The first option of this type of a received NDP message, from its third byte on.
std::optional<Bytes> Find(const Packet& p, uint8_t type);
std::optional<Mac> LinkAddressOf(const Packet& p, uint8_t type);
}  // namespace ndp_option

// --- Records of IGMPv3 and MLDv2 reports (RFC 3376 4.2.12, RFC 3810 5.2.12) ----------------------
struct GroupRecord {
  int type = 0;  // 1 is-in, 2 is-ex, 3 to-in, 4 to-ex, 5 allow, 6 block
  Ip group{};
  std::vector<Ip> sources{};
  auto operator<=>(const GroupRecord&) const = default;
};
Bytes EmitRecord(const GroupRecord& record);
std::vector<GroupRecord> RecordsOf(const Packet& p);  // of a report; empty when it is none
// What follows the 8 bytes of a version 3 (or MLDv2: 24 bytes) query.
Bytes QueryTail(bool suppress, int robustness, int interval_code, const std::vector<Ip>& sources);

}  // namespace moat::conform

#endif  // MOAT_CONFORM_WIRE_OPTIONS_H_
