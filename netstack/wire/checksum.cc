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

uint16_t FoldTo16(uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

// Adds with end-around carry.
uint64_t AddCarry(uint64_t a, uint64_t b) {
  const uint64_t sum = a + b;
  return sum + (sum < a ? 1 : 0);
}

}  // namespace

uint16_t RawSum(std::span<const uint8_t> bytes) {
  const uint8_t* p = bytes.data();
  size_t n = bytes.size();
  // Halves of 64-bit words are summed apart, so that no carry is lost and the loop vectorises: 2^32
  // words fit before either accumulator could overflow.
  uint64_t low = 0, high = 0;
  while (n >= 32) {
    const uint64_t a = Load64(p), b = Load64(p + 8), c = Load64(p + 16), d = Load64(p + 24);
    low += (a & 0xffffffff) + (b & 0xffffffff) + (c & 0xffffffff) + (d & 0xffffffff);
    high += (a >> 32) + (b >> 32) + (c >> 32) + (d >> 32);
    p += 32;
    n -= 32;
  }
  uint64_t sum = AddCarry(low, high);
  for (; n >= 4; p += 4, n -= 4) sum = AddCarry(sum, Load32(p));
  if (n >= 2) {
    uint16_t word;
    std::memcpy(&word, p, sizeof(word));
    sum = AddCarry(sum, word);
    p += 2;
    n -= 2;
  }
  if (n == 1) sum = AddCarry(sum, *p);  // little-endian: the byte comes first, its pad follows
  return FoldTo16(sum);
}

void Checksum::AddPseudoHeader(const IpAddress& source, const IpAddress& destination,
                               uint8_t protocol, uint32_t length) {
  sum_ += RawSum({source.data(), source.size()});
  sum_ += RawSum({destination.data(), destination.size()});
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
