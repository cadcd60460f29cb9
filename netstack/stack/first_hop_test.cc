// Which router a packet goes to, by its source (RFC 8028), and which source by what the program
// wants (RFC 6724 5, rule 7).
#include "netstack/stack/router_discovery_test_world.h"

namespace moat::netstack {
namespace {

using std::chrono::seconds;

constexpr uint8_t kHigh = 1, kMedium = 0, kLow = 3;

class FirstHops : public Discovery {
 protected:
  FirstHops() {
    EXPECT_TRUE(world.stack.RemoveAddress(kEth0, *Prefix::Parse("2001:db8::1/64")).ok());
    world.Know(router, kPeerMac);
    world.Know(second, kOtherMac);
  }
  // Where a datagram from this address goes.
  MacAddress HopOf(const IpAddress& source) {
    world.link.Clear();
    auto socket = world.UdpSocket(Family::kIpv6);
    EXPECT_EQ(socket->Bind({source, 0}), Error::kOk);
    EXPECT_EQ(StackWorld::SendTo(*socket, far_away, Pattern(1)), Error::kOk);
    return world.Next().to;
  }
  const Endpoint far_away{Ip("2001:db8:77::1"), 9};
  const IpAddress other_own = Ip("2001:db8:6::ff:fe00:1");
  const Bytes other_prefix = Option({.prefix = "2001:db8:6::"});
};

TEST_F(FirstHops, Rfc8028_S3_2_EachSourceHasItsRouter) {
  Receive(router, Ra(1800, prefix));
  Receive(second, Ra(1800, other_prefix));
  world.Advance(seconds(3));
  EXPECT_EQ(HopOf(own), kPeerMac);
  EXPECT_EQ(HopOf(other_own), kOtherMac);
}

TEST_F(FirstHops, Rfc8028_S3_2_WhateverThePreferencesAre) {
  Receive(router, Ra(1800, prefix, kLow));
  Receive(second, Ra(1800, {}, kHigh));
  world.Advance(seconds(3));
  EXPECT_EQ(HopOf(own), kPeerMac);
  EXPECT_EQ(FirstHop(), kPeerMac);  // from `own`, too
  // Where both advertise it, the preference decides.
  Receive(second, Ra(1800, prefix, kHigh));
  EXPECT_EQ(HopOf(own), kOtherMac);
}

TEST_F(FirstHops, Rfc8028_S3_2_AddressesThatNoRouterAdvertisedGoAsEver) {
  AddressOptions at_once;
  at_once.no_dad = true;
  ASSERT_TRUE(world.stack.AddAddress(kEth0, *Prefix::Parse("2001:db8:8::8/64"), at_once).ok());
  Receive(router, Ra(1800, prefix, kMedium));
  Receive(second, Ra(1800, other_prefix, kHigh));
  world.Advance(seconds(3));
  EXPECT_EQ(HopOf(Ip("2001:db8:8::8")), kOtherMac);
}

TEST_F(FirstHops, Rfc8028_S3_2_ItsRouterMustBeOne) {
  Receive(router, Ra(1800, prefix));
  Receive(second, Ra(1800, {}));
  world.Advance(seconds(3));
  EXPECT_EQ(HopOf(own), kPeerMac);
  Receive(router, Ra(0));  // does not take the prefix back
  EXPECT_EQ(HopOf(own), kOtherMac);
}

TEST_F(FirstHops, Rfc8028_S3_2_ARouterThatDoesNotAnswerIsPassedOver) {
  ASSERT_TRUE(world.stack.RemoveNeighbor(kEth0, router).ok());
  Receive(router, Ra(1800, prefix + SourceOption(kPeerMac)));
  Receive(second, Ra(1800, {}));
  world.Advance(seconds(3));
  EXPECT_EQ(HopOf(own), kPeerMac);
  world.Advance(seconds(10));  // delay, three probes, failure
  EXPECT_EQ(HopOf(own), kOtherMac);
}

// Neither on the link nor for addresses: it says that the router takes what comes from there.
TEST_F(FirstHops, Rfc8028_S3_1_APrefixWithoutFlagsCountsToo) {
  Receive(router, Ra(1800, prefix));
  Receive(second, Ra(1800,
                     Option({.prefix = "2001:db8:5::", .on_link = false, .autonomous = false}),
                     kHigh));
  world.Advance(seconds(3));
  EXPECT_EQ(HopOf(own), kOtherMac);
}

// More-specific routes are not about default routers.
TEST_F(FirstHops, Rfc4191_S3_2_ALongerRouteCountsFirst) {
  Set("accept_ra_rt_info_max_plen", "64");
  Receive(router, Ra(1800, prefix));
  Receive(second, Ra(1800, RouteOption("2001:db8:77::", 48, kMedium, 1800)));
  world.Advance(seconds(3));
  EXPECT_EQ(HopOf(own), kOtherMac);
}

// --- What programs want of sources ---------------------------------------------------------------

class WishesOfPrograms : public FirstHops {
 protected:
  using enum TemporaryAddresses;
  void Temporaries(const char* mode) {
    Set("use_tempaddr", mode);
    Receive(router, Ra(1800, prefix));
    world.Advance(seconds(3));
    ASSERT_EQ(Temporary().size(), 1u);
    temporary = Temporary()[0].prefix.address;
  }
  IpAddress SourceOf(TemporaryAddresses wanted) {
    world.link.Clear();
    auto socket = world.UdpSocket(Family::kIpv6);
    SocketOptions options = socket->options();
    options.temporary_addresses = wanted;
    socket->SetOptions(options);
    EXPECT_EQ(StackWorld::SendTo(*socket, far_away, Pattern(1)), Error::kOk);
    return world.Next().source;
  }
  IpAddress temporary;
};

TEST_F(WishesOfPrograms, Rfc6724_S5_Rule7_APublicOneIsHadForTheAsking) {
  Temporaries("2");
  EXPECT_EQ(SourceOf(kByInterface), temporary);
  EXPECT_EQ(SourceOf(kAvoid), own);
  EXPECT_EQ(SourceOf(kByInterface), temporary);  // the next program's wish is its own
}

TEST_F(WishesOfPrograms, Rfc6724_S5_Rule7_ATemporaryOneIsHadForTheAsking) {
  Temporaries("1");
  EXPECT_EQ(SourceOf(kByInterface), own);
  EXPECT_EQ(SourceOf(kPrefer), temporary);
  EXPECT_EQ(SourceOf(kByInterface), own);
}

TEST_F(WishesOfPrograms, Rfc6724_S5_Rule7_TcpAsWell) {
  Temporaries("2");
  for (const bool wants_public : {true, false}) {
    world.link.Clear();
    auto socket = world.stack.NewTcpSocket(Family::kIpv6);
    SocketOptions options = socket->options();
    if (wants_public) options.temporary_addresses = kAvoid;
    socket->SetOptions(options);
    EXPECT_EQ(socket->Connect(far_away), Error::kInProgress);
    EXPECT_EQ(world.Next().source, wants_public ? own : temporary);
  }
}

// --- Candidates, and the order of the rules ------------------------------------------------------

class Candidates : public testing::Test {
 protected:
  Candidates() {
    EXPECT_TRUE(world.stack
                    .AddInterface({.index = 3, .name = "eth1", .mac = kOtherMac, .mtu = 1500,
                                   .up = true, .running = true, .link = &other_link})
                    .ok());
    Add(3, "2001:db8:1::1/64");
    Add(3, "fe80::3/64");
  }
  void Add(InterfaceIndex interface, const char* address, bool deprecated = false) {
    AddressOptions options;
    options.no_dad = true;
    options.deprecated = deprecated;
    EXPECT_TRUE(world.stack.AddAddress(interface, *Prefix::Parse(address), options).ok());
  }
  IpAddress SourceFor(const char* destination, InterfaceIndex interface = kEth0) {
    const Result<IpAddress> source = world.stack.SelectSource(Ip(destination), interface);
    return source.ok() ? *source : Ip("::");
  }
  StackWorld world;
  ChannelLink other_link{{}};
};

TEST_F(Candidates, Rfc6724_S4_OfTheOutgoingLinkForGroupsAndTheLink) {
  ASSERT_TRUE(world.stack.RemoveAddress(kEth0, *Prefix::Parse("2001:db8::1/64")).ok());
  EXPECT_EQ(SourceFor("2001:db8:77::1"), Ip("2001:db8:1::1"));  // else of any
  EXPECT_EQ(SourceFor("ff0e::77"), Ip("fe80::1"));              // although its scope is less
  EXPECT_EQ(SourceFor("ff02::77"), Ip("fe80::1"));
  EXPECT_EQ(SourceFor("fe80::9"), Ip("fe80::1"));
  EXPECT_EQ(SourceFor("fe80::9", 3), Ip("fe80::3"));
}

// Each pair of neighbouring rules pulls in two directions.
TEST_F(Candidates, Rfc6724_S5_EarlierRulesCountFirst) {
  // 1 before 3: itself, deprecated as it is.
  Add(kEth0, "2001:db8:2::2/64", /*deprecated=*/true);
  EXPECT_EQ(SourceFor("2001:db8:2::2"), Ip("2001:db8:2::2"));
  // 2 before 3: of the right scope, deprecated.
  ASSERT_TRUE(world.stack.RemoveAddress(kEth0, *Prefix::Parse("2001:db8::1/64")).ok());
  ASSERT_TRUE(world.stack.RemoveAddress(3, *Prefix::Parse("2001:db8:1::1/64")).ok());
  EXPECT_EQ(SourceFor("2001:db8:77::1"), Ip("2001:db8:2::2"));
  // 3 before 5: of another interface, but not deprecated.
  Add(3, "2001:db8:1::1/64");
  EXPECT_EQ(SourceFor("2001:db8:77::1"), Ip("2001:db8:1::1"));
  // 5 before 6: of the outgoing interface, of another label.
  Add(kEth0, "fd00::1/64");
  EXPECT_EQ(SourceFor("2001:db8:77::1"), Ip("fd00::1"));
  // 6 before 8: of the label, with a shorter common prefix.
  Add(kEth0, "fc00::1/64");
  Add(kEth0, "2002:c000:201::1/64");
  EXPECT_EQ(SourceFor("2002:c633:6401::1"), Ip("2002:c000:201::1"));
  EXPECT_EQ(SourceFor("fc00::9"), Ip("fc00::1"));
}

}  // namespace
}  // namespace moat::netstack
