#include "netstack/wire/tcp.h"

#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "netstack/wire/tcp_options.h"

namespace moat::netstack {
namespace {

TEST(TcpView, ReadsWhatEmitWrote) {
  std::array<uint8_t, 24> bytes{};
  EmitTcp({.source_port = 1234,
           .destination_port = 80,
           .seq = SeqNum(0x01020304),
           .ack = SeqNum(0xfffefdfc),
           .flags = tcp_flag::kSyn | tcp_flag::kAck,
           .window = 0xabcd,
           .urgent_pointer = 7,
           .options_size = 4},
          bytes.data());
  TcpView view;
  ASSERT_TRUE(TcpView::Parse(bytes, &view));
  EXPECT_EQ(view.source_port(), 1234);
  EXPECT_EQ(view.destination_port(), 80);
  EXPECT_EQ(view.seq(), SeqNum(0x01020304));
  EXPECT_EQ(view.ack(), SeqNum(0xfffefdfc));
  EXPECT_EQ(view.flags(), tcp_flag::kSyn | tcp_flag::kAck);
  EXPECT_EQ(view.window(), 0xabcd);
  EXPECT_EQ(view.urgent_pointer(), 7);
  EXPECT_EQ(view.header_size(), 24u);
  EXPECT_EQ(view.options().size(), 4u);
}

TEST(TcpView, RefusesBadLengths) {
  std::array<uint8_t, 20> bytes{};
  TcpView view;
  bytes[12] = 4 << 4;  // below the fixed header
  EXPECT_FALSE(TcpView::Parse(bytes, &view));
  bytes[12] = 6 << 4;  // beyond the bytes
  EXPECT_FALSE(TcpView::Parse(bytes, &view));
  bytes[12] = 5 << 4;
  EXPECT_TRUE(TcpView::Parse(bytes, &view));
  EXPECT_FALSE(TcpView::Parse(std::span<const uint8_t>(bytes).first(19), &view));
}

TcpOptionSet Parse(const std::vector<uint8_t>& bytes) { return ParseTcpOptions(bytes); }

TEST(TcpOptions, SynOptionsRoundTrip) {
  TcpOptionSet in;
  in.has_mss = in.has_window_scale = in.has_timestamps = in.sack_permitted = true;
  in.mss = 1460;
  in.window_scale = 7;
  in.ts_value = 0x11223344;
  in.ts_echo = 0x55667788;
  std::array<uint8_t, kTcpMaxOptionsSize> bytes;
  const size_t size = EmitTcpOptions(in, bytes.data());
  EXPECT_EQ(size, 24u);
  const TcpOptionSet out = ParseTcpOptions(std::span(bytes).first(size));
  EXPECT_TRUE(out.has_mss && out.has_window_scale && out.has_timestamps && out.sack_permitted);
  EXPECT_EQ(out.mss, 1460);
  EXPECT_EQ(out.window_scale, 7);
  EXPECT_EQ(out.ts_value, 0x11223344u);
  EXPECT_EQ(out.ts_echo, 0x55667788u);
}

TEST(TcpOptions, ThreeSackBlocksFitBesideTimestamps) {
  TcpOptionSet in;
  in.has_timestamps = true;
  in.sack_count = 4;
  for (uint32_t i = 0; i < 4; ++i) in.sack[i] = {SeqNum(i * 100), SeqNum(i * 100 + 50)};
  std::array<uint8_t, kTcpMaxOptionsSize> bytes;
  const size_t size = EmitTcpOptions(in, bytes.data());
  EXPECT_EQ(size, 40u);
  const TcpOptionSet out = ParseTcpOptions(std::span(bytes).first(size));
  ASSERT_EQ(out.sack_count, 3);
  EXPECT_EQ(out.sack[2], in.sack[2]);
  in.has_timestamps = false;
  const size_t without = EmitTcpOptions(in, bytes.data());
  EXPECT_EQ(ParseTcpOptions(std::span(bytes).first(without)).sack_count, 4);
}

TEST(TcpOptions, UnknownOptionIsSkipped) {
  const TcpOptionSet set = Parse({254, 4, 9, 9, 2, 4, 5, 180});
  EXPECT_TRUE(set.has_mss);
  EXPECT_EQ(set.mss, 1460);
}

TEST(TcpOptions, EndStopsTheParse) { EXPECT_FALSE(Parse({0, 2, 4, 5, 180}).has_mss); }

TEST(TcpOptions, MalformedLengthEndsTheParseAndKeepsWhatCameBefore) {
  EXPECT_TRUE(Parse({2, 4, 5, 180, 8, 0}).has_mss);
  EXPECT_FALSE(Parse({8, 1, 2, 4, 5, 180}).has_mss);
  EXPECT_FALSE(Parse({2}).has_mss);
  EXPECT_FALSE(Parse({2, 5, 5, 180}).has_mss);
}

TEST(TcpOptions, WrongLengthOfAKnownOptionIsIgnored) {
  const TcpOptionSet set = Parse({2, 3, 5, 3, 4, 1, 1, 4, 3, 0, 8, 4, 0, 0, 5, 4, 0, 0});
  EXPECT_FALSE(set.has_mss);
  EXPECT_FALSE(set.has_window_scale);
  EXPECT_FALSE(set.sack_permitted);
  EXPECT_FALSE(set.has_timestamps);
  EXPECT_EQ(set.sack_count, 0);
}

TEST(Rfc9768, S3_2_2_AceIsAeCwrAndEce) {
  for (uint8_t ace = 0; ace < 8; ++ace) {
    std::array<uint8_t, 20> bytes{};
    TcpFields fields;
    fields.flags = tcp_flag::kAck | FlagsOfAce(ace);
    fields.ae = AeOfAce(ace);
    EmitTcp(fields, bytes.data());
    EXPECT_EQ(bytes[12], 0x50 | ace >> 2);
    TcpView view;
    ASSERT_TRUE(TcpView::Parse(bytes, &view));
    EXPECT_EQ(AceOf(view.ae(), view.flags()), ace);
  }
}

TEST(Rfc9768, S3_2_3_OptionsHaveUpToThreeFieldsWhateverTheirLength) {
  constexpr uint8_t kFields[] = {0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3};
  for (const uint8_t kind : {172, 174}) {
    for (uint8_t length = 2; length < 15; ++length) {
      std::vector<uint8_t> bytes = {1, kind, length};
      for (uint8_t i = 2; i < length; ++i) bytes.push_back(i);
      const TcpOptionSet set = Parse(bytes);
      EXPECT_EQ(set.accecn_kind, kind);
      EXPECT_EQ(set.accecn_fields, kFields[length]) << int{length};
      if (set.accecn_fields > 0) {
        EXPECT_EQ(set.accecn[0], 2);
      }
    }
  }
}

TEST(Rfc9768, S3_2_3_3_TheOptionStandsBeforeSackAndNeedsRoom) {
  const std::array<uint8_t, 9> octets = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  TcpOptionSet in;
  in.has_timestamps = true;
  in.accecn_kind = tcp_option::kAccEcn1;
  in.accecn_fields = 2;
  in.accecn = octets.data();
  in.sack_count = 3;
  std::array<uint8_t, kTcpMaxOptionsSize> bytes;
  size_t size = EmitTcpOptions(in, bytes.data());
  EXPECT_EQ(size, 40u);
  TcpOptionSet out = ParseTcpOptions(std::span(bytes).first(size));
  EXPECT_EQ(out.accecn_kind, tcp_option::kAccEcn1);
  ASSERT_EQ(out.accecn_fields, 2);
  EXPECT_EQ(out.accecn[5], 6);
  EXPECT_EQ(out.sack_count, 2);
  in.has_mss = in.sack_permitted = in.has_window_scale = in.has_fast_open = true;
  in.fast_open = octets.data();
  in.fast_open_size = 8;
  in.sack_count = 0;
  EXPECT_EQ(TcpFixedOptionsSize(in), 36u);
  size = EmitTcpOptions(in, bytes.data());
  EXPECT_EQ(size, 36u);
  out = ParseTcpOptions(std::span(bytes).first(size));
  EXPECT_TRUE(out.has_fast_open);
  EXPECT_EQ(out.accecn_kind, 0);
}

TEST(Rfc5482, S3_3_TheUserTimeoutOptionIsABitAndFifteen) {
  EXPECT_EQ(Parse({28, 4, 0x01, 0x2c}).user_timeout, 300);
  EXPECT_EQ(Parse({28, 4, 0x80, 0x05}).user_timeout, 0x8005);
  EXPECT_EQ(Parse({28, 4, 0xff, 0xff}).user_timeout, 0xffff);
  EXPECT_EQ(Parse({28, 4, 0, 0}).user_timeout, 0);     // zero says nothing,
  EXPECT_EQ(Parse({28, 4, 0x80, 0}).user_timeout, 0);  // nor do zero minutes
  EXPECT_EQ(Parse({28, 3, 1}).user_timeout, 0);
  EXPECT_EQ(Parse({28, 5, 1, 1, 1}).user_timeout, 0);
  TcpOptionSet in;
  in.has_timestamps = true;
  in.user_timeout = 0x8005;
  std::array<uint8_t, kTcpMaxOptionsSize> bytes;
  const size_t size = EmitTcpOptions(in, bytes.data());
  EXPECT_EQ(size, kTcpTimestampsSize + kTcpUserTimeoutSize);
  EXPECT_EQ(size, TcpFixedOptionsSize(in));
  const std::array<uint8_t, 4> option = {28, 4, 0x80, 5};
  EXPECT_TRUE(std::equal(option.begin(), option.end(), bytes.begin() + kTcpTimestampsSize));
  EXPECT_EQ(ParseTcpOptions(std::span(bytes).first(size)).user_timeout, 0x8005);
}

TEST(Rfc7323, S2_3_WindowScaleAboveFourteenIsFourteen) {
  EXPECT_EQ(Parse({3, 3, 15}).window_scale, 14);
  EXPECT_EQ(Parse({3, 3, 255}).window_scale, 14);
}

}  // namespace
}  // namespace moat::netstack
