#include "conform/wire/options.h"

#include <algorithm>

namespace moat::conform {
namespace {

uint16_t Load16(const Bytes& b, size_t at) {
  return static_cast<uint16_t>(LoadBits(b.data(), b.size(), at * 8, 16).u64());
}
uint32_t Load32(const Bytes& b, size_t at) {
  return static_cast<uint32_t>(LoadBits(b.data(), b.size(), at * 8, 32).u64());
}
Bytes BytesOf(const Ip& ip) { return Bytes(ip.data(), ip.data() + ip.size()); }
Bytes BytesOf(const Mac& mac) { return Bytes(mac.bytes.begin(), mac.bytes.end()); }
Bytes Sub(const Bytes& b, size_t at, size_t size) {
  at = std::min(at, b.size());
  size = std::min(size, b.size() - at);
  return Bytes(b.begin() + static_cast<ptrdiff_t>(at),
               b.begin() + static_cast<ptrdiff_t>(at + size));
}

Bytes SourceRoute(uint8_t kind, const std::vector<Ip>& route, int pointer) {
  Bytes value = {static_cast<uint8_t>(pointer)};
  for (const Ip& hop : route) value.insert(value.end(), hop.data(), hop.data() + 4);
  return Tlv(kind, value);
}

}  // namespace

Bytes Join(const std::vector<Bytes>& pieces) {
  Bytes out;
  for (const Bytes& piece : pieces) out.insert(out.end(), piece.begin(), piece.end());
  return out;
}
Bytes Be16(uint16_t value) {
  return {static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value)};
}
Bytes Be32(uint32_t value) {
  return Join({Be16(static_cast<uint16_t>(value >> 16)), Be16(static_cast<uint16_t>(value))});
}

Bytes Tlv(uint8_t kind, const Bytes& value) {
  return Join({{kind, static_cast<uint8_t>(value.size() + 2)}, value});
}

std::optional<Bytes> FindTlv(const Bytes& options, uint8_t kind) {
  for (size_t at = 0; at < options.size();) {
    if (options[at] == 0) return std::nullopt;
    if (options[at] == 1) {
      ++at;
      continue;
    }
    if (at + 1 >= options.size() || options[at + 1] < 2) return std::nullopt;
    const size_t size = options[at + 1];
    if (at + size > options.size()) return std::nullopt;
    if (options[at] == kind) return Sub(options, at + 2, size - 2);
    at += size;
  }
  return std::nullopt;
}

namespace ip_option {
Bytes Nop() { return {1}; }
Bytes End() { return {0}; }
Bytes RecordRoute(int slots) {
  Bytes value = {4};
  value.resize(1 + 4 * static_cast<size_t>(slots));
  return Tlv(kRecordRoute, value);
}
Bytes Timestamp(int flag, int slots) {
  Bytes value = {5, static_cast<uint8_t>(flag)};
  value.resize(2 + (flag == 0 ? 4 : 8) * static_cast<size_t>(slots));
  return Tlv(kTimestamp, value);
}
Bytes LooseSourceRoute(const std::vector<Ip>& route, int pointer) {
  return SourceRoute(kLooseSourceRoute, route, pointer);
}
Bytes StrictSourceRoute(const std::vector<Ip>& route, int pointer) {
  return SourceRoute(kStrictSourceRoute, route, pointer);
}
Bytes RouterAlert(uint16_t value) { return Tlv(kRouterAlert, Be16(value)); }
}  // namespace ip_option

namespace tcp_option {
Bytes Nop() { return {1}; }
Bytes End() { return {0}; }
Bytes Mss(uint16_t size) { return Tlv(kMss, Be16(size)); }
Bytes WindowScale(uint8_t shift) { return Tlv(kWindowScale, {shift}); }
Bytes SackPermitted() { return Tlv(kSackPermitted, {}); }
Bytes Sack(const std::vector<std::pair<uint32_t, uint32_t>>& blocks) {
  Bytes value;
  for (const auto& [left, right] : blocks) value = Join({value, Be32(left), Be32(right)});
  return Tlv(kSack, value);
}
Bytes Timestamps(uint32_t value, uint32_t echo) {
  return Tlv(kTimestamps, Join({Be32(value), Be32(echo)}));
}
std::optional<uint16_t> MssOf(const Packet& p) {
  const auto value = FindTlv(p.Options(Kind::kTcp), kMss);
  if (!value || value->size() != 2) return std::nullopt;
  return Load16(*value, 0);
}
std::optional<uint8_t> WindowScaleOf(const Packet& p) {
  const auto value = FindTlv(p.Options(Kind::kTcp), kWindowScale);
  if (!value || value->size() != 1) return std::nullopt;
  return value->at(0);
}
bool HasSackPermitted(const Packet& p) {
  return FindTlv(p.Options(Kind::kTcp), kSackPermitted).has_value();
}
std::vector<std::pair<uint32_t, uint32_t>> SackOf(const Packet& p) {
  std::vector<std::pair<uint32_t, uint32_t>> blocks;
  const auto value = FindTlv(p.Options(Kind::kTcp), kSack);
  for (size_t at = 0; value && at + 8 <= value->size(); at += 8) {
    blocks.emplace_back(Load32(*value, at), Load32(*value, at + 4));
  }
  return blocks;
}
std::optional<std::pair<uint32_t, uint32_t>> TimestampsOf(const Packet& p) {
  const auto value = FindTlv(p.Options(Kind::kTcp), kTimestamps);
  if (!value || value->size() != 8) return std::nullopt;
  return std::make_pair(Load32(*value, 0), Load32(*value, 4));
}
}  // namespace tcp_option

namespace ip6_option {
namespace {
Bytes Option(uint8_t type, const Bytes& value) {
  return Join({{type, static_cast<uint8_t>(value.size())}, value});
}
}  // namespace
Bytes Pad1() { return {0}; }
Bytes PadN(size_t size) { return Option(1, Bytes(size - 2)); }
Bytes RouterAlert(uint16_t value) { return Option(kRouterAlert, Be16(value)); }
Bytes Unknown(uint8_t type, const Bytes& value) { return Option(type, value); }
Bytes Jumbo(uint32_t length) { return Option(0xc2, Be32(length)); }
std::optional<Bytes> Find(const Bytes& options, uint8_t type) {
  for (size_t at = 0; at < options.size();) {
    if (options[at] == 0) {
      ++at;
      continue;
    }
    if (at + 1 >= options.size()) return std::nullopt;
    if (options[at] == type) return Sub(options, at + 2, options[at + 1]);
    at += 2 + size_t{options[at + 1]};
  }
  return std::nullopt;
}
}  // namespace ip6_option

namespace ndp_option {
Bytes Any(uint8_t type, const Bytes& value) {
  Bytes out = Join({{type, 0}, value});
  out.resize((out.size() + 7) / 8 * 8);
  out[1] = static_cast<uint8_t>(out.size() / 8);
  return out;
}
Bytes SourceLinkAddress(const Mac& mac) { return Any(kSourceLinkAddress, BytesOf(mac)); }
Bytes TargetLinkAddress(const Mac& mac) { return Any(kTargetLinkAddress, BytesOf(mac)); }
Bytes PrefixInformation(const Ip& prefix, int length, bool on_link, bool autonomous,
                        uint32_t valid_seconds, uint32_t preferred_seconds) {
  const auto flags = static_cast<uint8_t>((on_link ? 0x80 : 0) | (autonomous ? 0x40 : 0));
  return Any(kPrefixInformation,
             Join({{static_cast<uint8_t>(length), flags}, Be32(valid_seconds),
                   Be32(preferred_seconds), Be32(0), BytesOf(prefix)}));
}
Bytes RedirectedHeader(const Bytes& packet) {
  return Any(kRedirectedHeader, Join({Bytes(6), packet}));
}
Bytes Mtu(uint32_t mtu) { return Any(kMtu, Join({Be16(0), Be32(mtu)})); }
Bytes RouteInformation(const Ip& prefix, int length, int preference, uint32_t seconds) {
  const size_t size = length == 0 ? 0 : length <= 64 ? 8 : 16;
  return Any(24, Join({{static_cast<uint8_t>(length), static_cast<uint8_t>(preference << 3)},
                       Be32(seconds), Sub(BytesOf(prefix), 0, size)}));
}
Bytes RecursiveDns(const std::vector<Ip>& servers, uint32_t seconds) {
  Bytes value = Join({Be16(0), Be32(seconds)});
  for (const Ip& server : servers) value = Join({value, BytesOf(server)});
  return Any(25, value);
}
std::optional<Bytes> Find(const Packet& p, uint8_t type) {
  const Bytes message = p.From(Kind::kIcmp6);
  static constexpr struct {
    int type;
    size_t fixed;
  } kMessages[] = {{icmp6::kRouterSolicitation, 8}, {icmp6::kRouterAdvertisement, 16},
                   {icmp6::kNeighborSolicitation, 24}, {icmp6::kNeighborAdvertisement, 24},
                   {icmp6::kRedirect, 40}};
  size_t at = message.size();
  for (const auto& row : kMessages) {
    if (!message.empty() && message[0] == row.type) at = row.fixed;
  }
  while (at + 2 <= message.size() && message[at + 1] != 0) {
    const size_t size = 8 * size_t{message[at + 1]};
    if (message[at] == type) return Sub(message, at + 2, size - 2);
    at += size;
  }
  return std::nullopt;
}
std::optional<Mac> LinkAddressOf(const Packet& p, uint8_t type) {
  const auto value = Find(p, type);
  if (!value || value->size() < 6) return std::nullopt;
  Mac mac;
  std::copy_n(value->begin(), 6, mac.bytes.begin());
  return mac;
}
}  // namespace ndp_option

// --- Group records -----------------------------------------------------------------------------

Bytes EmitRecord(const GroupRecord& record) {
  Bytes out = Join({{static_cast<uint8_t>(record.type), 0},
                    Be16(static_cast<uint16_t>(record.sources.size())), BytesOf(record.group)});
  for (const Ip& source : record.sources) out = Join({out, BytesOf(source)});
  return out;
}

std::vector<GroupRecord> RecordsOf(const Packet& p) {
  const bool v6 = p.Has(Kind::kIcmp6) && p.Get(icmp6::kType).u64() == icmp6::kMldReportV2;
  const bool v4 = p.Has(Kind::kIgmp) && p.Get(igmp::kType).u64() == igmp::kReportV3;
  std::vector<GroupRecord> records;
  if (!v4 && !v6) return records;
  const Bytes message = p.From(v6 ? Kind::kIcmp6 : Kind::kIgmp);
  const size_t width = v6 ? 16 : 4;
  const size_t count = Load16(message, 6);
  size_t at = 8;
  for (size_t i = 0; i < count && at + 4 + width <= message.size(); ++i) {
    GroupRecord record;
    record.type = message[at];
    const size_t sources = Load16(message, at + 2);
    const size_t auxiliary = 4 * size_t{message[at + 1]};
    record.group = Ip::From(message.data() + at + 4, v6);
    at += 4 + width;
    for (size_t s = 0; s < sources && at + width <= message.size(); ++s, at += width) {
      record.sources.push_back(Ip::From(message.data() + at, v6));
    }
    at += auxiliary;
    records.push_back(record);
  }
  return records;
}

Bytes QueryTail(bool suppress, int robustness, int interval_code, const std::vector<Ip>& sources) {
  Bytes out = {static_cast<uint8_t>((suppress ? 8 : 0) | robustness),
               static_cast<uint8_t>(interval_code)};
  out = Join({out, Be16(static_cast<uint16_t>(sources.size()))});
  for (const Ip& source : sources) out = Join({out, BytesOf(source)});
  return out;
}

}  // namespace moat::conform
