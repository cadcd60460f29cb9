// Single rules of IGMPv3 and MLDv2 that no wire tester waits for: forged queries, and for how long
// an older querier counts (RFC 3376 7.2.1, 8.12, 9.1; RFC 3810 8.2.1, 9.12).
#include "netstack/stack/groups_test_world.h"
#include "netstack/wire/igmp.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// --- RFC 3376 9.1 --------------------------------------------------------------------------------

class IgmpRules : public Groups {
 protected:
  Bytes QueryMessage(uint8_t code, const IpAddress& group, bool newest) const {
    Bytes message(newest ? 12 : 8);
    message[0] = 0x11;
    message[1] = code;
    std::memcpy(message.data() + 4, group.data(), 4);
    StoreBe16(message.data() + 2, ChecksumOf(message));
    return message;
  }
  const IpAddress everybody = Ip("224.0.0.1"), all = Ip("0.0.0.0");
};

TEST_P(IgmpRules, Rfc3376_S9_1_QueriesWithoutRouterAlertAreIgnored) {
  JoinQuietly(1);
  ReceiveIgmp(everybody, QueryMessage(10, all, true), /*alert=*/false);
  ReceiveIgmp(Group(1), QueryMessage(10, Group(1), true), /*alert=*/false);
  ReceiveIgmp(everybody, QueryMessage(10, all, false), /*alert=*/false);
  world.Advance(seconds(2));
  EXPECT_TRUE(world.Silent());
  EXPECT_EQ(world.Count("Igmp.InInvalid"), 3u);
  ReceiveIgmp(everybody, QueryMessage(10, all, true));
  world.Advance(seconds(2));
  EXPECT_EQ(NextReport(), (Report{{kIsExclude, Group(1)}}));
  // Version 1 has no such option.
  ReceiveIgmp(everybody, QueryMessage(0, all, false), /*alert=*/false);
  world.Advance(seconds(11));
  EXPECT_EQ(NextReport(), (Report{{kOldReport, Group(1)}}));
}

TEST_P(IgmpRules, Rfc3376_S9_1_GeneralQueriesToAnotherGroupAreIgnored) {
  JoinQuietly(1);
  ReceiveIgmp(Group(1), QueryMessage(10, all, true));
  ReceiveIgmp(Group(1), QueryMessage(0, all, false));
  world.Advance(seconds(11));
  EXPECT_TRUE(world.Silent());
  ReceiveIgmp(Ip("192.0.2.1"),
              QueryMessage(10, all, true));  // 4.1.12: any address of the interface
  world.Advance(seconds(2));
  EXPECT_EQ(NextReport(), (Report{{kIsExclude, Group(1)}}));
}

// --- Older queriers ------------------------------------------------------------------------------

TEST_P(IgmpRules, Rfc3376_S7_2_1_EachOlderQuerierHasItsOwnTime) {
  JoinQuietly(1);
  ReceiveIgmp(everybody, QueryMessage(0, all, false));  // version 1: 2 * 125 s + 10 s
  world.Advance(seconds(100));
  world.link.Clear();
  ReceiveIgmp(everybody, QueryMessage(20, all, false));  // version 2: 2 * 125 s + 2 s
  world.Advance(seconds(159));
  world.link.Clear();
  const auto said_by_who_joins = [&](uint8_t n) {
    Join(n);
    const Bytes wire = world.link.TakeFrame();
    world.Advance(seconds(0));
    return wire.size() > 38 ? int{wire[14 + 24]} : 0;
  };
  EXPECT_EQ(said_by_who_joins(2), 0x12);
  world.Advance(seconds(2));  // 261 s: version 1's time is over
  world.link.Clear();
  EXPECT_EQ(said_by_who_joins(3), 0x16);
  world.Advance(seconds(90));  // 351 s
  world.link.Clear();
  EXPECT_EQ(said_by_who_joins(4), 0x16);
  world.Advance(seconds(2));  // 353 s: version 2's
  world.link.Clear();
  EXPECT_EQ(said_by_who_joins(5), 0x22);
}

class OlderQuerier : public Groups {};

TEST_P(OlderQuerier, Rfc3376_S8_12_CountsAsLongAsTheNewestQuerierSaid) {
  JoinQuietly(1);
  // Robustness 3, interval 125 s by default: 3 * 125 s + the response interval of 10 s.
  ReceiveQuery(3, IpAddress::Any(GetParam()), 1, {}, /*robustness=*/3);
  world.Advance(seconds(2));
  ReceiveQuery(2, IpAddress::Any(GetParam()), 10);
  world.Advance(seconds(384));
  world.link.Clear();
  Join(2);
  EXPECT_EQ(NextReport(), (Report{{kOldReport, Group(2)}}));
  world.Advance(seconds(2));
  world.link.Clear();
  Join(3);
  EXPECT_EQ(NextReport(), (Report{{kToExclude, Group(3)}}));
}

TEST_P(OlderQuerier, Rfc3376_S7_2_1_EachOfItsQueriesBeginsTheTimeAnew) {
  JoinQuietly(1);
  for (int i = 0; i < 4; ++i) {
    ReceiveQuery(2, IpAddress::Any(GetParam()), 10);
    world.Advance(seconds(200));
  }
  world.link.Clear();
  Join(2);
  EXPECT_EQ(NextReport(), (Report{{kOldReport, Group(2)}}));
}

// 7.2.1: whoever goes back to the newest version has nothing left over from the older one.
TEST_P(OlderQuerier, Rfc3376_S7_2_1_ItsEndCancelsWhatWasPending) {
  JoinQuietly(1);
  ReceiveQuery(2, IpAddress::Any(GetParam()), 1);
  world.Advance(seconds(250));
  world.link.Clear();
  Join(2);  // told once, and to be repeated within ten seconds
  EXPECT_EQ(NextReport(), (Report{{kOldReport, Group(2)}}));
  world.Advance(milliseconds(1));
  if (!world.Silent()) world.link.Clear();
  world.Advance(seconds(30));
  while (!world.Silent())
    EXPECT_EQ(NextReport(), (Report{{kOldReport, Group(2)}}));  // before 251 s only
  ReceiveQuery(3, IpAddress::Any(GetParam()));
  world.Advance(seconds(2));
  EXPECT_EQ(NextReport(), (Report{{kIsExclude, Group(1)}, {kIsExclude, Group(2)}}));
}

// 5.2: whoever answered at once would answer together with everybody else.
TEST_P(OlderQuerier, Rfc3376_S5_2_NoQueryIsAnsweredAtOnce) {
  JoinQuietly(1);
  for (const int version : {3, 2}) {
    for (int i = 0; i < 20; ++i) {
      ReceiveQuery(version, IpAddress::Any(GetParam()), 10);
      EXPECT_TRUE(world.Silent());
      world.Advance(seconds(11));
      EXPECT_FALSE(NextReport().empty());
      EXPECT_TRUE(world.Silent());
    }
  }
}

TEST(MldRules, Rfc3810_S5_1_10_AQueryWithLessSourcesThanItSaysIsIgnored) {
  Bytes query(28 + 16);
  query[0] = icmpv6_type::kMldQuery;
  query[8] = 0xff;
  query[9] = 5;
  for (const uint8_t count : {1, 2}) {
    query[27] = count;
    EXPECT_EQ(ParseMldQuery(query).has_value(), count == 1) << int{count};
  }
}

// --- RFC 3810 5.2.13 -----------------------------------------------------------------------------

TEST(MldRules, Rfc3810_S5_2_13_BeforeThereIsALinkLocalAddressReportsComeFromNobody) {
  StackWorld world;
  ASSERT_TRUE(world.stack.RemoveAddress(kEth0, *Prefix::Parse("fe80::1/64")).ok());
  world.Advance(seconds(3));
  world.link.Clear();
  auto socket = world.UdpSocket(Family::kIpv6);
  ASSERT_EQ(socket->JoinGroup(Ip("ff05::1:3"), kEth0), Error::kOk);
  const ParsedFrame report = world.Next();
  ASSERT_TRUE(report.ok);
  EXPECT_EQ(report.destination, Ip("ff02::16"));
  EXPECT_EQ(report.source, Ip("::"));
  // A tentative one is none (RFC 3590).
  ASSERT_TRUE(world.stack.AddAddress(kEth0, *Prefix::Parse("fe80::2/64"), {}).ok());
  world.link.Clear();
  ASSERT_EQ(socket->JoinGroup(Ip("ff05::1:4"), kEth0), Error::kOk);
  EXPECT_EQ(world.Next().source, Ip("::"));
  world.Advance(seconds(5));
  world.link.Clear();
  ASSERT_EQ(socket->JoinGroup(Ip("ff05::1:5"), kEth0), Error::kOk);
  EXPECT_EQ(world.Next().source, Ip("fe80::2"));
}

INSTANTIATE_TEST_SUITE_P(V4, IgmpRules, testing::Values(Family::kIpv4));
INSTANTIATE_TEST_SUITE_P(Both, OlderQuerier, testing::Values(Family::kIpv4, Family::kIpv6));

}  // namespace
}  // namespace moat::netstack
