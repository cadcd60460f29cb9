// What AccECN counts (RFC 9768), without a connection.
#include "netstack/transport/tcp/accecn.h"

#include <gtest/gtest.h>

namespace moat::netstack::tcp {
namespace {

using ip_ecn::kCe;
using ip_ecn::kEct0;
using ip_ecn::kEct1;

constexpr uint32_t kMss = 1460;
constexpr AccEcnSender::Delivered Full(uint32_t packets) { return {packets * kMss, packets}; }

struct Fields {
  std::array<uint8_t, 9> bytes{};
  TcpOptionSet set;
  explicit Fields(uint32_t e0, uint32_t ce) {
    const uint32_t values[] = {e0, ce};
    for (size_t i = 0; i < 2; ++i) {
      for (size_t k = 0; k < 3; ++k)
        bytes[3 * i + k] = static_cast<uint8_t>(values[i] >> (16 - 8 * k));
    }
    set.accecn_kind = tcp_option::kAccEcn0;
    set.accecn_fields = 2;
    set.accecn = bytes.data();
  }
};

TEST(AccEcnSenderTest, A_2_1_WithoutOptionsTheSafestLikelyCaseIsTaken) {
  const TcpOptionSet none;
  AccEcnSender nine, ten;
  nine.TestOption(none);
  ten.TestOption(none);
  EXPECT_EQ(nine.OnAck(7, none, Full(9), kMss), 2u);
  EXPECT_EQ(ten.OnAck(7, none, Full(10), kMss), 10u);
}

TEST(AccEcnSenderTest, A_2_1_LargeAcksAloneAreNoMarks) {
  const TcpOptionSet none;
  AccEcnSender sender;
  sender.TestOption(none);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(sender.OnAck(5, none, Full(40), kMss), 0u);
  // When they are the rule, a mark is what ACE says it is.
  EXPECT_EQ(sender.OnAck(6, none, Full(40), kMss), 1u);
}

TEST(AccEcnSenderTest, A_2_1_AmongMarksAMissingCycleIsOne) {
  const TcpOptionSet none;
  AccEcnSender sender;
  sender.TestOption(none);
  EXPECT_EQ(sender.OnAck(7, none, Full(2), kMss), 2u);
  EXPECT_EQ(sender.OnAck(7, none, Full(8), kMss), 8u);
}

TEST(AccEcnSenderTest, A_2_2_OctetsDecide) {
  const struct {
    uint8_t ace;
    uint32_t octets, packets, expected;
  } kCases[] = {
      {5, 1460, 8, 8},     // no packet can have so many octets
      {7, 1460, 10, 2},    // ten would be too small
      {4, 10200, 15, 7},   // so would fifteen
      {7, 14600, 10, 10},  // all of them
      {5, 0, 40, 0},
  };
  for (const auto& c : kCases) {
    AccEcnSender sender;
    const Fields fields(1, c.octets);
    sender.TestOption(Fields(1, 0).set);
    EXPECT_EQ(sender.OnAck(c.ace, fields.set, Full(c.packets), kMss), c.expected) << c.octets;
    EXPECT_FALSE(sender.mangled());
  }
}

// Eight marks of small packets leave ACE as it was; that is no contradiction.
TEST(AccEcnSenderTest, S3_2_3_2_5_SmallPacketsMakeAceCycleToo) {
  AccEcnSender sender;
  sender.TestOption(Fields(1, 0).set);
  EXPECT_EQ(sender.OnAck(5, Fields(1, 800).set, {800, 8}, kMss), 8u);
  EXPECT_FALSE(sender.mangled());
  EXPECT_EQ(sender.OnAck(6, Fields(1, 900).set, {900, 9}, kMss), 1u);
  EXPECT_EQ(sender.OnAck(6, Fields(1, 1000).set, {700, 7}, kMss), 0u);
  EXPECT_TRUE(sender.mangled());
}

TEST(AccEcnSenderTest, S3_2_3_1_CountersWrapAt24Bits) {
  AccEcnSender sender;
  sender.TestOption(Fields(1, 0).set);
  for (uint32_t i = 1; i <= 40; ++i) {
    (void)sender.OnAck(static_cast<uint8_t>((5 + i) & 7), Fields(1, i << 20).set, Full(1), kMss);
  }
  EXPECT_EQ(sender.octets(EcnOctets::kCe), 40u << 20);
  EXPECT_EQ(sender.marked(), 40u);
}

TEST(AccEcnSenderTest, S3_2_3_2_4_AnOptionThatBeginsWithZeroIsIgnored) {
  AccEcnSender sender;
  sender.TestOption(Fields(0, 0).set);
  EXPECT_EQ(sender.OnAck(7, Fields(1, 1460).set, Full(10), kMss), 10u);
  EXPECT_EQ(sender.octets(EcnOctets::kCe), 0u);
}

TEST(AccEcnSenderTest, S3_2_3_2_3_AnOptionThatComesLaterIsBelieved) {
  AccEcnSender sender;
  sender.TestOption(TcpOptionSet());
  EXPECT_EQ(sender.OnAck(7, Fields(1, 1460).set, Full(10), kMss), 2u);
  EXPECT_EQ(sender.octets(EcnOctets::kCe), 1460u);
}

TEST(AccEcnSenderTest, S3_2_3_2_5_MarksToldBeforeTheirOctetsAreNoContradiction) {
  AccEcnSender sender;
  sender.TestOption(Fields(1, 0).set);
  EXPECT_EQ(sender.OnAck(6, TcpOptionSet(), Full(1), kMss), 1u);
  EXPECT_EQ(sender.OnAck(6, Fields(1, 1460).set, Full(1), kMss), 0u);
  EXPECT_FALSE(sender.mangled());
  EXPECT_EQ(sender.OnAck(6, Fields(1, 2920).set, Full(1), kMss), 0u);
  EXPECT_TRUE(sender.mangled());
}

TEST(AccEcnReceiverTest, S3_2_3_3_SparinglyMeansEvery4MiBAtLeast) {
  AccEcnReceiver receiver;
  TcpOptionSet set;
  const auto sent = [&] {
    return receiver.PutOption(AccEcnReceiver::Options::kSparingly, false, 40, set);
  };
  (void)receiver.OnPacket(kEct0, 1, 1, true);
  EXPECT_TRUE(sent());
  EXPECT_TRUE(sent());
  EXPECT_FALSE(sent());
  (void)receiver.OnPacket(kEct0, 1, (1 << 22) - 1, true);
  EXPECT_FALSE(sent());
  (void)receiver.OnPacket(kEct0, 1, 1, true);
  EXPECT_TRUE(sent());
}

TEST(AccEcnReceiverTest, S3_2_3_3_WhatDoesNotFitIsLeftOutFromTheEndButNotWhatChanged) {
  const auto fields = [](size_t room, bool twice) -> int {
    AccEcnReceiver receiver;
    TcpOptionSet set;
    (void)receiver.OnPacket(kEct1, 1, 10, true);
    (void)receiver.OnPacket(kEct0, 1, 10, true);
    if (twice) {
      (void)receiver.PutOption(AccEcnReceiver::Options::kAlways, false, 40, set);
      (void)receiver.OnPacket(kEct0, 1, 10, true);
    }
    return receiver.PutOption(AccEcnReceiver::Options::kAlways, false, room, set)
               ? set.accecn_fields
               : -1;
  };
  EXPECT_EQ(fields(12, false), 3);
  EXPECT_EQ(fields(11, false), -1);
  EXPECT_EQ(fields(12, true), 3);
  EXPECT_EQ(fields(11, true), 2);
  EXPECT_EQ(fields(7, true), -1);
}

}  // namespace
}  // namespace moat::netstack::tcp
