#include "netstack/wire/ipv4.h"

#include <cstring>

#include "netstack/wire/checksum.h"

namespace moat::netstack {

Ipv4Parse Ipv4View::ParseQuoted(std::span<const uint8_t> bytes, Ipv4View* out) {
  if (bytes.size() < kIpv4HeaderSize) return Ipv4Parse::kTruncated;
  const uint8_t* p = bytes.data();
  if (p[0] >> 4 != 4) return Ipv4Parse::kVersion;
  const size_t header_size = static_cast<size_t>(p[0] & 15) * 4;
  if (header_size < kIpv4HeaderSize) return Ipv4Parse::kHeaderLength;
  if (bytes.size() < header_size) return Ipv4Parse::kTruncated;
  out->p_ = p;
  return Ipv4Parse::kOk;
}

Ipv4Parse Ipv4View::Parse(std::span<const uint8_t> bytes, Ipv4View* out) {
  Ipv4View view;
  const Ipv4Parse header = ParseQuoted(bytes, &view);
  if (header != Ipv4Parse::kOk) return header;
  if (view.total_length() < view.header_size()) return Ipv4Parse::kTotalLength;
  if (view.total_length() > bytes.size()) return Ipv4Parse::kTruncated;
  *out = view;
  return Ipv4Parse::kOk;
}

bool Ipv4View::ChecksumValid() const { return FoldSum(RawSum(header())) == 0xffff; }

void EmitIpv4(const Ipv4Fields& fields, uint8_t* out) {
  out[0] = 0x45;
  out[1] = fields.tos;
  StoreBe16(out + 2, fields.total_length);
  StoreBe16(out + 4, fields.identification);
  StoreBe16(out + 6, static_cast<uint16_t>((fields.dont_fragment ? 0x4000 : 0) |
                                           (fields.more_fragments ? 0x2000 : 0) |
                                           fields.fragment_offset / 8));
  out[8] = fields.ttl;
  out[9] = fields.protocol;
  std::memcpy(out + 12, fields.source.data(), 4);
  std::memcpy(out + 16, fields.destination.data(), 4);
  FixIpv4Checksum({out, kIpv4HeaderSize});
}

void FixIpv4Checksum(std::span<uint8_t> header) {
  StoreBe16(header.data() + 10, 0);
  StoreBe16(header.data() + 10, ChecksumOf(header));
}

}  // namespace moat::netstack
