// Redirects received: RFC 1122 3.2.2.2 and RFC 4861 8, and the sysctls that govern them.

#include "netstack/stack/stack_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::seconds;

class Redirects : public testing::TestWithParam<Family> {
 protected:
  Redirects() {
    // The gateway that routes name is the one that redirects.
    RouteInfo route;
    route.destination = {IpAddress::Any(GetParam()), 0};
    EXPECT_TRUE(world.stack.RemoveRoute(route).ok());
    route.gateway = gateway;
    route.interface = kEth0;
    EXPECT_TRUE(world.stack.AddRoute(route).ok());
    world.Know(gateway, kPeerMac);
    world.Know(better, kOtherMac);
    socket = world.UdpSocket(GetParam());
  }
  bool v4() const { return GetParam() == Family::kIpv4; }
  void Set(const std::string& name, const std::string& value) {
    EXPECT_TRUE(world.stack.SetSysctl(name, value).ok()) << name;
  }
  // What the stack sent to `cast.remote`, as an error quotes it.
  Bytes Sent() const { return IpPacket(cast.own, cast.remote, 17, Pattern(32)); }
  void Receive(const IpAddress& router, const IpAddress& target, uint8_t code = 1) {
    if (v4()) {
      world.ReceiveIcmp(router, cast.own, icmpv4_type::kRedirect, code, LoadBe32(target.data()),
                        Sent());
      return;
    }
    Bytes message(kMaxNdpRedirect);
    message.resize(EmitRedirect(target, cast.remote, std::nullopt, Sent(), message.data()));
    world.ReceiveNdp(router, cast.own, message);
  }
  MacAddress FirstHop() {
    EXPECT_EQ(StackWorld::SendTo(*socket, {cast.remote, 9}, Pattern(1)), Error::kOk);
    const ParsedFrame frame = world.Next();
    EXPECT_EQ(frame.destination, cast.remote);
    return frame.to;
  }

  StackWorld world;
  Cast cast = CastOf(GetParam());
  IpAddress gateway = Ip(GetParam() == Family::kIpv4 ? "192.0.2.254" : "fe80::fe");
  IpAddress better = Ip(GetParam() == Family::kIpv4 ? "192.0.2.253" : "fe80::fd");
  std::unique_ptr<DatagramSocket> socket;
};
INSTANTIATE_TEST_SUITE_P(Families, Redirects, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& info) {
                           return info.param == Family::kIpv4 ? "Ipv4" : "Ipv6";
                         });

TEST_P(Redirects, Rfc1122_S3_2_2_2_TheBetterHopIsUsedFromNowOn) {
  EXPECT_EQ(FirstHop(), kPeerMac);
  Receive(gateway, better);
  EXPECT_EQ(FirstHop(), kOtherMac);
}

TEST_P(Redirects, OnlyTheCurrentFirstHopMayRedirect) {
  Receive(v4() ? cast.other : Ip("fe80::3"), better);
  EXPECT_EQ(FirstHop(), kPeerMac);
  Receive(gateway, better);
  Receive(gateway, v4() ? cast.other : Ip("fe80::3"));  // no longer the first hop
  EXPECT_EQ(FirstHop(), kOtherMac);
  EXPECT_EQ(world.Count("Drop.RedirectRefused"), 2u);
}

TEST_P(Redirects, AreIgnoredWhenSwitchedOff) {
  if (v4()) Set("ipv4.conf.all.accept_redirects", "0");
  Set(v4() ? "ipv4.conf.eth0.accept_redirects" : "ipv6.conf.eth0.accept_redirects", "0");
  Receive(gateway, better);
  EXPECT_EQ(FirstHop(), kPeerMac);
}

TEST_P(Redirects, ARouterIgnoresThem) {
  Set(v4() ? "ipv4.ip_forward" : "ipv6.conf.all.forwarding", "1");
  world.Advance(seconds(2));
  world.link.Clear();
  Receive(gateway, better);
  EXPECT_EQ(FirstHop(), kPeerMac);
}

TEST_P(Redirects, OtherDestinationsAreNotConcerned) {
  Receive(gateway, better);
  const IpAddress elsewhere = Ip(v4() ? "198.51.100.10" : "2001:db8:9::a");
  EXPECT_EQ(StackWorld::SendTo(*socket, {elsewhere, 9}, Pattern(1)), Error::kOk);
  EXPECT_EQ(world.Next().to, kPeerMac);
}

TEST_P(Redirects, AreForgottenInTime) {
  Receive(gateway, better);
  world.Advance(seconds(301));
  // A new look at the routes; a cached one lasts until something changes.
  ASSERT_TRUE(world.stack.SetInterfaceMtu(kEth0, 1400).ok());
  EXPECT_EQ(FirstHop(), kPeerMac);
}

TEST_P(Redirects, AreForgottenWhenTheirGatewayFails) {
  const IpAddress silent = Ip(v4() ? "192.0.2.99" : "fe80::99");
  Receive(gateway, silent);
  EXPECT_EQ(StackWorld::SendTo(*socket, {cast.remote, 9}, Pattern(1)), Error::kOk);
  world.Advance(seconds(4));
  world.link.Clear();
  (void)socket->TakeError();
  EXPECT_EQ(FirstHop(), kPeerMac);
}

TEST_P(Redirects, ToOurselvesOrToNoHostAreRefused) {
  Receive(gateway, v4() ? cast.own : Ip("fe80::1"));
  if (v4()) {
    for (const char* bad : {"192.0.2.255", "224.0.0.1", "10.0.0.1", "0.0.0.0"}) {
      Receive(gateway, Ip(bad));
    }
  }
  EXPECT_EQ(FirstHop(), kPeerMac);
}

class RedirectsV4 : public Redirects {};
INSTANTIATE_TEST_SUITE_P(Ipv4, RedirectsV4, testing::Values(Family::kIpv4));

TEST_P(RedirectsV4, Rfc1122_S3_2_2_2_NetworkRedirectsAreTakenAsForHosts) {
  Receive(gateway, better, /*code=*/0);
  EXPECT_EQ(FirstHop(), kOtherMac);
}

TEST_P(RedirectsV4, SecureRedirectsGoOnlyToKnownGateways) {
  Set("ipv4.conf.all.shared_media", "0");
  Set("ipv4.conf.eth0.shared_media", "0");
  Receive(gateway, better);
  EXPECT_EQ(FirstHop(), kPeerMac);
  RouteInfo route;
  route.destination = *Prefix::Parse("10.0.0.0/8");
  route.gateway = better;
  route.interface = kEth0;
  ASSERT_TRUE(world.stack.AddRoute(route).ok());
  Receive(gateway, better);
  EXPECT_EQ(FirstHop(), kOtherMac);
}

class RedirectsV6 : public Redirects {};
INSTANTIATE_TEST_SUITE_P(Ipv6, RedirectsV6, testing::Values(Family::kIpv6));

TEST_P(RedirectsV6, Rfc4861_S8_1_BadOnesAreDropped) {
  Bytes good(kMaxNdpRedirect);
  good.resize(EmitRedirect(better, cast.remote, std::nullopt, Sent(), good.data()));
  world.ReceiveNdp(gateway, cast.own, good, /*hop_limit=*/254);
  world.ReceiveNdp(cast.peer, cast.own, good);  // the source is not link-local
  Bytes code = good;
  code[1] = 1;
  world.ReceiveNdp(gateway, cast.own, code);
  Bytes truncated(good.begin(), good.begin() + 39);
  world.ReceiveNdp(gateway, cast.own, truncated);
  Bytes zero_option = good;
  zero_option[41] = 0;
  world.ReceiveNdp(gateway, cast.own, zero_option);
  Bytes global_target(kMaxNdpRedirect);
  global_target.resize(EmitRedirect(cast.other, cast.remote, std::nullopt, Sent(),
                                    global_target.data()));
  world.ReceiveNdp(gateway, cast.own, global_target);
  EXPECT_EQ(FirstHop(), kPeerMac);
  EXPECT_EQ(world.Count("Drop.NdpInvalid"), 6u);
}

TEST_P(RedirectsV6, Rfc4861_S8_3_TheLinkAddressOptionIsLearned) {
  const IpAddress fresh = Ip("fe80::77");
  Bytes message(kMaxNdpRedirect);
  message.resize(EmitRedirect(fresh, cast.remote, kOtherMac, Sent(), message.data()));
  world.ReceiveNdp(gateway, cast.own, message);
  EXPECT_EQ(world.Neighbor(fresh)->state, NeighborState::kStale);
  EXPECT_TRUE(world.Neighbor(fresh)->router);
  EXPECT_EQ(FirstHop(), kOtherMac);
}

TEST_P(RedirectsV6, Rfc4861_S8_3_TheDestinationMayBeOnLink) {
  Bytes message(kMaxNdpRedirect);
  message.resize(EmitRedirect(cast.remote, cast.remote, kOtherMac, Sent(), message.data()));
  world.ReceiveNdp(gateway, cast.own, message);
  EXPECT_FALSE(world.Neighbor(cast.remote)->router);
  EXPECT_EQ(FirstHop(), kOtherMac);
}

}  // namespace
}  // namespace moat::netstack
