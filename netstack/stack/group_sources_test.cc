// Source filters: what sockets receive, and what routers hear of it (RFC 3376, RFC 3810, RFC 3678).

#include "netstack/stack/groups_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class GroupSources : public Groups {
 protected:
  Error Change(SourceChange change, uint8_t source) {
    return socket->ChangeSource(change, Group(1), Source(source), kEth0);
  }
  Error Set(bool exclude, std::initializer_list<uint8_t> sources) {
    return socket->SetSourceFilter(Group(1), kEth0, {exclude, Sources(sources)});
  }
  // Everything is told twice, within a second.
  void ExpectTold(const Report& report) {
    EXPECT_EQ(NextReport(), report);
    EXPECT_TRUE(world.Silent());
    world.Advance(milliseconds(1002));
    EXPECT_EQ(NextReport(), report);
    world.Advance(seconds(10));
    EXPECT_TRUE(world.Silent());
  }
  void Quietly() {
    world.Advance(seconds(5));
    world.link.Clear();
  }
  bool Receives(DatagramSocket& by, uint8_t source) {
    const IpAddress from = Source(source), to = Group(1);
    world.ReceiveIp(IpPacket(from, to, ip_protocol::kUdp, UdpDatagram(from, to, 4000, 53, {1})),
                    MulticastMac(to));
    return by.Receive().ok();
  }
};
INSTANTIATE_TEST_SUITE_P(Families, GroupSources, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& info) {
                           return info.param == Family::kIpv4 ? "Igmp" : "Mld";
                         });

TEST_P(GroupSources, Rfc3376_S5_1_JoiningASourceAllowsIt) {
  ASSERT_EQ(Change(SourceChange::kJoin, 1), Error::kOk);
  ExpectTold({{kAllow, Group(1), Sources({1})}});
  ASSERT_EQ(Change(SourceChange::kJoin, 2), Error::kOk);
  ExpectTold({{kAllow, Group(1), Sources({2})}});
  ASSERT_EQ(Change(SourceChange::kLeave, 1), Error::kOk);
  ExpectTold({{kBlock, Group(1), Sources({1})}});
  ASSERT_EQ(Change(SourceChange::kLeave, 2), Error::kOk);  // the group with it
  ExpectTold({{kBlock, Group(1), Sources({2})}});
  EXPECT_EQ(socket->LeaveGroup(Group(1), kEth0), Error::kAddressNotAvailable);
}

TEST_P(GroupSources, Rfc3376_S5_1_BlockingASourceOfAGroup) {
  Join(1);
  Quietly();
  ASSERT_EQ(Change(SourceChange::kBlock, 1), Error::kOk);
  ExpectTold({{kBlock, Group(1), Sources({1})}});
  ASSERT_EQ(Change(SourceChange::kUnblock, 1), Error::kOk);
  ExpectTold({{kAllow, Group(1), Sources({1})}});
  ASSERT_EQ(socket->LeaveGroup(Group(1), kEth0), Error::kOk);
  ExpectTold({{kToInclude, Group(1)}});
}

TEST_P(GroupSources, Rfc3376_S5_1_AChangeOfModeTellsTheWholeList) {
  Join(1);
  Quietly();
  ASSERT_EQ(Set(false, {3, 1, 2}), Error::kOk);
  ExpectTold({{kToInclude, Group(1), Sources({1, 2, 3})}});
  ASSERT_EQ(Set(true, {4}), Error::kOk);
  ExpectTold({{kToExclude, Group(1), Sources({4})}});
  ASSERT_EQ(Set(true, {5, 6}), Error::kOk);
  ExpectTold({{kAllow, Group(1), Sources({4})}, {kBlock, Group(1), Sources({5, 6})}});
  ASSERT_EQ(Set(false, {}), Error::kOk);  // leaves
  ExpectTold({{kToInclude, Group(1)}});
}

TEST_P(GroupSources, Rfc3376_S5_1_AChangeBeforeTheLastWasRepeatedIsMergedWithIt) {
  ASSERT_EQ(Change(SourceChange::kJoin, 1), Error::kOk);
  EXPECT_EQ(NextReport(), (Report{{kAllow, Group(1), Sources({1})}}));
  ASSERT_EQ(Change(SourceChange::kJoin, 2), Error::kOk);
  EXPECT_EQ(NextReport(), (Report{{kAllow, Group(1), Sources({1, 2})}}));
  world.Advance(milliseconds(1002));
  EXPECT_EQ(NextReport(), (Report{{kAllow, Group(1), Sources({2})}}));
  world.Advance(seconds(10));
  EXPECT_TRUE(world.Silent());
}

TEST_P(GroupSources, Rfc3376_S5_1_ModeChangesComeBeforeSourceChanges) {
  Join(1);
  EXPECT_EQ(NextReport(), (Report{{kToExclude, Group(1)}}));
  ASSERT_EQ(Change(SourceChange::kBlock, 1), Error::kOk);
  EXPECT_EQ(NextReport(), (Report{{kToExclude, Group(1), Sources({1})}}));
  world.Advance(milliseconds(1002));
  EXPECT_EQ(NextReport(), (Report{{kBlock, Group(1), Sources({1})}}));
  world.Advance(seconds(10));
  EXPECT_TRUE(world.Silent());
}

TEST_P(GroupSources, Rfc3376_S3_2_TheInterfaceHasTheFilterOfAllSockets) {
  ASSERT_EQ(Change(SourceChange::kJoin, 1), Error::kOk);
  Quietly();
  auto second = world.UdpSocket(GetParam());
  ASSERT_EQ(second->ChangeSource(SourceChange::kJoin, Group(1), Source(2), kEth0), Error::kOk);
  ExpectTold({{kAllow, Group(1), Sources({2})}});
  ASSERT_EQ(second->ChangeSource(SourceChange::kJoin, Group(1), Source(1), kEth0), Error::kOk);
  world.Advance(seconds(10));
  EXPECT_TRUE(world.Silent());  // nothing new
  auto third = world.UdpSocket(GetParam());
  ASSERT_EQ(third->JoinGroup(Group(1), kEth0), Error::kOk);
  ExpectTold({{kToExclude, Group(1)}});
  third.reset();
  ExpectTold({{kToInclude, Group(1), Sources({1, 2})}});
  second.reset();
  ExpectTold({{kBlock, Group(1), Sources({2})}});
}

TEST_P(GroupSources, Rfc3376_S5_2_QueriesAreAnsweredWithTheFilter) {
  ASSERT_EQ(Change(SourceChange::kJoin, 1), Error::kOk);
  ASSERT_EQ(Change(SourceChange::kJoin, 2), Error::kOk);
  ASSERT_EQ(socket->JoinGroup(Group(2), kEth0), Error::kOk);
  ASSERT_EQ(socket->ChangeSource(SourceChange::kBlock, Group(2), Source(3), kEth0), Error::kOk);
  Quietly();
  ReceiveQuery(3, IpAddress::Any(GetParam()));
  world.Advance(milliseconds(1002));
  EXPECT_EQ(NextReport(), (Report{{kIsInclude, Group(1), Sources({1, 2})},
                                  {kIsExclude, Group(2), Sources({3})}}));
  ReceiveQuery(3, Group(1));
  world.Advance(milliseconds(1002));
  EXPECT_EQ(NextReport(), (Report{{kIsInclude, Group(1), Sources({1, 2})}}));
  // About sources: those of them that are wanted.
  ReceiveQuery(3, Group(1), 1, Sources({2, 9}));
  world.Advance(milliseconds(1002));
  EXPECT_EQ(NextReport(), (Report{{kIsInclude, Group(1), Sources({2})}}));
  ReceiveQuery(3, Group(2), 1, Sources({3, 9}));
  world.Advance(milliseconds(1002));
  EXPECT_EQ(NextReport(), (Report{{kIsInclude, Group(2), Sources({9})}}));
  ReceiveQuery(3, Group(1), 1, Sources({9}));
  ReceiveQuery(3, Group(2), 1, Sources({3}));
  world.Advance(seconds(10));
  EXPECT_TRUE(world.Silent());
}

TEST_P(GroupSources, Rfc3376_S5_2_QueriesOfOneGroupAreAnsweredTogether) {
  Join(1);
  Quietly();
  ReceiveQuery(3, Group(1), 10, Sources({1}));
  ReceiveQuery(3, Group(1), 10, Sources({3}));
  world.Advance(milliseconds(10002));
  EXPECT_EQ(NextReport(), (Report{{kIsInclude, Group(1), Sources({1, 3})}}));
  ReceiveQuery(3, Group(1), 10, Sources({1}));
  ReceiveQuery(3, Group(1), 10);
  world.Advance(milliseconds(10002));
  EXPECT_EQ(NextReport(), (Report{{kIsExclude, Group(1)}}));
  // A general answer that is due sooner says it all.
  ReceiveQuery(3, IpAddress::Any(GetParam()), 1);
  ReceiveQuery(3, Group(1), 1000);
  world.Advance(seconds(1000));
  EXPECT_EQ(NextReport(), (Report{{kIsExclude, Group(1)}}));
  EXPECT_TRUE(world.Silent());
}

TEST_P(GroupSources, Rfc3376_S7_2_AnOlderQuerierHearsOfTheGroup) {
  ReceiveQuery(2, IpAddress::Any(GetParam()));
  world.Advance(seconds(2));
  ASSERT_EQ(Change(SourceChange::kJoin, 1), Error::kOk);
  EXPECT_EQ(NextReport(), (Report{{kOldReport, Group(1)}}));
  world.Advance(milliseconds(10002));
  world.link.Clear();
  ASSERT_EQ(Change(SourceChange::kJoin, 2), Error::kOk);
  EXPECT_TRUE(world.Silent());
  ASSERT_EQ(socket->LeaveGroup(Group(1), kEth0), Error::kOk);
  EXPECT_EQ(NextReport(), (Report{{kOldLeave, Group(1)}}));
}

TEST_P(GroupSources, Rfc3376_S3_1_ASocketHearsWhomItWants) {
  ASSERT_EQ(socket->Bind({IpAddress::Any(GetParam()), 53}), Error::kOk);
  ASSERT_EQ(Change(SourceChange::kJoin, 1), Error::kOk);
  EXPECT_TRUE(Receives(*socket, 1));
  EXPECT_FALSE(Receives(*socket, 2));
  EXPECT_EQ(world.Count("Drop.NotMember"), 1u);
  ASSERT_EQ(Set(true, {1}), Error::kOk);
  EXPECT_FALSE(Receives(*socket, 1));
  EXPECT_TRUE(Receives(*socket, 2));
}

TEST_P(GroupSources, Rfc3376_S3_1_SocketsOfOneInterfaceWantDifferentThings) {
  SocketOptions options = socket->options();
  options.reuse_address = true;
  options.multicast_all = options.multicast_all_v6 = false;
  auto second = world.UdpSocket(GetParam()), third = world.UdpSocket(GetParam());
  for (DatagramSocket* each : {socket.get(), second.get(), third.get()}) {
    each->SetOptions(options);
    ASSERT_EQ(each->Bind({IpAddress::Any(GetParam()), 53}), Error::kOk);
  }
  ASSERT_EQ(Change(SourceChange::kJoin, 1), Error::kOk);
  ASSERT_EQ(second->JoinGroup(Group(1), kEth0), Error::kOk);
  EXPECT_TRUE(Receives(*socket, 1));
  EXPECT_TRUE(second->Receive().ok());
  EXPECT_FALSE(third->Receive().ok());  // IP_MULTICAST_ALL is off
  EXPECT_FALSE(Receives(*socket, 2));
  EXPECT_TRUE(second->Receive().ok());
  options.multicast_all = options.multicast_all_v6 = true;
  third->SetOptions(options);
  EXPECT_FALSE(Receives(*socket, 2));
  EXPECT_TRUE(third->Receive().ok());
}

TEST_P(GroupSources, Rfc3678_S4_1_3_ErrorsAsLinux) {
  EXPECT_EQ(Change(SourceChange::kBlock, 1), Error::kInvalid);  // not a member
  EXPECT_EQ(Change(SourceChange::kLeave, 1), Error::kInvalid);
  EXPECT_EQ(Set(true, {1}), Error::kInvalid);
  EXPECT_EQ(Set(false, {}), Error::kAddressNotAvailable);
  EXPECT_FALSE(socket->GetSourceFilter(Group(1), kEth0).ok());
  EXPECT_EQ(socket->ChangeSource(SourceChange::kJoin, Group(1), Source(1), 9), Error::kNoDevice);
  EXPECT_EQ(socket->ChangeSource(SourceChange::kJoin, Source(1), Source(1), kEth0),
            Error::kInvalid);
  ASSERT_EQ(Change(SourceChange::kJoin, 1), Error::kOk);
  EXPECT_EQ(Change(SourceChange::kJoin, 1), Error::kAddressNotAvailable);
  EXPECT_EQ(Change(SourceChange::kLeave, 2), Error::kAddressNotAvailable);
  EXPECT_EQ(Change(SourceChange::kBlock, 2), Error::kInvalid);  // the other mode
  EXPECT_EQ(socket->JoinGroup(Group(1), kEth0), Error::kAddressInUse);
  const auto filter = socket->GetSourceFilter(Group(1), kEth0);
  ASSERT_TRUE(filter.ok());
  EXPECT_EQ(*filter, (SourceFilter{false, Sources({1})}));
}

TEST_P(GroupSources, SourcesAreBoundedBySysctl) {
  const size_t limit = v4() ? 10 : 64;
  SourceFilter filter{true, {}};
  for (size_t i = 0; i <= limit; ++i) filter.sources.push_back(Source(static_cast<uint8_t>(i)));
  Join(1);
  EXPECT_EQ(socket->SetSourceFilter(Group(1), kEth0, filter), Error::kNoBuffers);
  filter.sources.pop_back();
  EXPECT_EQ(socket->SetSourceFilter(Group(1), kEth0, filter), Error::kOk);
  EXPECT_EQ(Change(SourceChange::kBlock, 200), Error::kNoBuffers);
  const char* name = v4() ? "ipv4.igmp_max_msf" : "ipv6.mld_max_msf";
  ASSERT_TRUE(world.stack.SetSysctl(name, "100").ok());
  EXPECT_EQ(Change(SourceChange::kBlock, 200), Error::kOk);
}

}  // namespace
}  // namespace moat::netstack
