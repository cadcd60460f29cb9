// Router advertisements sent: RFC 4861 6.2.

#include <set>

#include "netstack/stack/router_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Advertiser : public testing::Test {
 protected:
  Advertiser() {
    options.prefixes = {{.prefix = *Prefix::Parse("2001:db8::/64")}};
    options.mtu = 1400;
  }
  void Start() {
    const absl::Status status = world.stack.SetRouterAdvertisement(kEth0, options);
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  // The advertisements of the next while, and when each was sent.
  std::vector<std::pair<Time, ParsedFrame>> Collect(Duration during) {
    std::vector<std::pair<Time, ParsedFrame>> out;
    const Time end = world.clock.Now() + during;
    while (world.clock.Now() < end) {
      world.Advance(milliseconds(100));
      while (!world.Silent()) {
        const ParsedFrame frame = world.Next();
        if (frame.icmp_type() == icmpv6_type::kRouterAdvertisement) {
          out.emplace_back(world.clock.Now(), frame);
        }
      }
    }
    return out;
  }
  void Solicit(const IpAddress& source, bool with_link_address) {
    Bytes message(kMaxNdpEmit);
    std::optional<MacAddress> mac;
    if (with_link_address) mac = kPeerMac;
    message.resize(EmitRouterSolicitation(mac, message.data()));
    world.ReceiveNdp(source, Ip("ff02::2"), message);
  }
  // RFC 4861 6.2.5: at most three, with lifetime 0, and not too close together.
  static void ExpectFarewell(const std::vector<std::pair<Time, ParsedFrame>>& sent) {
    ASSERT_EQ(sent.size(), 3u);
    for (size_t i = 0; i < sent.size(); ++i) {
      EXPECT_EQ(ParseRouterAdvertisement(sent[i].second.payload)->router_lifetime, 0);
    }
    EXPECT_GE(sent[1].first - sent[0].first, milliseconds(2900));
    EXPECT_GE(sent[2].first - sent[1].first, milliseconds(2900));
  }
  RouterWorld world;
  RouterAdvertisementOptions options;
};

TEST_F(Advertiser, Rfc4861_S6_2_3_ContentsAreAsConfigured) {
  Start();
  const auto sent = Collect(seconds(1));
  ASSERT_EQ(sent.size(), 1u);
  const ParsedFrame& frame = sent[0].second;
  EXPECT_EQ(frame.source, Ip("fe80::1"));
  EXPECT_EQ(frame.destination, Ip("ff02::1"));
  EXPECT_EQ(frame.hop_limit, 255);
  const auto message = ParseRouterAdvertisement(frame.payload);
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->router_lifetime, 1800);
  EXPECT_EQ(message->hop_limit, 64);
  EXPECT_EQ(message->options.mtu, 1400u);
  EXPECT_EQ(message->options.source_link_address, kOwnMac);
  ASSERT_EQ(message->options.prefix_count, 1);
  EXPECT_EQ(message->options.prefixes[0].prefix, Ip("2001:db8::"));
  EXPECT_TRUE(message->options.prefixes[0].on_link);
  EXPECT_TRUE(message->options.prefixes[0].autonomous);
}

TEST_F(Advertiser, Rfc4861_S6_2_4_TheFirstAreFrequentThenWithinTheInterval) {
  Start();
  const auto sent = Collect(seconds(2000));
  ASSERT_GE(sent.size(), 6u);
  for (size_t i = 0; i + 1 < sent.size(); ++i) {
    const Duration gap = sent[i + 1].first - sent[i].first;
    if (i < 3) {
      EXPECT_LE(gap, seconds(17)) << i;
    } else {
      EXPECT_GE(gap, seconds(197)) << i;
      EXPECT_LE(gap, seconds(601)) << i;
    }
  }
}

TEST_F(Advertiser, Rfc4861_S6_2_6_SolicitationsAreAnsweredSoonButNotTooOften) {
  Start();
  (void)Collect(seconds(60));
  Solicit(Ip("fe80::99"), true);
  EXPECT_EQ(Collect(milliseconds(600)).size(), 1u);
  EXPECT_EQ(world.Neighbor(Ip("fe80::99"))->state, NeighborState::kStale);
  for (int i = 0; i < 20; ++i) Solicit(Ip("fe80::99"), true);
  EXPECT_TRUE(Collect(seconds(2)).empty());
  EXPECT_EQ(Collect(seconds(2)).size(), 1u);
}

TEST_F(Advertiser, Rfc4861_S6_2_6_WhoSolicitsIsNoRouter) {
  Start();
  const IpAddress host = Ip("fe80::99");
  uint8_t bytes[kMaxNdpEmit];
  size_t size = EmitNeighborSolicitation(Ip("fe80::1"), kPeerMac, std::nullopt, bytes);
  for (const bool with_link_address : {true, false}) {
    world.ReceiveNdp(host, SolicitedNodeGroup(Ip("fe80::1")), Bytes(bytes, bytes + size));
    uint8_t answer[kMaxNdpEmit];
    const size_t length =
        EmitNeighborAdvertisement(host, /*router=*/true, false, true, kPeerMac, answer);
    world.ReceiveNdp(host, Ip("ff02::1"), Bytes(answer, answer + length));
    ASSERT_TRUE(world.Neighbor(host)->router);
    Solicit(host, with_link_address);
    EXPECT_FALSE(world.Neighbor(host)->router) << with_link_address;
  }
}

TEST_F(Advertiser, Rfc4861_S6_2_6_ASolicitationFromNobodyTeachesNothing) {
  Start();
  Solicit(Ip("::"), /*with_link_address=*/false);
  EXPECT_FALSE(world.Neighbor(Ip("::")).has_value());
  Solicit(Ip("fe80::99"), /*with_link_address=*/false);
  EXPECT_FALSE(world.Neighbor(Ip("fe80::99")).has_value());
}

TEST_F(Advertiser, Rfc4861_S6_1_1_UnknownOptionsAndReservedBitsAreIgnored) {
  Start();
  (void)Collect(seconds(60));
  const Bytes message = {133, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 200, 1, 0, 0, 0, 0, 0, 0};
  world.ReceiveNdp(Ip("fe80::99"), Ip("ff02::2"), message);
  EXPECT_EQ(Collect(seconds(1)).size(), 1u);
}

TEST_F(Advertiser, Rfc4861_S6_2_6_AnswersAreDelayedAtRandom) {
  Start();
  (void)Collect(seconds(60));
  std::set<int64_t> delays;
  for (int i = 0; i < 12; ++i) {
    const Time asked = world.clock.Now();
    Solicit(Ip("fe80::99"), true);
    while (world.Silent() && world.clock.Now() < asked + seconds(2)) world.Advance(milliseconds(5));
    EXPECT_LE(world.clock.Now() - asked, milliseconds(510));  // MAX_RA_DELAY_TIME
    delays.insert((world.clock.Now() - asked) / milliseconds(5));
    (void)Collect(seconds(5));
  }
  EXPECT_GE(delays.size(), 3u);
}

TEST_F(Advertiser, Rfc4861_S6_1_1_BadSolicitationsAreDropped) {
  Start();
  (void)Collect(seconds(60));
  Solicit(Ip("::"), /*with_link_address=*/true);
  Bytes message(kMaxNdpEmit);
  message.resize(EmitRouterSolicitation(std::nullopt, message.data()));
  world.ReceiveNdp(Ip("fe80::99"), Ip("ff02::2"), message, /*hop_limit=*/254);
  EXPECT_TRUE(Collect(seconds(5)).empty());
  Solicit(Ip("::"), /*with_link_address=*/false);
  EXPECT_EQ(Collect(seconds(1)).size(), 1u);
}

TEST_F(Advertiser, Rfc4861_S6_2_5_StoppingIsToldWithLifetimeZero) {
  Start();
  (void)Collect(seconds(60));
  ASSERT_TRUE(world.stack.StopRouterAdvertisement(kEth0).ok());
  ExpectFarewell(Collect(seconds(2000)));
}

TEST_F(Advertiser, Rfc4861_S6_2_5_WhoStopsForwardingSaysSoAndMayComeBack) {
  Start();
  (void)Collect(seconds(60));
  ASSERT_TRUE(world.stack.SetSysctl("ipv6.conf.eth0.forwarding", "0").ok());
  ExpectFarewell(Collect(seconds(2000)));
  Solicit(Ip("fe80::99"), true);
  EXPECT_TRUE(Collect(seconds(5)).empty());
  ASSERT_TRUE(world.stack.SetSysctl("ipv6.conf.eth0.forwarding", "1").ok());
  const auto sent = Collect(seconds(20));
  ASSERT_GE(sent.size(), 2u);  // as in the beginning
  EXPECT_EQ(ParseRouterAdvertisement(sent[0].second.payload)->router_lifetime, 1800);
}

TEST_F(Advertiser, AHostDoesNotAdvertise) {
  world.Set("ipv6.conf.all.forwarding", "0");
  Start();
  EXPECT_TRUE(Collect(seconds(100)).empty());
}

TEST_F(Advertiser, WithoutALinkLocalAddressNothingIsSentUntilThereIsOne) {
  const Prefix own = *Prefix::Parse("fe80::1/64");
  ASSERT_TRUE(world.stack.RemoveAddress(kEth0, own).ok());
  Start();
  EXPECT_TRUE(Collect(seconds(100)).empty());
  ASSERT_TRUE(world.stack.AddAddress(kEth0, own, {}).ok());
  const auto sent = Collect(seconds(3));  // after duplicate address detection
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].second.source, Ip("fe80::1"));
}

TEST_F(Advertiser, ALinkThatComesUpIsToldAnew) {
  Start();
  (void)Collect(seconds(60));
  ASSERT_TRUE(world.stack.SetInterfaceUp(kEth0, false).ok());
  EXPECT_TRUE(Collect(seconds(2000)).empty());
  ASSERT_TRUE(world.stack.SetInterfaceUp(kEth0, true).ok());
  EXPECT_GE(Collect(seconds(20)).size(), 2u);
}

TEST_F(Advertiser, Rfc8106_S5_1_NameServersAreTold) {
  options.name_servers = {Ip("2001:db8::53"), Ip("2001:db8::54")};
  options.name_server_lifetime = 77;
  Start();
  const auto sent = Collect(seconds(1));
  ASSERT_EQ(sent.size(), 1u);
  const Bytes& message = sent[0].second.payload;
  ASSERT_GE(message.size(), 40u);
  const size_t at = message.size() - 40;
  EXPECT_EQ(message[at], 25);
  EXPECT_EQ(message[at + 1], 5);
  EXPECT_EQ(LoadBe32(message.data() + at + 4), 77u);
  EXPECT_EQ(IpAddress::V6(message.data() + at + 8), Ip("2001:db8::53"));
  EXPECT_EQ(IpAddress::V6(message.data() + at + 24), Ip("2001:db8::54"));
  EXPECT_TRUE(ParseRouterAdvertisement(message).has_value());
}

TEST_F(Advertiser, AHostOfTheStackBelievesIt) {
  Start();
  const auto sent = Collect(seconds(1));
  ASSERT_EQ(sent.size(), 1u);
  StackWorld host;
  ASSERT_TRUE(host.stack.SetSysctl("ipv6.conf.eth0.accept_ra", "1").ok());
  host.ReceiveNdp(Ip("fe80::99"), Ip("ff02::1"), sent[0].second.payload);
  bool autoconfigured = false;
  for (const AddressInfo& info : host.stack.Addresses()) {
    autoconfigured |= info.options.autoconfigured &&
                      info.prefix.address.InPrefix(Ip("2001:db8::"), 64);
  }
  EXPECT_TRUE(autoconfigured);
}

TEST_F(Advertiser, Rfc4861_S6_2_1_ValuesOutOfBoundsAreRefused) {
  const auto refused = [&](auto change) {
    RouterAdvertisementOptions bad = options;
    change(bad);
    return world.stack.SetRouterAdvertisement(kEth0, bad).code() ==
           absl::StatusCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused([](auto& o) { o.max_interval = 3; }));
  EXPECT_TRUE(refused([](auto& o) { o.max_interval = 1801; }));
  EXPECT_TRUE(refused([](auto& o) { o.min_interval = 451; }));
  EXPECT_TRUE(refused([](auto& o) { o.lifetime = 599; }));
  EXPECT_TRUE(refused([](auto& o) { o.lifetime = 9001; }));
  EXPECT_TRUE(refused([](auto& o) { o.mtu = 1279; }));
  EXPECT_TRUE(refused([](auto& o) { o.prefixes[0].prefix = *Prefix::Parse("fe80::/64"); }));
  EXPECT_TRUE(refused([](auto& o) { o.name_servers.assign(9, Ip("2001:db8::53")); }));
  EXPECT_TRUE(refused([](auto& o) { o.prefixes[0].preferred = 0xffffffff; }));
}

TEST_F(Advertiser, ObserversHearWhatIsSaidAndWhetherItIs) {
  struct Log : StackObserver {
    void OnInterfaceChanged(const InterfaceInfo&, bool) override {}
    void OnAddressChanged(const AddressInfo&, bool) override {}
    void OnRouteChanged(const RouteInfo&, bool) override {}
    void OnNeighborChanged(const NeighborInfo&, bool) override {}
    void OnRouterAdvertisementChanged(const RouterAdvertisementInfo& info, bool removed) override {
      text += (removed ? " -" : " +") + std::to_string(info.options.max_interval) +
              (info.advertising ? "!" : "");
    }
    std::string Take() { return std::exchange(text, {}); }
    std::string text;
  } log;
  world.stack.AddObserver(&log);
  Start();
  EXPECT_EQ(log.Take(), " +600!");
  options.max_interval = 500;
  Start();
  EXPECT_EQ(log.Take(), " +500!");
  Collect(seconds(20));
  EXPECT_EQ(log.Take(), "");
  ASSERT_TRUE(world.stack.SetInterfaceUp(kEth0, false).ok());
  EXPECT_EQ(log.Take(), " +500");
  ASSERT_TRUE(world.stack.SetInterfaceUp(kEth0, true).ok());
  Collect(seconds(3));
  EXPECT_EQ(log.Take(), " +500!");
  ASSERT_TRUE(world.stack.StopRouterAdvertisement(kEth0).ok());
  ASSERT_TRUE(world.stack.StopRouterAdvertisement(kEth0).ok());
  EXPECT_EQ(log.Take(), " -500!");
  Start();
  log.Take();
  ASSERT_TRUE(world.stack.RemoveInterface(kEth0).ok());
  EXPECT_EQ(log.Take(), " -500!");
  EXPECT_TRUE(world.stack.RouterAdvertisements().empty());
  world.stack.RemoveObserver(&log);
}

}  // namespace
}  // namespace moat::netstack
