// The follower against the kernel's real tables, in a network namespace of the test's own.
#include "sentry/netlink/follower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <poll.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "sentry/netlink/fake_target.h"
#include "sentry/testing/network_namespace.h"

namespace moat::sentry {
namespace {

using testing::Contains;
using testing::Not;

class FollowerTest : public testing::Test {
 protected:
  void SetUp() override {
    space_ = NetworkNamespace::MakeAndEnter();
    if (space_ == nullptr) GTEST_SKIP() << "no network namespace can be made here; run as root";
    ASSERT_TRUE(Ip("link set lo up"));
    ASSERT_TRUE(Ip("link add eth0 mtu 1450 address 02:00:00:00:00:02 type veth peer name peer0"));
    ASSERT_TRUE(Ip("link set peer0 up"));
    ASSERT_TRUE(Ip("addr add 172.17.0.2/16 brd + dev eth0"));
    ASSERT_TRUE(Ip("addr add 2001:db8::2/64 dev eth0 nodad"));
    ASSERT_TRUE(Ip("link set eth0 up"));
    ASSERT_TRUE(Ip("route add default via 172.17.0.1"));
    eth0_ = static_cast<int>(if_nametoindex("eth0"));
  }

  void Start() {
    auto follower = RouteFollower::Create(
        {.target = &target_, .attacher = &target_,
         .log = [this](std::string_view line) { log_.emplace_back(line); }});
    ASSERT_TRUE(follower.ok()) << follower.status();
    follower_ = *std::move(follower);
  }

  // Handles events until `done` or, at the latest, half a minute without one.
  bool Until(const std::function<bool()>& done) {
    while (!done()) {
      pollfd ready = {.fd = follower_->fd(), .events = POLLIN, .revents = 0};
      if (poll(&ready, 1, 30000) != 1) return false;
      follower_->OnReadable();
    }
    return true;
  }
  std::string OnEth0(const std::string& text) { return absl::StrCat(text, " dev ", eth0_, ";"); }

  std::unique_ptr<NetworkNamespace> space_;
  FakeTarget target_;
  std::vector<std::string> log_;
  std::unique_ptr<RouteFollower> follower_;
  int eth0_ = 0;
};

TEST_F(FollowerTest, StartsWithWhatIsThere) {
  ASSERT_TRUE(Ip("neigh add 172.17.0.9 lladdr 02:00:00:00:00:09 dev eth0 nud permanent"));
  ASSERT_TRUE(Ip("route add blackhole 10.0.0.0/8"));
  ASSERT_TRUE(Ip("route add unreachable 10.1.0.0/16 metric 7"));
  ASSERT_TRUE(Ip("route add 10.2.0.0/16 via 172.17.0.3 src 172.17.0.2 mtu 1300"));
  ASSERT_TRUE(Ip("-6 route add default via 2001:db8::1"));
  ASSERT_TRUE(Ip("route add 192.0.2.0/24 dev eth0 table 77"));
  Start();
  ASSERT_TRUE(target_.interfaces.contains(eth0_));
  const auto& eth0 = target_.interfaces[eth0_];
  EXPECT_EQ(eth0.name, "eth0");
  EXPECT_EQ(eth0.mtu, 1450u);
  EXPECT_EQ(eth0.mac.ToString(), "02:00:00:00:00:02");
  EXPECT_TRUE(eth0.up);
  // The kernel says so a moment after the link was set up.
  EXPECT_TRUE(Until([&] { return target_.interfaces[eth0_].running; }));
  EXPECT_THAT(target_.addresses, Contains(OnEth0("172.17.0.2/16")));
  EXPECT_THAT(target_.addresses, Contains(OnEth0("2001:db8::2/64")));
  EXPECT_THAT(target_.routes, Contains(OnEth0("0.0.0.0/0 via 172.17.0.1")));
  EXPECT_THAT(target_.routes, Contains(OnEth0("172.17.0.0/16 src 172.17.0.2")));
  EXPECT_THAT(target_.routes, Contains("blackhole 10.0.0.0/8 dev 0;"));
  EXPECT_THAT(target_.routes, Contains("unreachable 10.1.0.0/16 metric 7 dev 0;"));
  EXPECT_THAT(target_.routes,
              Contains(OnEth0("10.2.0.0/16 via 172.17.0.3 src 172.17.0.2 mtu 1300")));
  EXPECT_THAT(target_.routes, Contains(OnEth0("::/0 via 2001:db8::1 metric 1024")));
  EXPECT_THAT(target_.routes, Contains(OnEth0("2001:db8::/64 metric 256")));
  EXPECT_THAT(target_.routes, Not(Contains(testing::HasSubstr("192.0.2.0/24"))));
  EXPECT_THAT(target_.neighbors, Contains(OnEth0("172.17.0.9 02:00:00:00:00:09")));
}

TEST_F(FollowerTest, AddressesAndRoutesComeAndGo) {
  Start();
  ASSERT_TRUE(Ip("addr add 10.5.0.1/24 dev eth0"));
  EXPECT_TRUE(Until([&] { return target_.routes.contains(OnEth0("10.5.0.0/24 src 10.5.0.1")); }));
  EXPECT_THAT(target_.addresses, Contains(OnEth0("10.5.0.1/24")));
  ASSERT_TRUE(Ip("route replace default via 172.17.0.254"));
  EXPECT_TRUE(Until([&] { return target_.routes.contains(OnEth0("0.0.0.0/0 via 172.17.0.254")); }));
  EXPECT_THAT(target_.routes, Not(Contains(OnEth0("0.0.0.0/0 via 172.17.0.1"))));
  ASSERT_TRUE(Ip("addr del 10.5.0.1/24 dev eth0"));
  EXPECT_TRUE(Until([&] { return !target_.addresses.contains(OnEth0("10.5.0.1/24")); }));
  EXPECT_THAT(target_.routes, Not(Contains(OnEth0("10.5.0.0/24 src 10.5.0.1"))));
}

TEST_F(FollowerTest, LinkGoesDownRenamedAndAway) {
  Start();
  ASSERT_TRUE(Ip("link set eth0 down"));
  EXPECT_TRUE(Until([&] { return !target_.interfaces[eth0_].up; }));
  EXPECT_THAT(target_.routes, Not(Contains(OnEth0("0.0.0.0/0 via 172.17.0.1"))));
  ASSERT_TRUE(Ip("link set eth0 name net1 mtu 1280 address 02:00:00:00:00:07"));
  EXPECT_TRUE(Until([&] {
    return target_.interfaces[eth0_].name == "net1" &&
           target_.interfaces[eth0_].mac.bytes[5] == 7 && target_.interfaces[eth0_].mtu == 1280;
  }));
  ASSERT_TRUE(Ip("link del net1"));
  EXPECT_TRUE(Until([&] { return !target_.interfaces.contains(eth0_); }));
  EXPECT_FALSE(target_.attached.contains(eth0_));
}

TEST_F(FollowerTest, LinkAddedLater) {
  Start();
  ASSERT_TRUE(Ip("link add eth1 index 50 type veth peer name peer1"));
  ASSERT_TRUE(Ip("addr add 10.6.0.1/24 dev eth1"));
  ASSERT_TRUE(Ip("link set peer1 up"));
  ASSERT_TRUE(Ip("link set eth1 up"));
  EXPECT_TRUE(Until([&] { return target_.routes.contains("10.6.0.0/24 src 10.6.0.1 dev 50;"); }));
  EXPECT_EQ(target_.attached[50], "eth1");
  EXPECT_TRUE(Until([&] { return target_.interfaces[50].running; }));
}

TEST_F(FollowerTest, LinkReplacedUnderTheSameIndex) {
  ASSERT_TRUE(Ip("link add eth1 index 50 address 02:00:00:00:00:50 type veth peer name peer1"));
  Start();
  ASSERT_TRUE(Ip("link del eth1"));
  ASSERT_TRUE(Ip("link add eth2 index 50 address 02:00:00:00:00:51 type veth peer name peer2"));
  EXPECT_TRUE(Until([&] {
    return target_.interfaces.contains(50) && target_.interfaces[50].name == "eth2";
  }));
  EXPECT_EQ(target_.attached[50], "eth2");  // not only renamed
}

TEST_F(FollowerTest, LostEventsAreMadeUpFor) {
  Start();
  // More events than the socket holds, none read in between.
  ASSERT_TRUE(RunCommand("for i in $(seq 1 4); do for j in $(seq 1 250); do "
                  "echo addr add 10.$i.$j.1/32 dev eth0; done; done | ip -batch -"));
  for (int round = 0; round < 12; ++round) {
    ASSERT_TRUE(
        RunCommand("for j in $(seq 1 250); do echo link set eth0 mtu $((1300 + j % 2)); done "
                   "| ip -batch -"));
  }
  EXPECT_TRUE(Until([&] { return target_.addresses.contains(OnEth0("10.4.250.1/32")); }));
  EXPECT_GE(target_.addresses.size(), 1000u);
  EXPECT_GE(follower_->overruns(), 1u);
}

TEST_F(FollowerTest, MultipathTakesTheFirstHopAndSaysSo) {
  ASSERT_TRUE(Ip("route add 10.7.0.0/16 nexthop via 172.17.0.3 nexthop via 172.17.0.4"));
  Start();
  EXPECT_THAT(target_.routes, Contains(OnEth0("10.7.0.0/16 via 172.17.0.3")));
  EXPECT_THAT(log_, Contains(testing::HasSubstr("multipath")));
}

TEST_F(FollowerTest, StopTakesEverythingBack) {
  Start();
  follower_->Stop();
  EXPECT_TRUE(target_.interfaces.empty());
  EXPECT_TRUE(target_.attached.empty());
}

}  // namespace
}  // namespace moat::sentry
