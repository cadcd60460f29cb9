// The Internet checksum (RFC 1071, RFC 1624), computed 8 bytes at a time, over any number of
// pieces.
//
//   Checksum sum;
//   sum.AddPseudoHeader(source, destination, ip_protocol::kUdp, length);
//   sum.Add(header);
//   for (auto piece : payload) sum.Add(piece);   // pieces may have odd lengths
//   StoreBe16(header + 6, sum.Finish());
#ifndef MOAT_NETSTACK_WIRE_CHECKSUM_H_
#define MOAT_NETSTACK_WIRE_CHECKSUM_H_

#include <cstdint>
#include <span>

#include "netstack/wire/address.h"

namespace moat::netstack {

// The sum of `bytes` as 16-bit words in memory (native) order, not folded: a number that FoldSum()
// makes their ones' complement sum. An odd last byte is padded with zero. Below 2^61 for 4 GiB.
uint64_t RawSum(std::span<const uint8_t> bytes);

// To 16 bits, carries added at the other end.
inline uint16_t FoldSum(uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>((sum & 0xffff) + (sum >> 16));
}

class Checksum {
 public:
  Checksum() = default;

  void Add(std::span<const uint8_t> bytes) {
    const uint64_t raw = RawSum(bytes);
    // A piece that begins at an odd offset contributes byte-swapped (RFC 1071 2.B).
    sum_ += odd_ ? __builtin_bswap16(FoldSum(raw)) : raw;
    odd_ ^= (bytes.size() & 1) != 0;
  }
  // A 16-bit field in host order, at an even offset.
  void AddWord(uint16_t host_order) { sum_ += __builtin_bswap16(host_order); }
  // RFC 9293 3.1, RFC 768, RFC 8200 8.1. `length` is that of the transport header and payload.
  void AddPseudoHeader(const IpAddress& source, const IpAddress& destination, uint8_t protocol,
                       uint32_t length);

  // The folded sum, not complemented, in host order: what a TX checksum offload wants in the field.
  uint16_t Sum() const { return __builtin_bswap16(Fold()); }
  // The checksum in host order.
  uint16_t Finish() const { return static_cast<uint16_t>(~Sum()); }
  // True when the bytes added include a right checksum field.
  bool IsValid() const { return Fold() == 0xffff; }

 private:
  uint16_t Fold() const { return FoldSum(sum_); }

  uint64_t sum_ = 0;  // memory order; pieces of 64 KiB add 2^45 at most, so it cannot overflow
  bool odd_ = false;
};

// The checksum, in host order, of one run of bytes.
inline uint16_t ChecksumOf(std::span<const uint8_t> bytes) {
  Checksum sum;
  sum.Add(bytes);
  return sum.Finish();
}

// True when `segment` (transport header on, its checksum field included) is intact.
bool TransportChecksumValid(const IpAddress& source, const IpAddress& destination, uint8_t protocol,
                            std::span<const uint8_t> segment);

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_WIRE_CHECKSUM_H_
