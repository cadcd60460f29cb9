// Default gateways that fail: RFC 1122 3.3.1.4 and 3.3.1.5, for both IP versions.

#include <map>
#include <set>

#include "netstack/stack/stack_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A link with gateways that answer or not. `first` is the gateway of the world's default route.
class Gateways : public testing::TestWithParam<Family> {
 protected:
  Gateways() : socket(world.UdpSocket(GetParam())) {}

  void AddDefault(const std::optional<IpAddress>& gateway, uint32_t metric,
                  RouteType type = RouteType::kUnicast) {
    RouteInfo route;
    route.destination = {IpAddress::Any(GetParam()), 0};
    route.gateway = gateway;
    route.interface = kEth0;
    route.metric = metric;
    route.type = type;
    const absl::Status status = world.stack.AddRoute(route);
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  void Alive(const IpAddress& gateway) { alive.insert(gateway); }
  void Dead(const IpAddress& gateway) { alive.erase(gateway); }
  static MacAddress MacOf(const IpAddress& gateway) {
    return {{0x02, 0, 0, 0, 1, gateway.data()[gateway.size() - 1]}};
  }

  // Lets time pass; gateways that are alive answer for themselves.
  void Run(Duration duration) {
    const Time end = world.clock.Now() + duration;
    Serve();
    while (world.clock.Now() < end) {
      world.Advance(std::min<Duration>(milliseconds(100), end - world.clock.Now()));
      Serve();
    }
  }
  void Serve() {
    while (!world.Silent()) {
      const ParsedFrame frame = world.Next();
      if (const auto asked = AskedFor(frame)) {
        ++questions[*asked];
        if (alive.contains(*asked)) Answer(*asked);
      } else if (frame.destination == cast.remote) {
        last_hop = frame.to;
      }
    }
  }
  std::optional<IpAddress> AskedFor(const ParsedFrame& frame) const {
    ArpMessage arp;
    if (frame.ethertype == ethertype::kArp && ParseArp(frame.payload, &arp) == ArpParse::kOk &&
        arp.operation == ArpOperation::kRequest) {
      return arp.target;
    }
    if (frame.protocol != ip_protocol::kIcmpV6) return std::nullopt;
    const auto solicited = ParseNeighborSolicitation(frame.payload);
    if (!solicited.has_value()) return std::nullopt;
    return solicited->target;
  }
  void Answer(const IpAddress& gateway) {
    if (gateway.is_v4()) {
      world.ReceiveArp(ArpOperation::kReply, gateway, MacOf(gateway), cast.own, kOwnMac);
      return;
    }
    uint8_t bytes[kMaxNdpEmit];
    const size_t size =
        EmitNeighborAdvertisement(gateway, false, true, true, MacOf(gateway), bytes);
    world.ReceiveNdp(gateway, cast.own, Bytes(bytes, bytes + size));
  }
  // The gateway asks for us: it is there.
  void Speak(const IpAddress& gateway) {
    if (gateway.is_v4()) {
      world.ReceiveArp(ArpOperation::kRequest, gateway, MacOf(gateway), cast.own,
                       MacAddress::Broadcast());
      return;
    }
    uint8_t bytes[kMaxNdpEmit];
    const size_t size =
        EmitNeighborSolicitation(cast.own, MacOf(gateway), std::nullopt, bytes);
    world.ReceiveNdp(gateway, SolicitedNodeGroup(cast.own), Bytes(bytes, bytes + size));
  }
  // Sends a packet beyond the link; the gateway that it went to within `wait`, if any.
  MacAddress HopOfAPacket(Duration wait = milliseconds(10)) {
    last_hop = {};
    (void)socket->TakeError();
    EXPECT_EQ(StackWorld::SendTo(*socket, {cast.remote, 9}, Pattern(1)), Error::kOk);
    Run(wait);
    return last_hop;
  }
  // Until the first gateway is known not to answer.
  void LoseFirst() {
    Dead(first);
    (void)HopOfAPacket(seconds(4));
    ASSERT_EQ(world.Neighbor(first)->state, NeighborState::kFailed);
  }

  StackWorld world;
  Cast cast = CastOf(GetParam());
  const IpAddress first = cast.gateway, second = cast.other, third = cast.peer;
  std::unique_ptr<DatagramSocket> socket;
  std::set<IpAddress> alive;
  std::map<IpAddress, int> questions;
  MacAddress last_hop;
};
INSTANTIATE_TEST_SUITE_P(Families, Gateways, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& info) {
                           return info.param == Family::kIpv4 ? "Ipv4" : "Ipv6";
                         });

TEST_P(Gateways, Rfc1122_S3_3_1_5_AnotherIsUsedWhenOneDoesNotAnswer) {
  AddDefault(second, 100);
  Alive(second);
  LoseFirst();
  EXPECT_EQ(HopOfAPacket(), MacOf(second));
}

TEST_P(Gateways, Rfc1122_S3_3_1_5_EqualRoutesStandInForEachOtherToo) {
  AddDefault(second, 0);
  Alive(second);
  LoseFirst();
  EXPECT_EQ(HopOfAPacket(), MacOf(second));
}

TEST_P(Gateways, WhileItAnswersTheBestRouteIsUsed) {
  AddDefault(second, 100);
  Alive(first);
  Alive(second);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(HopOfAPacket(seconds(2)), MacOf(first));
  EXPECT_EQ(questions[second], 0);
}

TEST_P(Gateways, Rfc1122_S3_3_1_4_AFlowLeavesAGatewayThatStopsAnswering) {
  AddDefault(second, 100);
  Alive(first);
  Alive(second);
  ASSERT_EQ(socket->Connect({cast.remote, 9}), Error::kOk);
  EXPECT_EQ(HopOfAPacket(seconds(1)), MacOf(first));
  Dead(first);
  // It is reachable for at most 45 s, suspected for 5, and asked three times.
  int sent = 0;
  while (HopOfAPacket(seconds(1)) != MacOf(second) && sent < 70) ++sent;
  EXPECT_LT(sent, 60);
}

TEST_P(Gateways, Rfc1122_S3_3_1_4_AConnectionLivesOn) {
  AddDefault(second, 100);
  Alive(first);
  Alive(second);
  const std::unique_ptr<TcpSocket> tcp = world.stack.NewTcpSocket(GetParam());
  ASSERT_EQ(tcp->Connect({cast.remote, 80}), Error::kInProgress);
  Run(milliseconds(10));
  EXPECT_EQ(last_hop, MacOf(first));
  Dead(first);
  Run(seconds(100));  // the SYN is sent again at 63 s at the latest
  EXPECT_EQ(last_hop, MacOf(second));
  EXPECT_EQ(tcp->state(), TcpState::kSynSent);
}

TEST_P(Gateways, Rfc1122_S3_3_1_4_NobodyAsksForADeadGatewayWhileNothingIsSent) {
  AddDefault(second, 100);
  LoseFirst();
  questions.clear();
  Run(seconds(300));
  EXPECT_TRUE(questions.empty());
}

TEST_P(Gateways, ItIsAskedForAgainAndTheOtherIsUsedMeanwhile) {
  AddDefault(second, 100);
  Alive(second);
  LoseFirst();
  questions.clear();
  for (int i = 0; i < 25; ++i) EXPECT_EQ(HopOfAPacket(seconds(1)), MacOf(second));
  EXPECT_EQ(questions[first], 0);  // 30 s have not passed
  for (int i = 0; i < 30; ++i) EXPECT_EQ(HopOfAPacket(seconds(1)), MacOf(second));
  EXPECT_EQ(questions[first], 3);  // mcast_solicit
  for (int i = 0; i < 40; ++i) EXPECT_EQ(HopOfAPacket(seconds(1)), MacOf(second));
  EXPECT_EQ(questions[first], 6);
}

TEST_P(Gateways, WhenItAnswersAgainItIsUsedAgain) {
  AddDefault(second, 100);
  Alive(second);
  LoseFirst();
  EXPECT_EQ(HopOfAPacket(seconds(31)), MacOf(second));
  Alive(first);
  EXPECT_EQ(HopOfAPacket(), MacOf(second));  // and asks
  EXPECT_EQ(HopOfAPacket(), MacOf(first));
}

TEST_P(Gateways, WhoSpeaksByItselfIsUsedAtOnce) {
  AddDefault(second, 100);
  Alive(second);
  LoseFirst();
  EXPECT_EQ(HopOfAPacket(), MacOf(second));
  Alive(first);
  Speak(first);
  EXPECT_EQ(HopOfAPacket(), MacOf(first));
}

TEST_P(Gateways, WhoIsForgottenIsTriedAnew) {
  AddDefault(second, 100);
  Alive(second);
  LoseFirst();
  Alive(first);
  world.stack.FlushNeighbors(0);
  EXPECT_EQ(HopOfAPacket(), MacOf(first));
}

TEST_P(Gateways, Rfc4861_S6_3_6_WhenAllAreDeadTheyTakeTurns) {
  AddDefault(second, 100);
  AddDefault(third, 200);
  for (int i = 0; i < 9; ++i) (void)HopOfAPacket(seconds(4));
  for (const IpAddress& gateway : {first, second, third}) {
    EXPECT_EQ(questions[gateway], 9) << gateway.ToString();
  }
  Alive(third);
  int packets = 1;
  while (HopOfAPacket(seconds(4)) != MacOf(third) && packets < 10) ++packets;
  EXPECT_LE(packets, 3);
  EXPECT_EQ(HopOfAPacket(), MacOf(third));
}

TEST_P(Gateways, TheOnlyOneIsUsedWhateverHappens) {
  LoseFirst();
  questions.clear();
  EXPECT_EQ(HopOfAPacket(milliseconds(500)), MacAddress());
  EXPECT_EQ(questions[first], 1);
  Alive(first);
  EXPECT_EQ(HopOfAPacket(seconds(1)), MacOf(first));
}

TEST_P(Gateways, ARouteThatRefusesStandsInForNobody) {
  AddDefault(std::nullopt, 100, RouteType::kUnreachable);
  LoseFirst();
  Alive(first);
  EXPECT_EQ(HopOfAPacket(), MacOf(first));
}

TEST_P(Gateways, OtherRoutesAreObeyed) {
  AddDefault(second, 100);
  Alive(second);
  RouteInfo route;
  route.destination = {cast.remote.Prefix(cast.remote.bits() - 8), cast.remote.bits() - 8};
  route.gateway = first;
  route.interface = kEth0;
  ASSERT_TRUE(world.stack.AddRoute(route).ok());
  LoseFirst();
  EXPECT_EQ(HopOfAPacket(seconds(4)), MacAddress());
}

TEST_P(Gateways, MultipathPassesOverHopsThatDoNotAnswer) {
  RouteInfo route;
  route.destination = {cast.remote.Prefix(cast.remote.bits() - 8), cast.remote.bits() - 8};
  route.next_hops = {{first, kEth0, 1}, {second, kEth0, 1}, {third, kEth0, 1}};
  ASSERT_TRUE(world.stack.AddRoute(route).ok());
  Alive(second);
  // Flows to 64 hosts: in the end all have found the one that answers.
  int lost = 0;
  for (int round = 0; round < 3; ++round) {
    lost = 0;
    for (uint8_t i = 0; i < 64; ++i) {
      Bytes bytes(cast.remote.data(), cast.remote.data() + cast.remote.size());
      bytes.back() = i;
      cast.remote = cast.remote.is_v4() ? IpAddress::V4(bytes.data()) : IpAddress::V6(bytes.data());
      if (HopOfAPacket(milliseconds(100)) != MacOf(second)) ++lost;
    }
  }
  EXPECT_EQ(lost, 0);
  EXPECT_GT(questions[first], 0);
  EXPECT_GT(questions[third], 0);
  ASSERT_TRUE(world.stack.RemoveRoute(route).ok());
}

TEST_P(Gateways, ManyDeadOnesAreBounded) {
  for (int i = 0; i < 100; ++i) {
    Bytes bytes(first.data(), first.data() + first.size());
    bytes.back() = static_cast<uint8_t>(100 + i);
    AddDefault(first.is_v4() ? IpAddress::V4(bytes.data()) : IpAddress::V6(bytes.data()),
               static_cast<uint32_t>(i + 1));
  }
  for (int i = 0; i < 200; ++i) (void)HopOfAPacket(seconds(4));
  const size_t asked = questions.size();
  EXPECT_GE(asked, 60u);
  Alive(first);
  int packets = 1;
  while (HopOfAPacket(seconds(4)) != MacOf(first) && packets < 200) ++packets;
  EXPECT_LT(packets, 200);
}

// However many are dead: each is tried once, then the next one.
TEST_P(Gateways, TheLastOfManyIsFound) {
  IpAddress last;
  for (int i = 0; i < 100; ++i) {
    Bytes bytes(first.data(), first.data() + first.size());
    bytes.back() = static_cast<uint8_t>(100 + i);
    last = first.is_v4() ? IpAddress::V4(bytes.data()) : IpAddress::V6(bytes.data());
    AddDefault(last, static_cast<uint32_t>(i + 1));
  }
  Alive(last);
  int packets = 1;
  while (HopOfAPacket(seconds(4)) != MacOf(last) && packets < 400) ++packets;
  EXPECT_LE(packets, 101);
}

}  // namespace
}  // namespace moat::netstack
