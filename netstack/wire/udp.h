// UDP header (RFC 768; over IPv6 RFC 8200 8.1).
#ifndef MOAT_NETSTACK_WIRE_UDP_H_
#define MOAT_NETSTACK_WIRE_UDP_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "netstack/wire/bytes.h"

namespace moat::netstack {

inline constexpr size_t kUdpHeaderSize = 8;
inline constexpr size_t kUdpChecksumOffset = 6;

// A datagram whose length field is proven to lie within the bytes.
class UdpView {
 public:
  // `bytes` may be longer than the length field says (the rest is ignored). A length of 0 stands
  // for "all of it" (a jumbogram, RFC 2675 4), which only IPv6 allows.
  static std::optional<UdpView> Parse(std::span<const uint8_t> bytes, bool allow_zero_length) {
    if (bytes.size() < kUdpHeaderSize) return std::nullopt;
    size_t length = LoadBe16(bytes.data() + 4);
    if (length == 0 && allow_zero_length) length = bytes.size();
    if (length < kUdpHeaderSize || length > bytes.size()) return std::nullopt;
    return UdpView(bytes.first(length));
  }

  uint16_t source_port() const { return LoadBe16(bytes_.data()); }
  uint16_t destination_port() const { return LoadBe16(bytes_.data() + 2); }
  uint16_t checksum() const { return LoadBe16(bytes_.data() + 6); }
  size_t size() const { return bytes_.size(); }  // header and payload
  std::span<const uint8_t> bytes() const { return bytes_; }

 private:
  explicit UdpView(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  std::span<const uint8_t> bytes_;
};

// Writes kUdpHeaderSize bytes with a zero checksum. `length` counts header and payload.
inline void EmitUdp(uint8_t* out, uint16_t source_port, uint16_t destination_port,
                    uint16_t length) {
  StoreBe16(out, source_port);
  StoreBe16(out + 2, destination_port);
  StoreBe16(out + 4, length);
  StoreBe16(out + 6, 0);
}

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_WIRE_UDP_H_
