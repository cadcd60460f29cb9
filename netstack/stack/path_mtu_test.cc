// Path MTUs as programs have them, in both families (RFC 1191, RFC 8201).
#include <memory>
#include <vector>

#include "netstack/stack/host_test_world.h"

namespace moat::netstack {
namespace {

class PathMtu : public HostStory {
 protected:
  PathMtu() {
    socket = world.UdpSocket(GetParam());
    EXPECT_EQ(socket->Connect({cast.remote, 53}), Error::kOk);
  }
  size_t Overhead() const { return (v4() ? kIpv4HeaderSize : kIpv6HeaderSize) + 8; }
  // The size of the IP packets that one datagram of `payload` bytes becomes.
  std::vector<size_t> Sizes(size_t payload) {
    EXPECT_EQ(StackWorld::SendTo(*socket, {cast.remote, 53}, Pattern(payload)), Error::kOk);
    std::vector<size_t> sizes;
    while (!world.Silent()) {
      last = world.link.TakeFrame();
      sizes.push_back(last.size() - kEthernetHeaderSize);
    }
    return sizes;
  }
  // `believed`: the connected socket is told then, as on Linux.
  void ReportTooBig(uint32_t mtu, bool believed = true) {
    const Bytes quoted(last.begin() + kEthernetHeaderSize, last.end());
    if (v4()) {
      world.ReceiveIcmp(cast.gateway, cast.own, icmpv4_type::kDestinationUnreachable,
                        icmpv4_code::kFragmentationNeeded, mtu, quoted);
    } else {
      world.ReceiveIcmp(cast.gateway, cast.own, icmpv6_type::kPacketTooBig, 0, mtu, quoted);
    }
    EXPECT_EQ(socket->TakeError(), believed ? Error::kMessageSize : Error::kOk);
  }
  std::unique_ptr<DatagramSocket> socket;
  Bytes last;
};
INSTANTIATE_TEST_SUITE_P(Families, PathMtu, kFamilies, FamilyName);

TEST_P(PathMtu, IsObeyedAfterTooBig) {
  EXPECT_EQ(Sizes(1500 - Overhead()), std::vector<size_t>{1500});
  ReportTooBig(1400);
  for (size_t size : Sizes(1500 - Overhead())) EXPECT_LE(size, 1400u);
  EXPECT_EQ(Sizes(1400 - Overhead()), std::vector<size_t>{1400});
}

// RFC 8899 3: a program that looks for the path's MTU sends probes that are bigger than what is
// known of it, and whole.
TEST_P(PathMtu, Rfc8899_S3_AProbeMayBeBigger) {
  using Discover = SocketOptions::MtuDiscover;
  const auto choose = [&](Discover discover) {
    SocketOptions options = socket->options();
    options.mtu_discover = discover;
    socket->SetOptions(options);
  };
  (void)Sizes(1000);
  ReportTooBig(1300);
  choose(Discover::kProbe);
  EXPECT_EQ(Sizes(1500 - Overhead()), std::vector<size_t>{1500});
  EXPECT_TRUE(!v4() || (last[kEthernetHeaderSize + 6] & 0x40) != 0);
  EXPECT_EQ(StackWorld::SendTo(*socket, {cast.remote, 53}, Pattern(1501 - Overhead())),
            Error::kMessageSize);
  // Nor do these believe it; but they have nothing against fragments on the way, or at all.
  for (const Discover discover : {Discover::kInterface, Discover::kOmit}) {
    choose(discover);
    EXPECT_EQ(Sizes(1500 - Overhead()), std::vector<size_t>{1500});
    EXPECT_TRUE(!v4() || (last[kEthernetHeaderSize + 6] & 0x40) == 0);
  }
  EXPECT_EQ(Sizes(1501 - Overhead()).size(), 2u);
  choose(Discover::kWant);
  EXPECT_GT(Sizes(1400 - Overhead()).size(), 1u) << "what was learned is known still";
}

TEST_P(PathMtu, NeverGrowsByAReport) {
  (void)Sizes(1000);
  ReportTooBig(1300);
  ReportTooBig(1450);
  EXPECT_GT(Sizes(1400 - Overhead()).size(), 1u);
}

// IPv4's estimate has a floor; what is less than IPv6 has is no message at all (RFC 8201 4).
TEST_P(PathMtu, HasAFloor) {
  (void)Sizes(1000);
  ReportTooBig(68, /*believed=*/v4());
  const size_t floor = v4() ? 552 : 1500;
  EXPECT_EQ(Sizes(floor - Overhead()), std::vector<size_t>{floor});
  EXPECT_GT(Sizes(floor - Overhead() + 1).size(), 1u);
  EXPECT_EQ(world.Count("Drop.IcmpBadMtu"), v4() ? 0u : 1u);
}

// RFC 8201 4, RFC 5927 7: a message about a datagram that no socket can have sent is no evidence.
TEST_P(PathMtu, WhatNobodySentTeachesNothing) {
  (void)Sizes(1000);
  last[kEthernetHeaderSize + Overhead() - 8 + 1] ^= 1;  // the source port
  ReportTooBig(1300, /*believed=*/false);
  EXPECT_EQ(Sizes(1500 - Overhead()), std::vector<size_t>{1500});
  EXPECT_EQ(Sizes(1500 - Overhead()), std::vector<size_t>{1500});
}

TEST_P(PathMtu, IsNotForgottenBeforeTenMinutes) {
  (void)Sizes(1000);
  ReportTooBig(1300);
  for (int minutes = 0; minutes < 9; ++minutes) {
    EXPECT_GT(Sizes(1500 - Overhead()).size(), 1u);
    world.Advance(std::chrono::minutes(1));
  }
  EXPECT_GT(Sizes(1500 - Overhead()).size(), 1u);
}

TEST_P(PathMtu, IsForgottenAfterTenMinutes) {
  (void)Sizes(1000);
  ReportTooBig(1300);
  EXPECT_GT(Sizes(1500 - Overhead()).size(), 1u);
  world.Advance(std::chrono::minutes(11));
  EXPECT_EQ(Sizes(1500 - Overhead()), std::vector<size_t>{1500});
}

TEST_P(PathMtu, ConcernsOneDestination) {
  (void)Sizes(1000);
  ReportTooBig(1300);
  auto other = world.UdpSocket(GetParam());
  EXPECT_EQ(StackWorld::SendTo(*other, {cast.peer, 53}, Pattern(1500 - Overhead())), Error::kOk);
  EXPECT_EQ(world.link.TakeFrame().size(), 1500 + kEthernetHeaderSize);
}

// What only IPv4 has.
class PathMtuV4 : public PathMtu {};
INSTANTIATE_TEST_SUITE_P(Ipv4, PathMtuV4, testing::Values(Family::kIpv4), FamilyName);

// RFC 1191 3: what is not reduced any more is left to the routers to cut.
TEST_P(PathMtuV4, BelowTheFloorDontFragmentGoes) {
  const auto dont_fragment = [&] { return (last[kEthernetHeaderSize + 6] & 0x40) != 0; };
  (void)Sizes(1000);
  ReportTooBig(1300);
  (void)Sizes(1000);
  EXPECT_TRUE(dont_fragment());
  ReportTooBig(300);
  EXPECT_EQ(Sizes(552 - Overhead()), std::vector<size_t>{552});
  EXPECT_FALSE(dont_fragment());
  SocketOptions options = socket->options();
  options.mtu_discover = SocketOptions::MtuDiscover::kDo;  // who insists on it has it
  socket->SetOptions(options);
  EXPECT_EQ(Sizes(552 - Overhead()), std::vector<size_t>{552});
  EXPECT_TRUE(dont_fragment());
}

}  // namespace
}  // namespace moat::netstack
