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

bool Ipv4View::ChecksumValid() const { return RawSum(header()) == 0xffff; }

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

namespace {

void RecordRoute(std::span<uint8_t> option, const IpAddress& own) {
  if (option.size() < 3) return;
  const size_t pointer = option[2];  // counts from 1
  if (pointer < 4 || pointer + 3 > option.size()) return;
  std::memcpy(option.data() + pointer - 1, own.data(), 4);
  option[2] = static_cast<uint8_t>(pointer + 4);
}

}  // namespace

void RecordInIpv4Options(std::span<uint8_t> header, const IpAddress& own, uint32_t time,
                         bool (*is_ours)(const void* context, const IpAddress& address),
                         const void* context) {
  for (size_t i = kIpv4HeaderSize; i < header.size();) {
    const uint8_t type = header[i];
    if (type == ipv4_option::kEnd) return;
    if (type == ipv4_option::kNoOperation) {
      ++i;
      continue;
    }
    if (i + 2 > header.size() || header[i + 1] < 2 || i + header[i + 1] > header.size()) return;
    const std::span<uint8_t> option = header.subspan(i, header[i + 1]);
    i += option.size();
    if (type == ipv4_option::kRecordRoute) RecordRoute(option, own);
    if (type != ipv4_option::kTimestamp || option.size() < 4) continue;
    const size_t pointer = option[2];
    const uint8_t flag = option[3] & 15;  // 0: times, 1: addresses too, 3: of those that are named
    const size_t size = flag == 0 ? 4 : 8;
    if (pointer < 5 || (flag != 0 && flag != 1 && flag != 3)) continue;
    if (pointer - 1 + size > option.size()) {
      if (option[3] >> 4 < 15) option[3] = static_cast<uint8_t>(option[3] + 16);
      continue;
    }
    uint8_t* slot = option.data() + pointer - 1;
    if (flag == 3 && !is_ours(context, IpAddress::V4(slot))) continue;
    if (flag == 1) std::memcpy(slot, own.data(), 4);
    StoreBe32(slot + size - 4, time);
    option[2] = static_cast<uint8_t>(pointer + size);
  }
}

Ipv4OptionScan ScanIpv4Options(const Ipv4View& header) {
  Ipv4OptionScan scan;
  const std::span<const uint8_t> options = header.options();
  for (size_t i = 0; i < options.size();) {
    const uint8_t type = options[i];
    if (type == ipv4_option::kEnd) break;
    if (type == ipv4_option::kNoOperation) {
      ++i;
      continue;
    }
    const size_t left = options.size() - i;
    if (left < 2 || options[i + 1] < 2 || options[i + 1] > left) {
      scan.well_formed = false;
      // The pointer names the octet at fault: the length where there is one (RFC 1812 5.3.6).
      scan.error_offset = static_cast<uint8_t>(kIpv4HeaderSize + i + (left < 2 ? 0 : 1));
      return scan;
    }
    const uint8_t length = options[i + 1];
    if (type == ipv4_option::kLooseSourceRoute || type == ipv4_option::kStrictSourceRoute) {
      if (length < 3) {
        scan.well_formed = false;
        scan.error_offset = static_cast<uint8_t>(kIpv4HeaderSize + i + 1);
        return scan;
      }
      // The route is used up when the pointer is beyond it (RFC 791 3.1).
      if (options[i + 2] <= length) scan.source_route = true;
    }
    i += length;
  }
  return scan;
}

}  // namespace moat::netstack
