// Multicast membership as routers hear of it: IGMPv3, MLDv2 and their fallbacks.

#include "netstack/stack/groups_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

INSTANTIATE_TEST_SUITE_P(Families, Groups, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& info) {
                           return info.param == Family::kIpv4 ? "Igmp" : "Mld";
                         });

TEST_P(Groups, Rfc3376_S5_1_JoinIsReportedTwice) {
  Join(1);
  EXPECT_EQ(NextReport(), (Report{{kToExclude, Group(1)}}));
  EXPECT_TRUE(world.Silent());
  world.Advance(milliseconds(1002));
  EXPECT_EQ(NextReport(), (Report{{kToExclude, Group(1)}}));
  world.Advance(seconds(100));
  EXPECT_TRUE(world.Silent());
}

TEST_P(Groups, Rfc3376_S5_1_LeaveIsReportedTwice) {
  JoinQuietly(1);
  ASSERT_EQ(socket->LeaveGroup(Group(1), kEth0), Error::kOk);
  EXPECT_EQ(NextReport(), (Report{{kToInclude, Group(1)}}));
  world.Advance(milliseconds(1002));
  EXPECT_EQ(NextReport(), (Report{{kToInclude, Group(1)}}));
  world.Advance(seconds(100));
  EXPECT_TRUE(world.Silent());
}

TEST_P(Groups, OnlyTheFirstAndTheLastMemberAreReported) {
  JoinQuietly(1);
  auto second = world.UdpSocket(GetParam());
  ASSERT_EQ(second->JoinGroup(Group(1), kEth0), Error::kOk);
  second.reset();
  world.Advance(seconds(2));
  EXPECT_TRUE(world.Silent());
  socket.reset();
  EXPECT_EQ(NextReport(), (Report{{kToInclude, Group(1)}}));
}

TEST_P(Groups, Rfc3376_S5_2_GeneralQueryIsAnsweredInTime) {
  JoinQuietly(1);
  JoinQuietly(2);
  ReceiveQuery(3, IpAddress::Any(GetParam()), 10);
  EXPECT_TRUE(world.Silent());
  world.Advance(milliseconds(10002));
  EXPECT_EQ(NextReport(), (Report{{kIsExclude, Group(1)}, {kIsExclude, Group(2)}}));
  EXPECT_TRUE(world.Silent());
}

TEST_P(Groups, Rfc3376_S5_2_GroupQueryConcernsOneGroup) {
  JoinQuietly(1);
  JoinQuietly(2);
  ReceiveQuery(3, Group(2));
  ReceiveQuery(3, Group(3));  // not ours
  world.Advance(milliseconds(1002));
  EXPECT_EQ(NextReport(), (Report{{kIsExclude, Group(2)}}));
  EXPECT_TRUE(world.Silent());
}

TEST_P(Groups, Rfc3376_S7_2_OldQuerierGetsOldReports) {
  JoinQuietly(1);
  ReceiveQuery(2, IpAddress::Any(GetParam()));
  world.Advance(milliseconds(1002));
  EXPECT_EQ(NextReport(), (Report{{kOldReport, Group(1)}}));
  ASSERT_EQ(socket->LeaveGroup(Group(1), kEth0), Error::kOk);
  EXPECT_EQ(NextReport(), (Report{{kOldLeave, Group(1)}}));
  world.Advance(seconds(2));
  world.link.Clear();
  // Forgotten when it has been silent for long enough.
  world.Advance(seconds(260));
  Join(2);
  EXPECT_EQ(NextReport(), (Report{{kToExclude, Group(2)}}));
}

TEST_P(Groups, Rfc2236_S3_AnothersReportMakesOursNeedless) {
  JoinQuietly(1);
  JoinQuietly(2);
  ReceiveQuery(2, IpAddress::Any(GetParam()), 10);
  ReceiveOldReport(Group(1));
  world.Advance(milliseconds(10002));
  EXPECT_EQ(NextReport(), (Report{{kOldReport, Group(2)}}));
  EXPECT_TRUE(world.Silent());
  // Who did not report last leaves in silence.
  ASSERT_EQ(socket->LeaveGroup(Group(1), kEth0), Error::kOk);
  EXPECT_TRUE(world.Silent());
  ASSERT_EQ(socket->LeaveGroup(Group(2), kEth0), Error::kOk);
  EXPECT_EQ(NextReport(), (Report{{kOldLeave, Group(2)}}));
  world.Advance(seconds(20));
  EXPECT_TRUE(world.Silent());  // once
}

TEST_P(Groups, Rfc2236_S3_WithNothingToSayAnothersReportIsNothing) {
  JoinQuietly(1);
  ReceiveQuery(2, IpAddress::Any(GetParam()));
  world.Advance(seconds(2));
  EXPECT_EQ(NextReport(), (Report{{kOldReport, Group(1)}}));
  ReceiveOldReport(Group(1));
  ASSERT_EQ(socket->LeaveGroup(Group(1), kEth0), Error::kOk);
  EXPECT_EQ(NextReport(), (Report{{kOldLeave, Group(1)}}));
}

TEST_P(Groups, Rfc3376_S5_2_NoSuppressionInTheNewestVersion) {
  JoinQuietly(1);
  ReceiveQuery(3, IpAddress::Any(GetParam()));
  ReceiveOldReport(Group(1));
  world.Advance(seconds(2));
  EXPECT_EQ(NextReport(), (Report{{kIsExclude, Group(1)}}));
}

TEST_P(Groups, Rfc2236_S3_TheReportOfWhoJoinsIsRepeatedUnlessAnotherIsHeard) {
  ReceiveQuery(2, IpAddress::Any(GetParam()));
  world.Advance(seconds(2));
  Join(1);
  EXPECT_EQ(NextReport(), (Report{{kOldReport, Group(1)}}));
  world.Advance(milliseconds(10002));
  EXPECT_EQ(NextReport(), (Report{{kOldReport, Group(1)}}));
  Join(2);
  EXPECT_EQ(NextReport(), (Report{{kOldReport, Group(2)}}));
  ReceiveOldReport(Group(2));
  world.Advance(seconds(20));
  EXPECT_TRUE(world.Silent());
}

TEST_P(Groups, Rfc3376_S7_2_1_AChangeOfVersionEndsWhatWasGoingOn) {
  Join(1);
  EXPECT_EQ(NextReport(), (Report{{kToExclude, Group(1)}}));
  ReceiveQuery(2, IpAddress::Any(GetParam()));
  world.Advance(seconds(20));
  EXPECT_EQ(NextReport(), (Report{{kOldReport, Group(1)}}));  // the answer, and nothing else
  EXPECT_TRUE(world.Silent());
}

TEST_P(Groups, Rfc3376_S8_1_TheQueriersRobustnessCounts) {
  ReceiveQuery(3, IpAddress::Any(GetParam()), 1, {}, /*robustness=*/4);
  world.Advance(seconds(2));
  world.link.Clear();
  Join(1);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(NextReport(), (Report{{kToExclude, Group(1)}})) << i;
    world.Advance(milliseconds(1002));
  }
  world.Advance(seconds(100));
  EXPECT_TRUE(world.Silent());
}

TEST_P(Groups, InterfaceThatComesUpReportsItsGroups) {
  JoinQuietly(1);
  ASSERT_TRUE(world.stack.SetInterfaceUp(kEth0, false).ok());
  EXPECT_TRUE(world.Silent());
  ASSERT_TRUE(world.stack.SetInterfaceUp(kEth0, true).ok());
  EXPECT_EQ(NextReport(), (Report{{kToExclude, Group(1)}}));
}

TEST(Rfc1112, S7_1_VersionOneQuerierGetsVersionOneReportsAndNoLeave) {
  StackWorld world;
  auto socket = world.UdpSocket(Family::kIpv4);
  ASSERT_EQ(socket->JoinGroup(Ip("239.1.1.1"), kEth0), Error::kOk);
  world.Advance(seconds(2));
  world.link.Clear();
  Bytes query = {0x11, 0, 0, 0, 0, 0, 0, 0};
  StoreBe16(query.data() + 2, ChecksumOf(query));
  world.ReceiveIp(IpPacket(Ip("192.0.2.9"), Ip("224.0.0.1"), 2, query, 1),
                  MulticastMac(Ip("224.0.0.1")));
  world.Advance(milliseconds(10002));
  const ParsedFrame report = world.Next();
  ASSERT_TRUE(report.ok);
  EXPECT_EQ(report.payload[0], 0x12);
  ASSERT_EQ(socket->LeaveGroup(Ip("239.1.1.1"), kEth0), Error::kOk);
  EXPECT_TRUE(world.Silent());
}

TEST(Rfc3810, S6_2_QueryWithoutRouterAlertOrFromAfarIsIgnored) {
  StackWorld world;
  Bytes query(28);
  query[0] = icmpv6_type::kMldQuery;
  auto receive = [&](const IpAddress& source, bool alert, uint8_t hop_limit) {
    Bytes message = query;
    FixChecksum(source, Ip("ff02::1"), ip_protocol::kIcmpV6, message);
    const Bytes options = {58, 0, 5, 2, 0, 0, 1, 0};
    world.ReceiveIp(alert ? IpPacket(source, Ip("ff02::1"), 0, options + message, hop_limit)
                          : IpPacket(source, Ip("ff02::1"), 58, message, hop_limit),
                    MulticastMac(Ip("ff02::1")));
  };
  receive(Ip("fe80::9"), false, 1);
  receive(Ip("2001:db8::9"), true, 1);
  receive(Ip("fe80::9"), true, 2);
  EXPECT_EQ(world.Count("Mld.InInvalid"), 3u);
  world.Advance(seconds(2));
  EXPECT_TRUE(world.Silent());
  receive(Ip("fe80::9"), true, 1);
  world.Advance(seconds(2));
  EXPECT_FALSE(world.Silent());  // the solicited-node groups
}

}  // namespace
}  // namespace moat::netstack
