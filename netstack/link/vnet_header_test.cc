#include "netstack/link/vnet_header.h"

#include <vector>

#include "gtest/gtest.h"

namespace moat::netstack {
namespace {

std::vector<uint8_t> Encode(const TxOffload& offload, size_t payload_size) {
  const std::vector<uint8_t> headers(54), payload(payload_size);
  const std::span<const uint8_t> piece = payload;
  const auto header =
      EncodeVnetHeader({.headers = headers, .payload = {&piece, 1}, .offload = offload});
  return {header.begin(), header.end()};
}

std::span<const uint8_t, kVnetHeaderSize> Fixed(const std::vector<uint8_t>& bytes) {
  return std::span<const uint8_t, kVnetHeaderSize>(bytes.data(), kVnetHeaderSize);
}

TEST(VnetHeaderTest, PlainFrameIsAllZero) {
  EXPECT_EQ(Encode({}, 100), std::vector<uint8_t>(10, 0));
}

TEST(VnetHeaderTest, ChecksumOffload) {
  EXPECT_EQ(Encode({.needs_checksum = true, .checksum_start = 34, .checksum_offset = 16}, 100),
            (std::vector<uint8_t>{1, 0, 0, 0, 0, 0, 34, 0, 16, 0}));
}

TEST(VnetHeaderTest, SegmentationOnlyWhereItIsNeeded) {
  const TxOffload offload{.needs_checksum = true,
                          .checksum_start = 34,
                          .checksum_offset = 16,
                          .gso = GsoType::kTcpV4,
                          .gso_size = 1448};
  EXPECT_EQ(Encode(offload, 1449), (std::vector<uint8_t>{1, 1, 54, 0, 0xa8, 5, 34, 0, 16, 0}));
  EXPECT_EQ(Encode(offload, 1448), (std::vector<uint8_t>{1, 0, 0, 0, 0, 0, 34, 0, 16, 0}));
}

TEST(VnetHeaderTest, DecodesEveryKind) {
  struct Case {
    std::vector<uint8_t> header;
    RxChecksum checksum;
    GsoType gso;
    uint16_t gso_size;
  };
  for (const Case& c :
       {Case{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, RxChecksum::kUnverified, GsoType::kNone, 0},
        Case{{1, 0, 0, 0, 0, 0, 34, 0, 16, 0}, RxChecksum::kVerified, GsoType::kNone, 0},
        Case{{2, 0, 0, 0, 0, 0, 0, 0, 0, 0}, RxChecksum::kVerified, GsoType::kNone, 0},
        Case{{1, 0x81, 54, 0, 0xa8, 5, 34, 0, 16, 0}, RxChecksum::kVerified, GsoType::kTcpV4, 1448},
        Case{{1, 4, 74, 0, 0x94, 5, 54, 0, 16, 0}, RxChecksum::kVerified, GsoType::kTcpV6, 1428},
        Case{{1, 5, 42, 0, 100, 0, 34, 0, 6, 0}, RxChecksum::kVerified, GsoType::kUdp, 100}}) {
    RxFrame frame;
    EXPECT_TRUE(DecodeVnetHeader(Fixed(c.header), frame));
    EXPECT_EQ(frame.checksum, c.checksum);
    EXPECT_EQ(frame.gso, c.gso);
    EXPECT_EQ(frame.gso_size, c.gso_size);
  }
}

TEST(VnetHeaderTest, NonsenseIsRefused) {
  RxFrame frame;
  EXPECT_FALSE(DecodeVnetHeader(Fixed({1, 3, 0, 0, 100, 0, 0, 0, 0, 0}), frame)) << "UFO";
  EXPECT_FALSE(DecodeVnetHeader(Fixed({1, 1, 54, 0, 0, 0, 34, 0, 16, 0}), frame)) << "size 0";
  EXPECT_FALSE(DecodeVnetHeader(Fixed({0, 0x7f, 0, 0, 1, 0, 0, 0, 0, 0}), frame));
}

}  // namespace
}  // namespace moat::netstack
