#include "sentry/socket/raw_echo.h"

#include <array>

#include "gtest/gtest.h"

namespace moat::sentry {
namespace {

using netstack::Family;
using netstack::IpAddress;

TEST(RawEcho, Identifier) {
  const std::array<uint8_t, 8> request = {8, 0, 0, 0, 0x12, 0x34, 0, 1};
  EXPECT_EQ(EchoIdentifier(request, Family::kIpv4), 0x1234);
  EXPECT_EQ(EchoIdentifier(request, Family::kIpv6), std::nullopt);
  const std::array<uint8_t, 8> request6 = {128, 0, 0, 0, 0x12, 0x34, 0, 1};
  EXPECT_EQ(EchoIdentifier(request6, Family::kIpv6), 0x1234);
}

TEST(RawEcho, NothingElseIsAnEchoRequest) {
  EXPECT_EQ(EchoIdentifier({}, Family::kIpv4), std::nullopt);
  EXPECT_EQ(EchoIdentifier(std::array<uint8_t, 7>{8}, Family::kIpv4), std::nullopt);
  EXPECT_EQ(EchoIdentifier(std::array<uint8_t, 8>{8, 1}, Family::kIpv4), std::nullopt);
  EXPECT_EQ(EchoIdentifier(std::array<uint8_t, 8>{0}, Family::kIpv4), std::nullopt);
}

TEST(RawEcho, Ipv4ReaderSeesTheHeader) {
  netstack::Datagram datagram;
  const std::array<uint8_t, 8> reply = {0, 0, 1, 2, 3, 4, 5, 6};
  datagram.payload = netstack::Slice::Copy(reply);
  datagram.source.address = IpAddress::V4(192, 0, 2, 1);
  datagram.destination = IpAddress::V4(192, 0, 2, 2);
  datagram.hop_limit = 61;
  const netstack::Slice message = RawMessage(datagram);
  ASSERT_EQ(message.size(), 28u);
  EXPECT_EQ(message.data()[0], 0x45);
  EXPECT_EQ(message.data()[3], 28);
  EXPECT_EQ(message.data()[8], 61);
  EXPECT_EQ(message.data()[15], 1);
  EXPECT_EQ(message.data()[19], 2);
  EXPECT_TRUE(std::equal(reply.begin(), reply.end(), message.data() + 20));
  uint32_t sum = 0;
  for (size_t i = 0; i < 20; i += 2) sum += message.data()[i] << 8 | message.data()[i + 1];
  EXPECT_EQ((sum & 0xffff) + (sum >> 16), 0xffffu);
}

TEST(RawEcho, Ipv6ReaderDoesNot) {
  netstack::Datagram datagram;
  datagram.payload = netstack::Slice::Copy(std::array<uint8_t, 8>{129});
  datagram.source.address = *IpAddress::Parse("2001:db8::1");
  EXPECT_EQ(RawMessage(datagram).size(), 8u);
}

}  // namespace
}  // namespace moat::sentry
