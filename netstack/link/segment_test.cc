#include "netstack/link/segment.h"

#include <array>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"
#include "netstack/wire/bytes.h"
#include "netstack/wire/checksum.h"

namespace moat::netstack {
namespace {

constexpr size_t kLink = 14;

struct Built {
  std::vector<uint8_t> headers;
  TxOffload offload;
};

// Ethernet, IP and TCP or UDP headers as the stack leaves them: pseudo-header sum in the checksum
// field.
Built Headers(bool v6, bool udp, size_t payload, uint16_t gso_size) {
  const size_t ip_size = v6 ? 40 : 20;
  const size_t transport_size = udp ? 8 : 20;
  Built built;
  built.headers.resize(kLink + ip_size + transport_size);
  uint8_t* ip = built.headers.data() + kLink;
  const uint8_t protocol = udp ? 17 : 6;
  const size_t length = transport_size + payload;
  if (v6) {
    ip[0] = 0x60;
    StoreBe16(ip + 4, static_cast<uint16_t>(length));
    ip[6] = protocol;
    ip[8 + 15] = 1;
    ip[24 + 15] = 2;
  } else {
    ip[0] = 0x45;
    StoreBe16(ip + 2, static_cast<uint16_t>(ip_size + length));
    StoreBe16(ip + 4, 0xffff);
    ip[9] = protocol;
    ip[12] = 10;
    ip[16] = 11;
  }
  uint8_t* transport = ip + ip_size;
  if (udp) {
    StoreBe16(transport + 4, static_cast<uint16_t>(length));
  } else {
    StoreBe32(transport + 4, 0xfffffff0);
    transport[12] = 0x50;
    transport[13] = 0x80 | 0x10 | 0x08 | 0x01;  // CWR ACK PSH FIN
  }
  Checksum pseudo;
  pseudo.AddPseudoHeader(v6 ? IpAddress::V6(ip + 8) : IpAddress::V4(ip + 12),
                         v6 ? IpAddress::V6(ip + 24) : IpAddress::V4(ip + 16), protocol,
                         static_cast<uint32_t>(length));
  built.offload = {.needs_checksum = true,
                   .checksum_start = static_cast<uint16_t>(kLink + ip_size),
                   .checksum_offset = static_cast<uint16_t>(udp ? 6 : 16),
                   .gso = gso_size == 0 ? GsoType::kNone
                          : udp         ? GsoType::kUdp
                          : v6          ? GsoType::kTcpV6
                                        : GsoType::kTcpV4,
                   .gso_size = gso_size};
  StoreBe16(transport + built.offload.checksum_offset, pseudo.Sum());
  return built;
}

std::vector<std::vector<uint8_t>> Emit(const Built& built, std::span<const uint8_t> payload) {
  // Two pieces, the first of odd length.
  const std::array<std::span<const uint8_t>, 2> pieces = {payload.first(7), payload.subspan(7)};
  const TxFrame frame{.headers = built.headers, .payload = pieces, .offload = built.offload};
  std::vector<std::vector<uint8_t>> frames;
  EmitWireFrames(frame, kLink,
                 [&](std::span<const uint8_t> b) { frames.emplace_back(b.begin(), b.end()); });
  return frames;
}

std::vector<uint8_t> Pattern(size_t size) {
  std::vector<uint8_t> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 31 + i / 256);
  return bytes;
}

class SegmentTest : public testing::TestWithParam<std::tuple<bool, bool>> {
 protected:
  bool v6() const { return std::get<0>(GetParam()); }
  bool udp() const { return std::get<1>(GetParam()); }
  size_t header_size() const { return kLink + (v6() ? 40 : 20) + (udp() ? 8 : 20); }

  void ExpectIntact(const std::vector<uint8_t>& frame) const {
    const std::span<const uint8_t> ip = std::span(frame).subspan(kLink);
    if (!v6()) {
      EXPECT_EQ(LoadBe16(ip.data() + 2), ip.size());
      EXPECT_EQ(ChecksumOf(ip.first(20)), 0);
    } else {
      EXPECT_EQ(LoadBe16(ip.data() + 4), ip.size() - 40);
    }
    const IpAddress source = v6() ? IpAddress::V6(&ip[8]) : IpAddress::V4(&ip[12]);
    const IpAddress destination = v6() ? IpAddress::V6(&ip[24]) : IpAddress::V4(&ip[16]);
    EXPECT_TRUE(TransportChecksumValid(source, destination, udp() ? 17 : 6,
                                       ip.subspan(v6() ? 40 : 20)));
  }
};

TEST_P(SegmentTest, SplitsAndRepairsEveryHeader) {
  const std::vector<uint8_t> payload = Pattern(2500);
  const auto frames = Emit(Headers(v6(), udp(), payload.size(), 1000), payload);
  ASSERT_EQ(frames.size(), 3u);
  std::vector<uint8_t> joined;
  for (size_t i = 0; i < frames.size(); ++i) {
    const std::vector<uint8_t>& frame = frames[i];
    ExpectIntact(frame);
    const uint8_t* transport = frame.data() + header_size() - (udp() ? 8 : 20);
    if (udp()) {
      EXPECT_EQ(LoadBe16(transport + 4), frame.size() - header_size() + 8);
    } else {
      EXPECT_EQ(LoadBe32(transport + 4), static_cast<uint32_t>(0xfffffff0u + i * 1000));
      EXPECT_EQ(transport[13], i == 0 ? 0x90 : i == 1 ? 0x10 : 0x19);
    }
    if (!v6()) {
      EXPECT_EQ(LoadBe16(&frame[kLink + 4]), static_cast<uint16_t>(0xffff + i));
    }
    joined.insert(joined.end(), frame.begin() + static_cast<ptrdiff_t>(header_size()), frame.end());
  }
  EXPECT_EQ(joined, payload);
}

TEST_P(SegmentTest, CompletesAChecksumWithoutSegmenting) {
  const std::vector<uint8_t> payload = Pattern(99);
  Built built = Headers(v6(), udp(), payload.size(), 0);
  if (!v6()) {
    uint8_t* ip = built.headers.data() + kLink;
    StoreBe16(ip + 10, ChecksumOf({ip, 20}));
  }
  const auto frames = Emit(built, payload);
  ASSERT_EQ(frames.size(), 1u);
  ExpectIntact(frames[0]);
}

TEST_P(SegmentTest, InconsistentOffloadIsNotSegmented) {
  const std::vector<uint8_t> payload = Pattern(2500);
  Built built = Headers(v6(), udp(), payload.size(), 1000);
  built.offload.checksum_start = static_cast<uint16_t>(built.headers.size() - 2);
  EXPECT_EQ(Emit(built, payload).size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Families, SegmentTest,
                         testing::Combine(testing::Bool(), testing::Bool()));

}  // namespace
}  // namespace moat::netstack
