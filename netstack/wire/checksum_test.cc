#include "netstack/wire/checksum.h"

#include <gtest/gtest.h>

#include <vector>

#include "netstack/wire/bytes.h"

namespace moat::netstack {
namespace {

// RFC 1071's definition, one word at a time.
uint16_t Reference(const std::vector<uint8_t>& bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); i += 2) {
    sum += bytes[i] << 8 | (i + 1 < bytes.size() ? bytes[i + 1] : 0);
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<uint16_t>(~sum);
}

std::vector<uint8_t> Pattern(size_t size) {
  std::vector<uint8_t> bytes(size);
  uint32_t state = static_cast<uint32_t>(size) + 1;
  for (uint8_t& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<uint8_t>(state >> 24);
  }
  return bytes;
}

TEST(Rfc1071, ExampleOfSection3) {
  const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(ChecksumOf(bytes), static_cast<uint16_t>(~0xddf2));
}

TEST(Rfc1071, EveryLengthMatchesTheDefinition) {
  for (size_t size = 0; size < 300; ++size) {
    const std::vector<uint8_t> bytes = Pattern(size);
    EXPECT_EQ(ChecksumOf(bytes), Reference(bytes)) << size;
  }
  const std::vector<uint8_t> big(65535, 0xff);
  EXPECT_EQ(ChecksumOf(big), Reference(big));
}

TEST(Rfc1071, PiecesOfOddLengthsSumAsOne) {
  const std::vector<uint8_t> bytes = Pattern(211);
  for (size_t a = 0; a <= 70; ++a) {
    for (size_t b : {size_t{0}, size_t{1}, size_t{2}, size_t{33}, size_t{64}}) {
      Checksum sum;
      const std::span<const uint8_t> all(bytes);
      sum.Add(all.first(a));
      sum.Add(all.subspan(a, b));
      sum.Add(all.subspan(a + b));
      EXPECT_EQ(sum.Finish(), Reference(bytes)) << a << " " << b;
    }
  }
}

TEST(Rfc768, PseudoHeaderOfBothFamilies) {
  for (const auto& [source, destination] :
       {std::pair{"192.0.2.1", "198.51.100.2"}, std::pair{"2001:db8::1", "2001:db8::2"}}) {
    const IpAddress from = *IpAddress::Parse(source), to = *IpAddress::Parse(destination);
    std::vector<uint8_t> segment = Pattern(37);
    segment[6] = segment[7] = 0;
    Checksum sum;
    sum.AddPseudoHeader(from, to, 17, 37);
    sum.Add(segment);
    StoreBe16(segment.data() + 6, sum.Finish());
    EXPECT_TRUE(TransportChecksumValid(from, to, 17, segment));
    segment[20] ^= 1;
    EXPECT_FALSE(TransportChecksumValid(from, to, 17, segment));
  }
}

TEST(Checksum, OffloadSumIsTheComplementOfTheRest) {
  // What an offloading link does: sum everything, the field holding the pseudo-header sum,
  // complement.
  const IpAddress from = IpAddress::V4(10, 0, 0, 1), to = IpAddress::V4(10, 0, 0, 2);
  std::vector<uint8_t> segment = Pattern(64);
  Checksum pseudo;
  pseudo.AddPseudoHeader(from, to, 6, 64);
  StoreBe16(segment.data() + 16, pseudo.Sum());
  StoreBe16(segment.data() + 16, ChecksumOf(segment));
  EXPECT_TRUE(TransportChecksumValid(from, to, 6, segment));
}

}  // namespace
}  // namespace moat::netstack
