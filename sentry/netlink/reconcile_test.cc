#include "sentry/netlink/reconcile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sentry/netlink/fake_target.h"

namespace moat::sentry {
namespace {

using netstack::IpAddress;
using netstack::Prefix;
using testing::ElementsAre;
using testing::IsEmpty;

class ReconcilerTest : public testing::Test {
 protected:
  ReconcilerTest() {
    view_.links[1] = {.index = 1,
                      .name = "lo",
                      .mac = {},
                      .mtu = 65536,
                      .up = true,
                      .running = true,
                      .loopback = true,
                      .ethernet = false};
    view_.links[2] = {.index = 2, .name = "eth0", .mac = {{2, 0, 0, 0, 0, 2}}, .mtu = 1500,
                      .up = true, .running = true, .loopback = false, .ethernet = true};
    AddAddress(1, "127.0.0.1/8");
    AddAddress(1, "::1/128");
    AddAddress(2, "172.17.0.2/16");
    AddRoute("0.0.0.0/0", "172.17.0.1");
    AddRoute("172.17.0.0/16", nullptr);
  }
  void AddAddress(int interface, const char* prefix) {
    KernelAddress address;
    address.interface = interface;
    address.prefix = *Prefix::Parse(prefix);
    view_.addresses[address.key()] = address;
  }
  void AddRoute(const char* destination, const char* gateway) {
    KernelRoute route;
    route.destination = *Prefix::Parse(destination);
    route.interface = 2;
    if (gateway != nullptr) route.gateway = *IpAddress::Parse(gateway);
    view_.routes[route.key()] = route;
  }
  void Apply() { reconciler_.Apply(view_, {}); }

  KernelView view_;
  FakeTarget target_;
  std::vector<std::string> log_;
  Reconciler reconciler_{target_, target_,
                         [this](std::string_view line) { log_.emplace_back(line); }};
};

TEST_F(ReconcilerTest, StartAppliesEverythingButTheLoopback) {
  Apply();
  EXPECT_EQ(target_.InterfaceNames(), "eth0 ");
  EXPECT_THAT(target_.addresses, ElementsAre("172.17.0.2/16 dev 2;"));
  EXPECT_THAT(target_.routes,
              ElementsAre("0.0.0.0/0 via 172.17.0.1 dev 2;", "172.17.0.0/16 dev 2;"));
  EXPECT_TRUE(log_.empty());
}

TEST_F(ReconcilerTest, AnotherLoopbackAddressIsFollowed) {
  AddAddress(1, "10.9.9.9/32");
  AddAddress(1, "127.0.0.53/8");
  Apply();
  EXPECT_TRUE(target_.addresses.contains("10.9.9.9/32 dev 1;"));
  EXPECT_TRUE(target_.addresses.contains("127.0.0.53/8 dev 1;"));
  EXPECT_FALSE(target_.addresses.contains("127.0.0.1/8 dev 1;"));
}

TEST_F(ReconcilerTest, ChangesOfALink) {
  Apply();
  KernelLink& link = view_.links[2];
  link.name = "net1";
  link.mtu = 1400;
  link.up = false;
  link.running = false;
  link.mac = {{2, 0, 0, 0, 0, 9}};
  Apply();
  const auto& now = target_.interfaces[2];
  EXPECT_EQ(now.name, "net1");
  EXPECT_EQ(now.mtu, 1400u);
  EXPECT_FALSE(now.up);
  EXPECT_FALSE(now.running);
  EXPECT_EQ(now.mac.bytes[5], 9);
}

TEST_F(ReconcilerTest, LinkGoesAndComes) {
  Apply();
  const KernelView before = view_;
  view_.links.erase(2);
  view_.addresses.clear();
  view_.routes.clear();
  Apply();
  EXPECT_TRUE(target_.interfaces.empty());
  EXPECT_TRUE(target_.attached.empty());
  EXPECT_THAT(target_.routes, IsEmpty());
  view_ = before;
  Apply();
  EXPECT_EQ(target_.InterfaceNames(), "eth0 ");
  EXPECT_EQ(target_.routes.size(), 2u);
}

TEST_F(ReconcilerTest, ReplacedLinkIsAttachedAnew) {
  Apply();
  target_.interfaces[2].name = "stale";
  reconciler_.Apply(view_, {2});
  EXPECT_EQ(target_.InterfaceNames(), "eth0 ");
  EXPECT_EQ(target_.addresses.size(), 1u);
  EXPECT_EQ(target_.routes.size(), 2u);
}

TEST_F(ReconcilerTest, RouteReplaced) {
  Apply();
  view_.routes.clear();
  AddRoute("172.17.0.0/16", nullptr);
  AddRoute("0.0.0.0/0", "172.17.0.254");
  Apply();
  EXPECT_THAT(target_.routes,
              ElementsAre("0.0.0.0/0 via 172.17.0.254 dev 2;", "172.17.0.0/16 dev 2;"));
}

TEST_F(ReconcilerTest, FailedRouteIsTriedAgainAndLoggedOnce) {
  target_.fail_routes = true;
  Apply();
  Apply();
  EXPECT_EQ(log_.size(), 2u);  // one for each route
  target_.fail_routes = false;
  Apply();
  EXPECT_EQ(target_.routes.size(), 2u);
}

TEST_F(ReconcilerTest, FailedAttachmentIsTriedAgain) {
  target_.fail_attach = true;
  Apply();
  EXPECT_TRUE(target_.interfaces.empty());
  EXPECT_TRUE(target_.addresses.empty());
  target_.fail_attach = false;
  Apply();
  EXPECT_EQ(target_.addresses.size(), 1u);
}

TEST_F(ReconcilerTest, OtherKindsOfLinksAreNotAttached) {
  view_.links[3] = {.index = 3, .name = "tunl0", .mac = {}, .mtu = 1480, .up = false,
                    .running = false, .loopback = false, .ethernet = false};
  Apply();
  Apply();
  EXPECT_EQ(target_.InterfaceNames(), "eth0 ");
  EXPECT_THAT(log_, ElementsAre(testing::HasSubstr("tunl0")));
}

TEST_F(ReconcilerTest, EndOfDuplicateDetectionChangesNothing) {
  KernelAddress address;
  address.interface = 2;
  address.prefix = *Prefix::Parse("2001:db8::2/64");
  address.tentative = true;
  view_.addresses[address.key()] = address;
  Apply();
  target_.addresses.erase("2001:db8::2/64 dev 2;");  // to see a second addition
  view_.addresses[address.key()].tentative = false;
  Apply();
  EXPECT_FALSE(target_.addresses.contains("2001:db8::2/64 dev 2;"));
  view_.addresses[address.key()].deprecated = true;
  Apply();
  EXPECT_TRUE(target_.addresses.contains("2001:db8::2/64 deprecated dev 2;"));
  view_.addresses[address.key()].duplicate = true;
  Apply();
  EXPECT_EQ(target_.addresses.size(), 1u);
}

TEST_F(ReconcilerTest, ClearTakesEverythingBack) {
  Apply();
  reconciler_.Clear();
  EXPECT_TRUE(target_.interfaces.empty());
  EXPECT_TRUE(target_.attached.empty());
}

}  // namespace
}  // namespace moat::sentry
