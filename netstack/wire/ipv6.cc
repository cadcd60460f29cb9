#include "netstack/wire/ipv6.h"

namespace moat::netstack {

Ipv6Parse Ipv6View::ParseQuoted(std::span<const uint8_t> bytes, Ipv6View* out) {
  if (bytes.empty()) return Ipv6Parse::kTruncated;
  if (bytes[0] >> 4 != 6) return Ipv6Parse::kVersion;
  if (bytes.size() < kIpv6HeaderSize) return Ipv6Parse::kTruncated;
  out->p_ = bytes.data();
  return Ipv6Parse::kOk;
}

Ipv6Parse Ipv6View::Parse(std::span<const uint8_t> bytes, Ipv6View* out) {
  Ipv6View view;
  const Ipv6Parse header = ParseQuoted(bytes, &view);
  if (header != Ipv6Parse::kOk) return header;
  if (view.total_length() > bytes.size()) return Ipv6Parse::kTruncated;
  *out = view;
  return Ipv6Parse::kOk;
}

void EmitIpv6(const Ipv6Fields& fields, uint8_t* out) {
  StoreBe32(out, 6u << 28 | static_cast<uint32_t>(fields.traffic_class) << 20 |
                     (fields.flow_label & 0xfffff));
  StoreBe16(out + 4, fields.payload_length);
  out[6] = fields.next_header;
  out[7] = fields.hop_limit;
  std::memcpy(out + 8, fields.source.data(), 16);
  std::memcpy(out + 24, fields.destination.data(), 16);
}

Ipv6FragmentHeader ReadIpv6FragmentHeader(const uint8_t* p) {
  const uint16_t word = LoadBe16(p + 2);
  return {p[0], static_cast<uint32_t>(word & 0xfff8), (word & 1) != 0, LoadBe32(p + 4)};
}

void EmitIpv6FragmentHeader(const Ipv6FragmentHeader& header, uint8_t* out) {
  out[0] = header.next_header;
  out[1] = 0;
  StoreBe16(out + 2, static_cast<uint16_t>(header.offset | (header.more ? 1 : 0)));
  StoreBe32(out + 4, header.identification);
}

IpAddress SolicitedNodeGroup(const IpAddress& address) {
  uint8_t bytes[16] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};
  std::memcpy(bytes + 13, address.data() + 13, 3);
  return IpAddress::V6(bytes);
}

IpAddress LinkLocalFromMac(const MacAddress& mac) {
  uint8_t bytes[16] = {0xfe, 0x80};
  std::memcpy(bytes + 8, mac.bytes.data(), 3);
  bytes[8] ^= 2;
  bytes[11] = 0xff;
  bytes[12] = 0xfe;
  std::memcpy(bytes + 13, mac.bytes.data() + 3, 3);
  return IpAddress::V6(bytes);
}

}  // namespace moat::netstack
