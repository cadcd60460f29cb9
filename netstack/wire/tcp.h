// TCP header (RFC 9293 3.1).
#ifndef MOAT_NETSTACK_WIRE_TCP_H_
#define MOAT_NETSTACK_WIRE_TCP_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "netstack/wire/bytes.h"
#include "netstack/wire/seqnum.h"

namespace moat::netstack {

inline constexpr size_t kTcpHeaderSize = 20;     // without options
inline constexpr size_t kTcpMaxHeaderSize = 60;
inline constexpr int kTcpChecksumOffset = 16;

namespace tcp_flag {
inline constexpr uint8_t kFin = 0x01;
inline constexpr uint8_t kSyn = 0x02;
inline constexpr uint8_t kRst = 0x04;
inline constexpr uint8_t kPsh = 0x08;
inline constexpr uint8_t kAck = 0x10;
inline constexpr uint8_t kUrg = 0x20;
inline constexpr uint8_t kEce = 0x40;  // RFC 3168
inline constexpr uint8_t kCwr = 0x80;
}  // namespace tcp_flag

// RFC 9768 3.2.2: AE (in the octet before the other flags), CWR and ECE as one number, the ACE
// field.
constexpr uint8_t AceOf(bool ae, uint8_t flags) {
  return static_cast<uint8_t>((ae ? 4 : 0) | flags >> 6);
}
constexpr uint8_t FlagsOfAce(uint8_t ace) { return static_cast<uint8_t>(ace << 6); }
constexpr bool AeOfAce(uint8_t ace) { return (ace & 4) != 0; }

// A header whose length is proven: `bytes` holds at least the data offset's worth of it.
class TcpView {
 public:
  TcpView() = default;
  // False: fewer bytes than the header says, or a data offset below 5.
  static bool Parse(std::span<const uint8_t> bytes, TcpView* out) {
    if (bytes.size() < kTcpHeaderSize) return false;
    const size_t header = static_cast<size_t>(bytes[12] >> 4) * 4;
    if (header < kTcpHeaderSize || header > bytes.size()) return false;
    out->p_ = bytes.data();
    return true;
  }

  uint16_t source_port() const { return LoadBe16(p_); }
  uint16_t destination_port() const { return LoadBe16(p_ + 2); }
  SeqNum seq() const { return SeqNum(LoadBe32(p_ + 4)); }
  SeqNum ack() const { return SeqNum(LoadBe32(p_ + 8)); }
  size_t header_size() const { return static_cast<size_t>(p_[12] >> 4) * 4; }
  uint8_t flags() const { return p_[13]; }
  bool ae() const { return (p_[12] & 1) != 0; }
  uint16_t window() const { return LoadBe16(p_ + 14); }
  uint16_t checksum() const { return LoadBe16(p_ + 16); }
  uint16_t urgent_pointer() const { return LoadBe16(p_ + 18); }
  std::span<const uint8_t> options() const {
    return {p_ + kTcpHeaderSize, header_size() - kTcpHeaderSize};
  }

 private:
  const uint8_t* p_ = nullptr;
};

struct TcpFields {
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  SeqNum seq;
  SeqNum ack;
  uint8_t flags = 0;
  bool ae = false;      // RFC 9768 3.2.2
  uint16_t window = 0;  // as on the wire: already scaled
  uint16_t urgent_pointer = 0;
  size_t options_size = 0;  // a multiple of 4, at most 40; the caller writes them behind the header
};

// Writes kTcpHeaderSize bytes; the checksum field is zero.
inline void EmitTcp(const TcpFields& fields, uint8_t* out) {
  StoreBe16(out, fields.source_port);
  StoreBe16(out + 2, fields.destination_port);
  StoreBe32(out + 4, fields.seq.value());
  StoreBe32(out + 8, fields.ack.value());
  out[12] =
      static_cast<uint8_t>((kTcpHeaderSize + fields.options_size) / 4 << 4 | (fields.ae ? 1 : 0));
  out[13] = fields.flags;
  StoreBe16(out + 14, fields.window);
  StoreBe16(out + 16, 0);
  StoreBe16(out + 18, fields.urgent_pointer);
}

}  // namespace moat::netstack

#endif  // MOAT_NETSTACK_WIRE_TCP_H_
