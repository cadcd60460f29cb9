// Multicast membership as routers hear of it: IGMPv3, MLDv2 and their fallbacks.

#include "netstack/stack/stack_test_world.h"
#include "netstack/wire/ipv6_extension.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// One record of a report: what is said about which group.
struct Said {
  uint8_t type = 0;
  IpAddress group;
  bool operator==(const Said&) const = default;
};
constexpr uint8_t kIsExclude = 2, kToInclude = 3, kToExclude = 4;
// Older messages, told apart from record types.
constexpr uint8_t kOldReport = 100, kOldLeave = 101;

class Groups : public testing::TestWithParam<Family> {
 protected:
  Groups() {
    // Nothing but what the test does is reported.
    EXPECT_TRUE(world.stack.RemoveInterface(kEth0).ok());
    EXPECT_TRUE(world.stack
                    .AddInterface({.index = kEth0, .name = "eth0", .mac = kOwnMac, .mtu = 1500,
                                   .up = true, .running = true, .link = &world.link})
                    .ok());
    EXPECT_TRUE(world.stack.AddAddress(kEth0, *Prefix::Parse("192.0.2.1/24"), {}).ok());
    world.link.Clear();
    socket = world.UdpSocket(GetParam());
  }
  bool v4() const { return GetParam() == Family::kIpv4; }
  IpAddress Group(uint8_t n) const {
    if (v4()) return IpAddress::V4(239, 1, 1, n);
    uint8_t bytes[16] = {0xff, 0x05};
    bytes[15] = n;
    return IpAddress::V6(bytes);
  }

  // The records of the next frame, which must be a sound report.
  std::vector<Said> NextReport() {
    const Bytes wire = world.link.TakeFrame();
    if (wire.empty()) return {};
    return v4() ? ParseIgmp(wire) : ParseMld(wire);
  }
  std::vector<Said> ParseIgmp(const Bytes& wire) {
    const std::span<const uint8_t> ip = std::span(wire).subspan(kEthernetHeaderSize);
    Ipv4View view;
    EXPECT_EQ(Ipv4View::Parse(ip, &view), Ipv4Parse::kOk);
    EXPECT_TRUE(view.ChecksumValid());
    EXPECT_EQ(view.ttl(), 1);
    EXPECT_EQ(view.protocol(), 2);
    EXPECT_EQ(view.options()[0], ipv4_option::kRouterAlert);
    EXPECT_EQ(EthernetView::Parse(wire)->destination(), MulticastMac(view.destination()));
    const auto message = ip.subspan(view.header_size());
    EXPECT_EQ(ChecksumOf(message), 0);
    if (message[0] == 0x12 || message[0] == 0x16) {
      EXPECT_EQ(view.destination(), IpAddress::V4(message.data() + 4));
      return {{kOldReport, IpAddress::V4(message.data() + 4)}};
    }
    if (message[0] == 0x17) {
      EXPECT_EQ(view.destination(), Ip("224.0.0.2"));
      return {{kOldLeave, IpAddress::V4(message.data() + 4)}};
    }
    EXPECT_EQ(message[0], 0x22);
    EXPECT_EQ(view.destination(), Ip("224.0.0.22"));
    std::vector<Said> said;
    EXPECT_EQ(message.size(), 8u + 8 * LoadBe16(message.data() + 6));
    for (size_t at = 8; at + 8 <= message.size(); at += 8) {
      said.push_back({message[at], IpAddress::V4(message.data() + at + 4)});
    }
    return said;
  }
  std::vector<Said> ParseMld(const Bytes& wire) {
    const std::span<const uint8_t> ip = std::span(wire).subspan(kEthernetHeaderSize);
    Ipv6View view;
    EXPECT_EQ(Ipv6View::Parse(ip, &view), Ipv6Parse::kOk);
    EXPECT_EQ(view.hop_limit(), 1);
    const Ipv6Chain chain = WalkIpv6Chain(ip);
    EXPECT_EQ(chain.protocol, ip_protocol::kIcmpV6);
    EXPECT_TRUE(chain.router_alert);
    const auto message = ip.subspan(chain.offset);
    EXPECT_TRUE(TransportChecksumValid(view.source(), view.destination(), 58, message));
    if (message[0] == icmpv6_type::kMldReport) {
      return {{kOldReport, IpAddress::V6(message.data() + 8)}};
    }
    if (message[0] == icmpv6_type::kMldDone) {
      EXPECT_EQ(view.destination(), Ip("ff02::2"));
      return {{kOldLeave, IpAddress::V6(message.data() + 8)}};
    }
    EXPECT_EQ(message[0], icmpv6_type::kMldV2Report);
    EXPECT_EQ(view.destination(), Ip("ff02::16"));
    std::vector<Said> said;
    EXPECT_EQ(message.size(), 8u + 20 * LoadBe16(message.data() + 6));
    for (size_t at = 8; at + 20 <= message.size(); at += 20) {
      said.push_back({message[at], IpAddress::V6(message.data() + at + 4)});
    }
    return said;
  }

  // `version` 3 stands for MLDv2, 2 for MLDv1.
  void ReceiveQuery(int version, const IpAddress& group, int response_seconds = 1) {
    if (v4()) {
      Bytes message(version == 3 ? 12 : 8);
      message[0] = 0x11;
      message[1] = static_cast<uint8_t>(version == 1 ? 0 : response_seconds * 10);
      std::memcpy(message.data() + 4, group.data(), 4);
      StoreBe16(message.data() + 2, ChecksumOf(message));
      const IpAddress to = group.IsUnspecified() ? Ip("224.0.0.1") : group;
      world.ReceiveIp(IpPacket(Ip("192.0.2.9"), to, 2, message, 1), MulticastMac(to));
    } else {
      Bytes message(version == 3 ? 28 : 24);
      message[0] = icmpv6_type::kMldQuery;
      StoreBe16(message.data() + 4, static_cast<uint16_t>(response_seconds * 1000));
      std::memcpy(message.data() + 8, group.data(), 16);
      const IpAddress to = group.IsUnspecified() ? Ip("ff02::1") : group;
      Checksum sum;
      sum.AddPseudoHeader(Ip("fe80::9"), to, 58, static_cast<uint32_t>(message.size()));
      sum.Add(message);
      StoreBe16(message.data() + 2, sum.Finish());
      const Bytes alert = {58, 0, 5, 2, 0, 0, 1, 0};
      world.ReceiveIp(IpPacket(Ip("fe80::9"), to, 0, alert + message, 1), MulticastMac(to));
    }
  }
  void Join(uint8_t n) { ASSERT_EQ(socket->JoinGroup(Group(n), kEth0), Error::kOk); }
  void JoinQuietly(uint8_t n) {
    Join(n);
    world.Advance(seconds(2));
    world.link.Clear();
  }

  StackWorld world;
  std::unique_ptr<DatagramSocket> socket;
};
INSTANTIATE_TEST_SUITE_P(Families, Groups, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& info) {
                           return info.param == Family::kIpv4 ? "Igmp" : "Mld";
                         });

using Report = std::vector<Said>;

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
    Checksum sum;
    sum.AddPseudoHeader(source, Ip("ff02::1"), 58, static_cast<uint32_t>(message.size()));
    sum.Add(message);
    StoreBe16(message.data() + 2, sum.Finish());
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
