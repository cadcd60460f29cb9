#include "conform/wire/field.h"

#include <cinttypes>
#include <cstdio>

namespace moat::conform {
namespace {

Bytes ToBytes(Value::Number number, size_t size) {
  Bytes bytes(size);
  for (size_t i = size; i-- > 0; number >>= 8) bytes[i] = static_cast<uint8_t>(number);
  return bytes;
}

}  // namespace

const char* KindName(Kind kind) {
  static constexpr const char* kNames[] = {
      "ethernet", "arp",    "ipv4", "ipv6", "hop-by-hop", "destination-options", "routing",
      "fragment", "icmpv4", "igmp", "udp",  "tcp",        "icmpv6",              "raw"};
  return kNames[static_cast<size_t>(kind)];
}

Mac Value::AsMac() const {
  const Bytes bytes = ToBytes(number_, 6);
  Mac mac;
  for (size_t i = 0; i < 6; ++i) mac.bytes[i] = bytes[i];
  return mac;
}
Ip Value::AsIp4() const { return Ip::From(ToBytes(number_, 4).data(), false); }
Ip Value::AsIp6() const { return Ip::From(ToBytes(number_, 16).data(), true); }

std::string Value::ToString(Show show) const {
  char text[40];
  switch (show) {
    case Show::kMac:
      return AsMac().ToString();
    case Show::kIp4:
      return AsIp4().ToString();
    case Show::kIp6:
      return AsIp6().ToString();
    case Show::kHex:
      std::snprintf(text, sizeof(text), "0x%" PRIx64, u64());
      return text;
    case Show::kNumber:
      std::snprintf(text, sizeof(text), "%" PRIu64, u64());
      return text;
  }
  return "?";
}

Value LoadBits(const uint8_t* bytes, size_t size, size_t bit, size_t bits) {
  Value::Number number = 0;
  for (size_t i = bit; i < bit + bits; ++i) {
    const bool set = i / 8 < size && (bytes[i / 8] >> (7 - i % 8) & 1) != 0;
    number = number << 1 | (set ? 1 : 0);
  }
  return Value::OfNumber(number);
}

void StoreBits(Bytes& bytes, size_t bit, size_t bits, Value value) {
  const size_t end = bit + bits;
  if (bytes.size() * 8 < end) bytes.resize((end + 7) / 8);
  for (size_t i = 0; i < bits; ++i) {
    const size_t at = end - 1 - i;
    const auto mask = static_cast<uint8_t>(1u << (7 - at % 8));
    const bool set = (value.number() >> i & 1) != 0;
    bytes[at / 8] = static_cast<uint8_t>(set ? bytes[at / 8] | mask : bytes[at / 8] & ~mask);
  }
}

}  // namespace moat::conform
