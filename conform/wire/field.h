// A header field as data: where it lies, and how it is shown. Everything else (setting, reading,
// matching, explaining a mismatch) is written once for all fields.
//
//   inline constexpr Field kTtl{"ipv4.ttl", Kind::kIpv4, 64, 8};
#ifndef MOAT_CONFORM_WIRE_FIELD_H_
#define MOAT_CONFORM_WIRE_FIELD_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>

#include "conform/wire/address.h"

namespace moat::conform {

// What a layer of a frame is. The IPv6 extension headers are layers of their own.
enum class Kind : uint8_t {
  kEthernet, kArp, kIpv4, kIpv6, kHopByHop, kDestinationOptions, kRouting, kFragment, kIcmp4, kIgmp,
  kUdp, kTcp, kIcmp6, kRaw,
};
const char* KindName(Kind kind);

enum class Show : uint8_t { kNumber, kHex, kMac, kIp4, kIp6 };

struct Field {
  const char* name;
  Kind kind;
  uint16_t bit;  // from the start of the layer
  uint8_t bits;  // at most 64, or 128 when it is an IPv6 address
  Show show = Show::kNumber;
};

// A field's value: a number of up to 128 bits. Numbers and addresses convert to it.
class Value {
 public:
  using Number = unsigned __int128;

  template <std::integral T>
  Value(T number) : number_(static_cast<uint64_t>(number)) {}  // NOLINT: implicit by design
  Value(const Mac& mac) : number_(Big(mac.bytes.data(), 6)) {}   // NOLINT: likewise
  Value(const Ip& ip) : number_(Big(ip.data(), ip.size())) {}    // NOLINT: likewise
  static Value OfNumber(Number number) {
    Value value(0);
    value.number_ = number;
    return value;
  }

  Number number() const { return number_; }
  uint64_t u64() const { return static_cast<uint64_t>(number_); }
  operator uint64_t() const { return u64(); }  // NOLINT: implicit by design
  std::string ToString(Show show) const;
  Mac AsMac() const;
  Ip AsIp4() const;
  Ip AsIp6() const;

 private:
  static Number Big(const uint8_t* bytes, size_t size) {
    Number number = 0;
    for (size_t i = 0; i < size; ++i) number = number << 8 | bytes[i];
    return number;
  }
  Number number_;
};

// Bits [bit, bit + bits) of a big-endian byte string. Load gives 0 for what lies behind its end;
// Store makes it longer as needed.
Value LoadBits(const uint8_t* bytes, size_t size, size_t bit, size_t bits);
void StoreBits(Bytes& bytes, size_t bit, size_t bits, Value value);

}  // namespace moat::conform

#endif  // MOAT_CONFORM_WIRE_FIELD_H_
