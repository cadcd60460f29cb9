// What a whole stack counts when a table is full: redirects, path MTUs, and what routers advertise.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "netstack/ip/path_mtu.h"
#include "netstack/ip/redirect_table.h"
#include "netstack/ip/v6/router_discovery.h"
#include "netstack/stack/router_discovery_test_world.h"

namespace moat::netstack {
namespace {

class AdvertisedLimits : public Discovery {
 protected:
  static std::string Numbered(const char* form, size_t n) { return absl::StrCat(form, n, "::"); }
};

TEST_F(AdvertisedLimits, Routers) {
  for (size_t n = 1; n <= RouterDiscovery::kMaxRouters; ++n) {
    Receive(Ip(absl::StrCat("fe80::1:", n)), Ra(1800));
  }
  EXPECT_EQ(world.Count("Memory.FullRouters"), 0u);
  Receive(Ip("fe80::2:1"), Ra(1800));
  EXPECT_EQ(world.Count("Memory.FullRouters"), 1u);
}

TEST_F(AdvertisedLimits, PrefixesAndAddresses) {
  for (size_t n = 1; n <= RouterDiscovery::kMaxPrefixes; ++n) {
    const std::string prefix = Numbered("2001:db8:5:", n);
    Receive(router, Ra(1800, Option({.prefix = prefix.c_str(), .autonomous = false})));
  }
  EXPECT_EQ(world.Count("Memory.FullPrefixes"), 0u);
  EXPECT_EQ(world.Count("Memory.FullAutoAddresses"), 0u);
  for (size_t n = 1; n <= AutoAddresses::kMax + 1; ++n) {
    const std::string prefix = Numbered("2001:db8:6:", n);
    Receive(router, Ra(1800, Option({.prefix = prefix.c_str(), .on_link = false})));
  }
  EXPECT_EQ(world.Count("Memory.FullPrefixes"), 0u);
  EXPECT_EQ(world.Count("Memory.FullAutoAddresses"), 1u);
  Receive(router, Ra(1800, Option({.prefix = "2001:db8:7::", .autonomous = false})));
  EXPECT_EQ(world.Count("Memory.FullPrefixes"), 1u);
}

TEST_F(AdvertisedLimits, Routes) {
  Set("accept_ra_rt_info_max_plen", "64");
  for (size_t n = 1; n <= RouterDiscovery::kMaxRoutes; ++n) {
    Receive(router, Ra(1800, RouteOption(Numbered("2001:db8:8:", n).c_str(), 64, 0, 1800)));
  }
  EXPECT_EQ(world.Count("Memory.FullRouterRoutes"), 0u);
  Receive(router, Ra(1800, RouteOption("2001:db8:9::", 64, 0, 1800)));
  EXPECT_EQ(world.Count("Memory.FullRouterRoutes"), 1u);
}

TEST_F(AdvertisedLimits, NameServers) {
  const auto option = [](size_t n) {
    Bytes bytes(24);
    bytes[0] = 25;  // RFC 8106 5.1
    bytes[1] = 3;
    StoreBe32(bytes.data() + 4, 1800);
    std::memcpy(bytes.data() + 8, Ip(absl::StrCat("2001:db8::5:", n)).data(), 16);
    return bytes;
  };
  for (size_t n = 1; n <= RouterDiscovery::kMaxNameServers; ++n) {
    Receive(router, Ra(1800, option(n)));
  }
  EXPECT_EQ(world.Count("Memory.FullNameServers"), 0u);
  Receive(router, Ra(1800, option(99)));
  EXPECT_EQ(world.Count("Memory.FullNameServers"), 1u);
}

// Destinations far away, of which all go by the gateway of the default route.
class LearnedLimits : public testing::Test {
 protected:
  LearnedLimits() {
    RouteInfo route;
    route.destination = *Prefix::Parse("0.0.0.0/0");
    EXPECT_TRUE(world.stack.RemoveRoute(route).ok());
    route.gateway = gateway;
    route.interface = kEth0;
    EXPECT_TRUE(world.stack.AddRoute(route).ok());
    EXPECT_EQ(socket->Bind({cast.own, kPort}), Error::kOk);
    world.Know(gateway, kPeerMac);
    world.Know(better, kOtherMac);
  }
  static IpAddress Far(size_t n) {
    return IpAddress::V4(100, 64, static_cast<uint8_t>(n >> 8), static_cast<uint8_t>(n));
  }
  // What the socket may have sent to it, as an error quotes it.
  Bytes SentTo(const IpAddress& far) const {
    return IpPacket(cast.own, far, ip_protocol::kUdp,
                    UdpDatagram(cast.own, far, kPort, 53, Pattern(24)));
  }

  static constexpr uint16_t kPort = 4000;
  StackWorld world;
  std::unique_ptr<DatagramSocket> socket = world.UdpSocket(Family::kIpv4);
  Cast cast = CastOf(Family::kIpv4);
  IpAddress gateway = Ip("192.0.2.254");
  IpAddress better = Ip("192.0.2.253");
};

TEST_F(LearnedLimits, Redirects) {
  const auto redirect = [&](size_t n) {
    world.ReceiveIcmp(gateway, cast.own, icmpv4_type::kRedirect, 1, LoadBe32(better.data()),
                      SentTo(Far(n)));
  };
  for (size_t n = 0; n < RedirectTable::kMaxRows; ++n) redirect(n);
  EXPECT_EQ(world.Count("Drop.RedirectRefused"), 0u);
  EXPECT_EQ(world.Count("Memory.FullRedirects"), 0u);
  redirect(RedirectTable::kMaxRows);
  EXPECT_EQ(world.Count("Memory.FullRedirects"), 1u);
}

TEST_F(LearnedLimits, PathMtus) {
  const auto too_big = [&](size_t n) {
    world.ReceiveIcmp(gateway, cast.own, icmpv4_type::kDestinationUnreachable,
                      icmpv4_code::kFragmentationNeeded, 1400, SentTo(Far(n)));
  };
  for (size_t n = 0; n < PathMtuCache::kMaxEntries; ++n) too_big(n);
  EXPECT_EQ(world.Count("Memory.FullPathMtus"), 0u);
  too_big(PathMtuCache::kMaxEntries);
  EXPECT_EQ(world.Count("Memory.FullPathMtus"), 1u);
}

}  // namespace
}  // namespace moat::netstack
