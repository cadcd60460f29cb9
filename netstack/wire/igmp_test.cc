#include "netstack/wire/igmp.h"

#include <gtest/gtest.h>

#include "netstack/wire/bytes.h"

namespace moat::netstack {
namespace {

using Bytes = std::vector<uint8_t>;

TEST(Rfc3376, S4_1_1_CodesAreFloatingPointFrom128On) {
  EXPECT_EQ(IgmpCode(127), 127u);
  EXPECT_EQ(IgmpCode(0x80), 128u);
  EXPECT_EQ(IgmpCode(0xff), 31744u);
  EXPECT_EQ(MldResponseMilliseconds(32767), 32767u);
  EXPECT_EQ(MldResponseMilliseconds(0xffff), 8387584u);
}

TEST(Rfc3376, S7_1_TheSizeAndTheCodeTellTheVersion) {
  Bytes query = {0x11, 0, 0, 0, 0, 0, 0, 0};
  ASSERT_TRUE(ParseIgmpQuery(query).has_value());
  EXPECT_EQ(ParseIgmpQuery(query)->version, GroupProtocolVersion::kV1);
  EXPECT_EQ(ParseIgmpQuery(query)->response_ms, 10000u);
  query[1] = 200;  // no floating point before version 3
  EXPECT_EQ(ParseIgmpQuery(query)->version, GroupProtocolVersion::kV2);
  EXPECT_EQ(ParseIgmpQuery(query)->response_ms, 20000u);
  query.resize(11);
  EXPECT_FALSE(ParseIgmpQuery(query).has_value());
  query.resize(12);
  EXPECT_EQ(ParseIgmpQuery(query)->version, GroupProtocolVersion::kV3);
  query.resize(7);
  EXPECT_FALSE(ParseIgmpQuery(query).has_value());
}

TEST(Rfc3376, S4_1_ASourceQuery) {
  Bytes query = {0x11, 10, 0, 0, 239, 1, 1, 1, 0x0b, 60, 0, 2, 10, 0, 0, 1, 10, 0, 0, 2};
  const auto parsed = ParseIgmpQuery(query);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->group, IpAddress::V4(239, 1, 1, 1));
  EXPECT_EQ(parsed->response_ms, 1000u);
  EXPECT_EQ(parsed->robustness, 3);
  EXPECT_EQ(parsed->interval_seconds, 60u);
  EXPECT_EQ(parsed->sources,
            (std::vector<IpAddress>{IpAddress::V4(10, 0, 0, 1), IpAddress::V4(10, 0, 0, 2)}));
  query[11] = 3;  // more than there are
  EXPECT_FALSE(ParseIgmpQuery(query).has_value());
  query[11] = 1;  // what follows is not looked at
  EXPECT_EQ(ParseIgmpQuery(query)->sources.size(), 1u);
  query[4] = 10;  // no group
  EXPECT_FALSE(ParseIgmpQuery(query).has_value());
}

TEST(Rfc3810, S5_1_Queries) {
  Bytes query(24);
  query[0] = 130;
  StoreBe16(query.data() + 4, 40000);
  EXPECT_EQ(ParseMldQuery(query)->version, GroupProtocolVersion::kV2);
  EXPECT_EQ(ParseMldQuery(query)->response_ms, 40000u);
  query.resize(27);
  EXPECT_FALSE(ParseMldQuery(query).has_value());
  query.resize(44);
  query[8] = 0xff;
  query[27] = 1;
  query[43] = 7;
  const auto parsed = ParseMldQuery(query);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->version, GroupProtocolVersion::kV3);
  ASSERT_EQ(parsed->sources.size(), 1u);
  EXPECT_EQ(parsed->sources[0].data()[15], 7);
}

std::vector<IpAddress> Sources(int count) {
  std::vector<IpAddress> out;
  for (int i = 0; i < count; ++i) out.push_back(IpAddress::V4(10, 0, 0, static_cast<uint8_t>(i)));
  return out;
}

// {type, sources} of each record of each message.
using Shape = std::vector<std::vector<std::pair<int, int>>>;
Shape ShapeOf(const std::vector<GroupRecord>& records, size_t room) {
  Shape shape;
  for (const Bytes& report : EmitGroupReports(records, room)) {
    EXPECT_LE(report.size(), room);
    EXPECT_EQ(report[0], 0x22);
    auto& message = shape.emplace_back();
    size_t at = 8;
    for (int i = LoadBe16(report.data() + 6); i > 0; --i) {
      const int count = LoadBe16(report.data() + at + 2);
      message.emplace_back(report[at], count);
      at += 8 + 4 * static_cast<size_t>(count);
    }
    EXPECT_EQ(at, report.size());
  }
  return shape;
}

const IpAddress kGroup = IpAddress::V4(239, 1, 1, 1);

TEST(Rfc3376, S4_2_16_RecordsShareMessagesWhileTheyFit) {
  const GroupRecord empty{kGroup, GroupRecordType::kIsExclude, {}};
  EXPECT_EQ(ShapeOf({empty, empty}, 64), (Shape{{{2, 0}, {2, 0}}}));
  const std::vector<GroupRecord> many(8, empty);  // seven fit behind the header
  EXPECT_EQ(ShapeOf(many, 64).size(), 2u);
  EXPECT_EQ(ShapeOf({empty, {kGroup, GroupRecordType::kAllow, Sources(11)}}, 64),
            (Shape{{{2, 0}}, {{5, 11}}}));
}

TEST(Rfc3376, S4_2_16_ALongListIsCutButNotWhatExcludes) {
  EXPECT_EQ(ShapeOf({{kGroup, GroupRecordType::kIsInclude, Sources(30)}}, 64),
            (Shape{{{1, 12}}, {{1, 12}}, {{1, 6}}}));
  EXPECT_EQ(ShapeOf({{kGroup, GroupRecordType::kToExclude, Sources(30)}}, 64),
            (Shape{{{4, 12}}}));
}

}  // namespace
}  // namespace moat::netstack
