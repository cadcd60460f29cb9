#include "netstack/wire/address.h"

#include "netstack/wire/bytes.h"

namespace moat::netstack {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

void AppendHexByte(std::string& out, uint8_t byte) {
  out.push_back(kHexDigits[byte >> 4]);
  out.push_back(kHexDigits[byte & 15]);
}

// A group without leading zeros (RFC 5952 4.1).
void AppendGroup(std::string& out, uint16_t group) {
  bool started = false;
  for (int shift = 12; shift >= 0; shift -= 4) {
    const int digit = (group >> shift) & 15;
    if (digit == 0 && !started && shift != 0) continue;
    started = true;
    out.push_back(kHexDigits[digit]);
  }
}

std::string FormatV4(const uint8_t* b) {
  std::string out;
  for (int i = 0; i < 4; ++i) {
    if (i != 0) out.push_back('.');
    out += std::to_string(b[i]);
  }
  return out;
}

// RFC 5952: lower case, the first longest run of at least two zero groups becomes "::", and the
// mapped prefix shows its tail as a dotted quad (section 5).
std::string FormatV6(const uint8_t* b, bool mapped) {
  if (mapped) return "::ffff:" + FormatV4(b + 12);
  uint16_t groups[8];
  for (int i = 0; i < 8; ++i) groups[i] = LoadBe16(b + 2 * i);
  int best_start = -1, best_length = 1;
  for (int i = 0; i < 8;) {
    int end = i;
    while (end < 8 && groups[end] == 0) ++end;
    if (end - i > best_length) {
      best_start = i;
      best_length = end - i;
    }
    i = end + 1;
  }
  std::string out;
  for (int i = 0; i < 8;) {
    if (i == best_start) {
      out += "::";
      i += best_length;
      continue;
    }
    if (!out.empty() && out.back() != ':') out.push_back(':');
    AppendGroup(out, groups[i]);
    ++i;
  }
  return out;
}

// Decimal without leading zeros (inet_pton(3) refuses them: some read them as octal).
std::optional<int> ParseDecimal(std::string_view text, int max) {
  if (text.empty() || text.size() > 3) return std::nullopt;
  if (text.size() > 1 && text[0] == '0') return std::nullopt;
  int value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  if (value > max) return std::nullopt;
  return value;
}

bool ParseV4(std::string_view text, uint8_t* out) {
  for (int i = 0; i < 4; ++i) {
    const size_t dot = i < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return false;
    const std::optional<int> value = ParseDecimal(text.substr(0, dot), 255);
    if (!value.has_value()) return false;
    out[i] = static_cast<uint8_t>(*value);
    text.remove_prefix(i < 3 ? dot + 1 : dot);
  }
  return text.empty();
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// One run of groups without "::"; a dotted quad may stand last when `tail`. Returns the number of
// bytes written to `out` (at most 16), or -1.
int ParseGroups(std::string_view text, bool tail, uint8_t* out) {
  if (text.empty()) return 0;
  int size = 0;
  while (true) {
    const size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    if (colon == std::string_view::npos && tail && group.find('.') != std::string_view::npos) {
      if (size > 12 || !ParseV4(group, out + size)) return -1;
      return size + 4;
    }
    if (group.empty() || group.size() > 4 || size > 14) return -1;
    uint16_t value = 0;
    for (char c : group) {
      const int digit = HexValue(c);
      if (digit < 0) return -1;
      value = static_cast<uint16_t>(value << 4 | digit);
    }
    StoreBe16(out + size, value);
    size += 2;
    if (colon == std::string_view::npos) return size;
    text.remove_prefix(colon + 1);
  }
}

bool ParseV6(std::string_view text, uint8_t* out) {
  const size_t gap = text.find("::");
  if (gap == std::string_view::npos) return ParseGroups(text, true, out) == 16;
  uint8_t head[16], tail[16];
  const int head_size = ParseGroups(text.substr(0, gap), false, head);
  const int tail_size = ParseGroups(text.substr(gap + 2), true, tail);
  // "::" stands for at least one group (RFC 4291 2.2).
  if (head_size < 0 || tail_size < 0 || head_size + tail_size > 14) return false;
  std::memset(out, 0, 16);
  std::memcpy(out, head, head_size);
  std::memcpy(out + 16 - tail_size, tail, tail_size);
  return true;
}

uint8_t PrefixMaskByte(int length, int index) {
  const int bits = length - 8 * index;
  if (bits >= 8) return 0xff;
  if (bits <= 0) return 0;
  return static_cast<uint8_t>(0xff << (8 - bits));
}

}  // namespace

std::string MacAddress::ToString() const {
  std::string out;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i != 0) out.push_back(':');
    AppendHexByte(out, bytes[i]);
  }
  return out;
}

IpAddress IpAddress::V4(const uint8_t* network_order) {
  IpAddress address;
  std::memcpy(address.bytes_.data(), network_order, 4);
  return address;
}

IpAddress IpAddress::V6(const uint8_t* network_order) {
  IpAddress address;
  address.family_ = Family::kIpv6;
  std::memcpy(address.bytes_.data(), network_order, 16);
  return address;
}

std::optional<IpAddress> IpAddress::Parse(std::string_view text) {
  uint8_t bytes[16];
  if (text.find(':') == std::string_view::npos) {
    if (!ParseV4(text, bytes)) return std::nullopt;
    return V4(bytes);
  }
  if (!ParseV6(text, bytes)) return std::nullopt;
  return V6(bytes);
}

bool IpAddress::IsUnspecified() const {
  return (LoadBe64(bytes_.data()) | LoadBe64(bytes_.data() + 8)) == 0;
}

bool IpAddress::IsLoopback() const {
  if (is_v4()) return bytes_[0] == 127;
  return LoadBe64(bytes_.data()) == 0 && LoadBe64(bytes_.data() + 8) == 1;
}

bool IpAddress::IsMulticast() const {
  return is_v4() ? (bytes_[0] & 0xf0) == 0xe0 : bytes_[0] == 0xff;
}

bool IpAddress::IsLimitedBroadcast() const {
  return is_v4() && LoadBe32(bytes_.data()) == 0xffffffff;
}

bool IpAddress::IsLinkLocal() const {
  if (is_v4()) return bytes_[0] == 169 && bytes_[1] == 254;
  return bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

bool IpAddress::IsLinkLocalMulticast() const {
  if (is_v4()) return bytes_[0] == 224 && bytes_[1] == 0 && bytes_[2] == 0;
  return bytes_[0] == 0xff && (bytes_[1] & 0x0f) == 2;
}

bool IpAddress::IsMappedV4() const {
  return is_v6() && LoadBe64(bytes_.data()) == 0 && LoadBe32(bytes_.data() + 8) == 0xffff;
}

IpAddress IpAddress::Prefix(int length) const {
  IpAddress out = *this;
  for (size_t i = 0; i < size(); ++i) out.bytes_[i] &= PrefixMaskByte(length, static_cast<int>(i));
  return out;
}

bool IpAddress::InPrefix(const IpAddress& prefix, int length) const {
  if (family_ != prefix.family_) return false;
  for (size_t i = 0; i < size(); ++i) {
    if (((bytes_[i] ^ prefix.bytes_[i]) & PrefixMaskByte(length, static_cast<int>(i))) != 0) {
      return false;
    }
  }
  return true;
}

IpAddress IpAddress::MapToV6() const {
  IpAddress out = Any(Family::kIpv6);
  out.bytes_[10] = 0xff;
  out.bytes_[11] = 0xff;
  std::memcpy(out.bytes_.data() + 12, bytes_.data(), 4);
  return out;
}

IpAddress IpAddress::UnmapToV4() const { return V4(bytes_.data() + 12); }

std::string IpAddress::ToString() const {
  return is_v4() ? FormatV4(bytes_.data()) : FormatV6(bytes_.data(), IsMappedV4());
}

std::string Endpoint::ToString() const {
  std::string out;
  if (address.is_v6()) out.push_back('[');
  out += address.ToString();
  if (address.is_v6()) {
    if (scope != 0) out += "%" + std::to_string(scope);
    out.push_back(']');
  }
  return out + ":" + std::to_string(port);
}

std::string Prefix::ToString() const { return address.ToString() + "/" + std::to_string(length); }

std::optional<Prefix> Prefix::Parse(std::string_view text) {
  const size_t slash = text.find('/');
  const std::optional<IpAddress> address = IpAddress::Parse(text.substr(0, slash));
  if (!address.has_value()) return std::nullopt;
  if (slash == std::string_view::npos) return Prefix{*address, address->bits()};
  const std::optional<int> length = ParseDecimal(text.substr(slash + 1), address->bits());
  if (!length.has_value()) return std::nullopt;
  return Prefix{*address, *length};
}

}  // namespace moat::netstack
