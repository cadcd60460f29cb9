#include "sentry/socket/raw_echo.h"

#include <netinet/in.h>

#include <algorithm>

namespace moat::sentry {
namespace {

using netstack::Datagram;
using netstack::Family;
using netstack::Slice;

constexpr uint8_t kEchoRequest = 8;
constexpr uint8_t kEchoRequestV6 = 128;
constexpr size_t kIcmpHeader = 8;
constexpr size_t kIpHeader = 20;

// RFC 1071 over a header of even length.
uint16_t HeaderChecksum(std::span<const uint8_t> header) {
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < header.size(); i += 2) sum += header[i] << 8 | header[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

void Store16(uint8_t* at, size_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}

}  // namespace

std::optional<uint16_t> EchoIdentifier(std::span<const uint8_t> message, Family family) {
  const uint8_t type = family == Family::kIpv4 ? kEchoRequest : kEchoRequestV6;
  if (message.size() < kIcmpHeader || message[0] != type || message[1] != 0) return std::nullopt;
  return static_cast<uint16_t>(message[4] << 8 | message[5]);
}

Slice RawMessage(const Datagram& datagram) {
  if (!datagram.source.address.is_v4()) return datagram.payload;
  Slice out = Slice::Allocate(kIpHeader + datagram.payload.size());
  uint8_t* header = out.mutable_data();
  std::fill_n(header, kIpHeader, 0);
  header[0] = 0x45;
  header[1] = datagram.traffic_class;
  Store16(header + 2, out.size());
  header[8] = datagram.hop_limit;
  header[9] = IPPROTO_ICMP;
  std::copy_n(datagram.source.address.data(), 4, header + 12);
  std::copy_n(datagram.destination.data(), 4, header + 16);
  Store16(header + 10, HeaderChecksum({header, kIpHeader}));
  std::copy_n(datagram.payload.data(), datagram.payload.size(), header + kIpHeader);
  return out;
}

}  // namespace moat::sentry
