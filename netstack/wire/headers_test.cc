#include <gtest/gtest.h>

#include <vector>

#include "netstack/wire/arp.h"
#include "netstack/wire/icmpv4.h"
#include "netstack/wire/icmpv6.h"
#include "netstack/wire/ipv4.h"
#include "netstack/wire/ipv4_options.h"
#include "netstack/wire/ipv6.h"
#include "netstack/wire/ipv6_extension.h"
#include "netstack/wire/ndp.h"

namespace moat::netstack {
namespace {

const IpAddress kA = IpAddress::V4(192, 0, 2, 1);
const IpAddress kB = IpAddress::V4(192, 0, 2, 2);
const IpAddress kA6 = *IpAddress::Parse("2001:db8::1");
const IpAddress kB6 = *IpAddress::Parse("2001:db8::2");

TEST(Rfc826, MessageRoundTrip) {
  uint8_t bytes[kArpSize];
  EmitArp({ArpOperation::kRequest, {{2, 0, 0, 0, 0, 1}}, kA, {}, kB}, bytes);
  ArpMessage message;
  ASSERT_EQ(ParseArp(bytes, &message), ArpParse::kOk);
  EXPECT_EQ(message.sender, kA);
  EXPECT_EQ(message.target, kB);
  EXPECT_EQ(message.sender_mac.bytes[5], 1);
}

TEST(Rfc826, EveryOtherHardwareOrProtocolIsToldApart) {
  uint8_t bytes[kArpSize];
  EmitArp({ArpOperation::kRequest, {}, kA, {}, kB}, bytes);
  ArpMessage message;
  EXPECT_EQ(ParseArp({bytes, kArpSize - 1}, &message), ArpParse::kTruncated);
  bytes[1] = 6;
  EXPECT_EQ(ParseArp(bytes, &message), ArpParse::kHardwareType);
  bytes[1] = 1, bytes[2] = 9;
  EXPECT_EQ(ParseArp(bytes, &message), ArpParse::kProtocolType);
  bytes[2] = 8, bytes[4] = 8;
  EXPECT_EQ(ParseArp(bytes, &message), ArpParse::kAddressLengths);
  bytes[4] = 6, bytes[7] = 3;
  EXPECT_EQ(ParseArp(bytes, &message), ArpParse::kOperation);
}

std::vector<uint8_t> V4Packet(uint16_t total, size_t bytes) {
  std::vector<uint8_t> packet(bytes);
  Ipv4Fields fields;
  fields.total_length = total;
  fields.protocol = 17;
  fields.source = kA;
  fields.destination = kB;
  EmitIpv4(fields, packet.data());
  return packet;
}

TEST(Rfc791, S3_1_HeaderFaultsAreToldApart) {
  Ipv4View view;
  std::vector<uint8_t> packet = V4Packet(28, 28);
  ASSERT_EQ(Ipv4View::Parse(packet, &view), Ipv4Parse::kOk);
  EXPECT_TRUE(view.ChecksumValid());
  EXPECT_EQ(view.payload_size(), 8u);
  EXPECT_EQ(Ipv4View::Parse(std::span(packet).first(19), &view), Ipv4Parse::kTruncated);
  EXPECT_EQ(Ipv4View::Parse(std::span(packet).first(27), &view), Ipv4Parse::kTruncated);
  packet[0] = 0x65;
  EXPECT_EQ(Ipv4View::Parse(packet, &view), Ipv4Parse::kVersion);
  packet[0] = 0x44;
  EXPECT_EQ(Ipv4View::Parse(packet, &view), Ipv4Parse::kHeaderLength);
  packet[0] = 0x4f;
  EXPECT_EQ(Ipv4View::Parse(packet, &view), Ipv4Parse::kTruncated);
  packet = V4Packet(19, 28);
  EXPECT_EQ(Ipv4View::Parse(packet, &view), Ipv4Parse::kTotalLength);
  packet = V4Packet(28, 28);
  packet[8] ^= 1;
  ASSERT_EQ(Ipv4View::Parse(packet, &view), Ipv4Parse::kOk);
  EXPECT_FALSE(view.ChecksumValid());
}

Ipv4OptionScan Scan(std::vector<uint8_t> options) {
  while (options.size() % 4 != 0) options.push_back(0);
  std::vector<uint8_t> packet = V4Packet(static_cast<uint16_t>(20 + options.size()), 20);
  packet[0] = static_cast<uint8_t>(0x45 + options.size() / 4);
  packet.insert(packet.end(), options.begin(), options.end());
  Ipv4View view;
  EXPECT_EQ(Ipv4View::Parse(packet, &view), Ipv4Parse::kOk);
  return ScanIpv4Options(view);
}

TEST(Rfc791, S3_1_OptionLengthsAreChecked) {
  EXPECT_TRUE(Scan({1, 1, 0, 9}).well_formed);  // nothing counts after end-of-options
  EXPECT_TRUE(Scan({7, 3, 4, 0}).well_formed);
  const Ipv4OptionScan zero = Scan({1, 7, 0, 0});
  EXPECT_FALSE(zero.well_formed);
  EXPECT_EQ(zero.error_offset, 22);
  EXPECT_FALSE(Scan({7, 9, 4, 0}).well_formed);
  EXPECT_TRUE(Scan({131, 7, 4, 1, 2, 3, 4}).source_route);
  EXPECT_FALSE(Scan({131, 7, 8, 1, 2, 3, 4}).source_route);
}

// What fits only in part is an error at its pointer, and so is a full overflow count.
TEST(Rfc791, S3_1_PointersOfRecordingOptionsAreChecked) {
  struct {
    std::vector<uint8_t> options;
    int fault;  // 0: none
  } const cases[] = {
      {{7, 7, 4, 0, 0, 0, 0, 0}, 0},       {{7, 7, 8, 0, 0, 0, 0, 0}, 0},
      {{7, 2, 0, 0}, 21},                  {{7, 7, 3, 0, 0, 0, 0, 0}, 22},
      {{7, 7, 5, 0, 0, 0, 0, 0}, 22},      {{1, 7, 7, 0, 0, 0, 0, 0}, 23},
      {{68, 8, 5, 0, 0, 0, 0, 0}, 0},      {{68, 8, 9, 0xe0, 0, 0, 0, 0}, 0},
      {{68, 8, 9, 0xf0, 0, 0, 0, 0}, 23},  {{68, 8, 9, 0xf3, 0, 0, 0, 0}, 0},
      {{68, 8, 4, 0, 0, 0, 0, 0}, 22},     {{68, 8, 6, 0, 0, 0, 0, 0}, 22},
      {{68, 8, 5, 1, 0, 0, 0, 0}, 22},     {{68, 3, 5, 0}, 21},
  };
  for (const auto& row : cases) {
    const Ipv4OptionScan scan = Scan(row.options);
    EXPECT_EQ(scan.well_formed, row.fault == 0) << testing::PrintToString(row.options);
    EXPECT_EQ(scan.error_offset, row.fault) << testing::PrintToString(row.options);
  }
}

TEST(Rfc791, S3_1_OptionsThatAreCopied) {
  const std::vector<uint8_t> options = {1, 7, 7, 4, 0, 0, 0, 0, 148, 4, 0, 0, 68, 4, 5, 0};
  uint8_t out[kIpv4MaxOptions];
  EXPECT_EQ(LaterFragmentIpv4Options(options, out), 4u);
  EXPECT_EQ(out[0], ipv4_option::kRouterAlert);
  EXPECT_EQ(ReflectedIpv4Options(options, out), 12u);
  EXPECT_EQ(std::vector<uint8_t>(out, out + 12),
            (std::vector<uint8_t>{7, 7, 4, 0, 0, 0, 0, 68, 4, 5, 0, 0}));
}

std::vector<uint8_t> V6Packet(uint8_t next_header, const std::vector<uint8_t>& payload) {
  std::vector<uint8_t> packet(kIpv6HeaderSize);
  Ipv6Fields fields;
  fields.traffic_class = 0xb9;
  fields.flow_label = 0xabcde;
  fields.payload_length = static_cast<uint16_t>(payload.size());
  fields.next_header = next_header;
  fields.source = kA6;
  fields.destination = kB6;
  EmitIpv6(fields, packet.data());
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

using Outcome = Ipv6Chain::Outcome;

TEST(Rfc8200, S3_HeaderRoundTrip) {
  const std::vector<uint8_t> packet = V6Packet(17, std::vector<uint8_t>(8));
  Ipv6View view;
  ASSERT_EQ(Ipv6View::Parse(packet, &view), Ipv6Parse::kOk);
  EXPECT_EQ(view.traffic_class(), 0xb9);
  EXPECT_EQ(view.flow_label(), 0xabcdeu);
  EXPECT_EQ(view.source(), kA6);
  EXPECT_EQ(view.destination(), kB6);
  EXPECT_EQ(Ipv6View::Parse(std::span(packet).first(47), &view), Ipv6Parse::kTruncated);
}

TEST(Rfc8200, S4_WalksToTheUpperLayer) {
  std::vector<uint8_t> payload = {60, 0, 1, 4, 0, 0, 0, 0,   // hop-by-hop with PadN
                                  17, 0, 0, 0, 0, 0, 0, 0};  // destination options with Pad1
  payload.resize(24);
  const Ipv6Chain chain = WalkIpv6Chain(V6Packet(0, payload));
  EXPECT_EQ(chain.outcome, Outcome::kUpperLayer);
  EXPECT_EQ(chain.protocol, 17);
  EXPECT_EQ(chain.offset, 56u);
  EXPECT_EQ(chain.next_header_offset, 48u);
}

TEST(Rfc8200, S4_1_HopByHopOnlyFirst) {
  std::vector<uint8_t> payload = {0, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0};
  const Ipv6Chain chain = WalkIpv6Chain(V6Packet(60, payload));
  EXPECT_EQ(chain.outcome, Outcome::kParameterProblem);
  EXPECT_EQ(chain.problem_code, icmpv6_code::kUnrecognizedNextHeader);
  EXPECT_EQ(chain.problem_pointer, 40u);
}

TEST(Rfc8200, S4_2_UnknownOptionActions) {
  auto walk = [](uint8_t type) {
    return WalkIpv6Chain(V6Packet(60, {17, 0, type, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  };
  EXPECT_EQ(walk(0x1e).outcome, Outcome::kUpperLayer);
  EXPECT_EQ(walk(0x5e).outcome, Outcome::kDiscard);
  EXPECT_EQ(walk(0x9e).outcome, Outcome::kParameterProblem);
  EXPECT_TRUE(walk(0x9e).problem_even_if_multicast);
  EXPECT_EQ(walk(0xde).problem_code, icmpv6_code::kUnrecognizedOption);
  EXPECT_EQ(walk(0xde).problem_pointer, 42u);
  EXPECT_FALSE(walk(0xde).problem_even_if_multicast);
}

TEST(Rfc5095, S3_RoutingType0WithSegmentsLeftIsAnError) {
  std::vector<uint8_t> routing = {17, 0, 0, 1, 0, 0, 0, 0};
  const Ipv6Chain chain = WalkIpv6Chain(V6Packet(43, routing));
  EXPECT_EQ(chain.outcome, Outcome::kParameterProblem);
  EXPECT_EQ(chain.problem_pointer, 42u);
  routing[3] = 0;
  EXPECT_EQ(WalkIpv6Chain(V6Packet(43, routing)).outcome, Outcome::kUpperLayer);
}

TEST(Rfc8200, S4_ChainsAreBounded) {
  std::vector<uint8_t> payload;
  for (int i = 0; i < 40; ++i) payload.insert(payload.end(), {60, 0, 1, 4, 0, 0, 0, 0});
  EXPECT_EQ(WalkIpv6Chain(V6Packet(60, payload)).outcome, Outcome::kDiscard);
  EXPECT_EQ(WalkIpv6Chain(V6Packet(60, {17, 5, 0, 0, 0, 0, 0, 0})).outcome, Outcome::kTruncated);
  EXPECT_EQ(WalkIpv6Chain(V6Packet(44, {17, 0, 0})).outcome, Outcome::kTruncated);
  EXPECT_EQ(WalkIpv6Chain(V6Packet(59, {})).outcome, Outcome::kNoNextHeader);
  EXPECT_EQ(WalkIpv6Chain(V6Packet(60, {17, 0, 5, 9, 0, 0, 0, 0})).outcome,
            Outcome::kParameterProblem);
}

TEST(Rfc4861, S4_3_SolicitationRoundTrip) {
  uint8_t bytes[kMaxNdpEmit];
  const MacAddress mac{{2, 0, 0, 0, 0, 9}};
  const size_t size = EmitNeighborSolicitation(kA6, mac, std::nullopt, bytes);
  const auto message = ParseNeighborSolicitation({bytes, size});
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->target, kA6);
  EXPECT_EQ(message->options.source_link_address, mac);
  EXPECT_FALSE(ParseNeighborSolicitation({bytes, 23}).has_value());
}

TEST(Rfc4861, S4_6_OptionOfLengthZeroVoidsTheMessage) {
  uint8_t bytes[kMaxNdpEmit];
  const size_t size =
      EmitNeighborAdvertisement(kA6, true, true, false, MacAddress{{2, 0, 0, 0, 0, 9}}, bytes);
  const auto message = ParseNeighborAdvertisement({bytes, size});
  ASSERT_TRUE(message.has_value());
  EXPECT_TRUE(message->router && message->solicited && !message->override_);
  bytes[25] = 0;
  EXPECT_FALSE(ParseNeighborAdvertisement({bytes, size}).has_value());
  bytes[25] = 2;
  EXPECT_FALSE(ParseNeighborAdvertisement({bytes, size}).has_value());
}

TEST(Rfc4291, DerivedAddresses) {
  EXPECT_EQ(SolicitedNodeGroup(*IpAddress::Parse("2001:db8::12:3456")).ToString(),
            "ff02::1:ff12:3456");
  EXPECT_EQ(LinkLocalFromMac({{0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde}}).ToString(),
            "fe80::3656:78ff:fe9a:bcde");
}

}  // namespace
}  // namespace moat::netstack
