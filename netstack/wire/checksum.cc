#include "netstack/wire/checksum.h"

#include <cstring>

namespace moat::netstack {
namespace {

uint64_t Load64(const uint8_t* p) {
  uint64_t value;
  std::memcpy(&value, p, sizeof(value));
  return value;
}

uint32_t Load32(const uint8_t* p) {
  uint32_t value;
  std::memcpy(&value, p, sizeof(value));
  return value;
}

}  // namespace

uint64_t RawSum(std::span<const uint8_t> bytes) {
  const uint8_t* p = bytes.data();
  size_t n = bytes.size();
  // Halves of 64-bit words are summed apart, so that no carry is lost and the loop vectorises.
  uint64_t low = 0, high = 0;
  while (n >= 32) {
    const uint64_t a = Load64(p), b = Load64(p + 8), c = Load64(p + 16), d = Load64(p + 24);
    low += (a & 0xffffffff) + (b & 0xffffffff) + (c & 0xffffffff) + (d & 0xffffffff);
    high += (a >> 32) + (b >> 32) + (c >> 32) + (d >> 32);
    p += 32;
    n -= 32;
  }
  uint64_t sum = low + high;
  for (; n >= 4; p += 4, n -= 4) sum += Load32(p);
  if (n >= 2) {
    uint16_t word;
    std::memcpy(&word, p, sizeof(word));
    sum += word;
    p += 2;
    n -= 2;
  }
  if (n == 1) sum += *p;  // little-endian: the byte comes first, its pad follows
  return sum;
}

void Checksum::AddPseudoHeader(const IpAddress& source, const IpAddress& destination,
                               uint8_t protocol, uint32_t length) {
  for (const IpAddress* address : {&source, &destination}) {
    for (size_t at = 0; at < address->size(); at += 4) sum_ += Load32(address->data() + at);
  }
  AddWord(protocol);
  AddWord(static_cast<uint16_t>(length));
  AddWord(static_cast<uint16_t>(length >> 16));
}

bool TransportChecksumValid(const IpAddress& source, const IpAddress& destination, uint8_t protocol,
                            std::span<const uint8_t> segment) {
  Checksum sum;
  sum.AddPseudoHeader(source, destination, protocol, static_cast<uint32_t>(segment.size()));
  sum.Add(segment);
  return sum.IsValid();
}

}  // namespace moat::netstack
