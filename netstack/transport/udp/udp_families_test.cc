// UDP where the families differ or meet: dual-stack sockets, scopes, broadcasts, groups.

#include <string>

#include "gtest/gtest.h"
#include "netstack/transport/udp/udp_test_world.h"

namespace moat::netstack {
namespace {

using Disposition = TransportProtocol::Disposition;

class UdpTest : public testing::Test, protected UdpWorld {};

TEST_F(UdpTest, DualStackSocketTakesBothAndAnswersBoth) {
  auto socket = Bound("::", 53);
  EXPECT_EQ(udp.Receive(Packet("192.0.2.9", 1, "192.0.2.1", 53, "four")), Disposition::kHandled);
  EXPECT_EQ(udp.Receive(Packet("2001:db8::9", 1, "2001:db8::1", 53, "six")), Disposition::kHandled);
  EXPECT_EQ(Text(*socket), "four");
  EXPECT_EQ(Text(*socket), "six");
  EXPECT_EQ(Send(*socket, "x", {.destination = Endpoint{.address = Ip("192.0.2.9"), .port = 1}}),
            Error::kOk);
  EXPECT_EQ(ip.Take().source, Ip("192.0.2.1"));
}

TEST_F(UdpTest, V6OnlySocketLeavesIpv4ToOthers) {
  SocketOptions v6_only;
  v6_only.v6_only = true;
  auto six = Bound("::", 53, v6_only);
  EXPECT_EQ(udp.Receive(Packet("192.0.2.9", 1, "192.0.2.1", 53, "x")),
            Disposition::kPortUnreachable);
  auto four = Bound("0.0.0.0", 53);
  EXPECT_EQ(bind_error, Error::kOk);
  EXPECT_EQ(Send(*six, "x", {.destination = Endpoint{.address = Ip("192.0.2.9"), .port = 1}}),
            Error::kNetworkUnreachable);
}

TEST_F(UdpTest, OwnFamilyBeatsDualStack) {
  SocketOptions reuse;
  reuse.reuse_address = true;
  auto four = Bound("0.0.0.0", 53, reuse);
  auto dual = Bound("::", 53, reuse);
  EXPECT_EQ(udp.Receive(Packet("192.0.2.9", 1, "192.0.2.1", 53, "x")), Disposition::kHandled);
  EXPECT_EQ(Text(*four), "x");
}

TEST_F(UdpTest, FamiliesThatDoNotFit) {
  auto four = udp.NewSocket(Family::kIpv4);
  EXPECT_EQ(four->Connect({.address = Ip("2001:db8::9"), .port = 1}), Error::kAddressFamily);
  EXPECT_EQ(four->Bind({.address = Ip("::"), .port = 1}), Error::kAddressFamily);
  auto six = Bound("2001:db8::1", 53);
  EXPECT_EQ(six->Connect({.address = Ip("192.0.2.9"), .port = 1}), Error::kNetworkUnreachable);
}

TEST_F(UdpTest, LinkLocalNeedsAScope) {
  ip.AddLocalAddress(Ip("fe80::1"));
  auto socket = udp.NewSocket(Family::kIpv6);
  EXPECT_EQ(socket->Bind({.address = Ip("fe80::1"), .port = 53}), Error::kInvalid);
  EXPECT_EQ(socket->Bind({.address = Ip("fe80::1"), .port = 53, .scope = 2}), Error::kOk);
  EXPECT_EQ(socket->Local().scope, 2);
  IpPacketIn packet = Packet("fe80::9", 7, "fe80::1", 53, "x");
  packet.interface = 3;
  EXPECT_EQ(udp.Receive(packet), Disposition::kPortUnreachable);
  packet.interface = 2;
  EXPECT_EQ(udp.Receive(packet), Disposition::kHandled);
  const Result<Datagram> datagram = socket->Receive();
  ASSERT_TRUE(datagram.ok());
  EXPECT_EQ(datagram->source.scope, 2);
  auto other = udp.NewSocket(Family::kIpv6);
  EXPECT_EQ(other->Connect({.address = Ip("fe80::9"), .port = 1}), Error::kInvalid);
  EXPECT_EQ(other->Connect({.address = Ip("fe80::9"), .port = 1, .scope = 2}), Error::kOk);
}

TEST_F(UdpTest, BroadcastNeedsPermission) {
  ip.AddBroadcast(Ip("192.0.2.255"));
  auto socket = udp.NewSocket(Family::kIpv4);
  const SendControl to{.destination = Endpoint{.address = Ip("192.0.2.255"), .port = 9}};
  EXPECT_EQ(Send(*socket, "x", to), Error::kAccess);
  EXPECT_EQ(socket->Connect(*to.destination), Error::kAccess);
  SocketOptions options;
  options.broadcast = true;
  socket->SetOptions(options);
  EXPECT_EQ(Send(*socket, "x", to), Error::kOk);
}

TEST_F(UdpTest, GroupsAndBroadcastsReachEveryMatch) {
  SocketOptions reuse;
  reuse.reuse_address = true;
  auto any = Bound("0.0.0.0", 5353, reuse);
  auto group = Bound("224.0.0.251", 5353, reuse);
  auto own = Bound("192.0.2.1", 5353, reuse);
  auto elsewhere = Bound("0.0.0.0", 5354, reuse);
  EXPECT_EQ(udp.Receive(Packet("192.0.2.9", 5353, "224.0.0.251", 5353, "mdns")),
            Disposition::kHandled);
  EXPECT_EQ(Text(*any), "mdns");
  EXPECT_EQ(Text(*group), "mdns");
  EXPECT_EQ(Text(*own), "<would block>");
  EXPECT_EQ(Text(*elsewhere), "<would block>");
  EXPECT_EQ(udp.Receive(Packet("192.0.2.9", 5353, "255.255.255.255", 5353, "all")),
            Disposition::kHandled);
  EXPECT_EQ(Text(*any), "all");
  EXPECT_EQ(udp.Receive(Packet("192.0.2.9", 1, "224.0.0.251", 99, "x")), Disposition::kHandled)
      << "never an error for a group";
  EXPECT_EQ(counters.Value("Udp.IgnoredMulti"), 1u);
}

TEST_F(UdpTest, MembershipsAreCountedAndLeftOnClose) {
  auto socket = udp.NewSocket(Family::kIpv4);
  const IpAddress group = Ip("239.1.2.3");
  EXPECT_EQ(socket->JoinGroup(Ip("192.0.2.1"), 0), Error::kInvalid);
  EXPECT_EQ(socket->JoinGroup(group, 9), Error::kNoDevice);
  EXPECT_EQ(socket->JoinGroup(group, 0), Error::kOk);
  EXPECT_EQ(socket->JoinGroup(group, 2), Error::kAddressInUse);
  EXPECT_EQ(socket->JoinGroup(group, 3), Error::kOk);
  EXPECT_EQ(ip.Members(group, 2), 1);
  EXPECT_EQ(socket->LeaveGroup(group, 3), Error::kOk);
  EXPECT_EQ(socket->LeaveGroup(group, 3), Error::kAddressNotAvailable);
  EXPECT_EQ(ip.Members(group, 3), 0);
  socket.reset();
  EXPECT_EQ(ip.Members(group, 2), 0);
  auto greedy = udp.NewSocket(Family::kIpv4);
  for (uint8_t i = 0; i < 20; ++i) {
    EXPECT_EQ(greedy->JoinGroup(IpAddress::V4(239, 0, 0, i), 2), Error::kOk);
  }
  EXPECT_EQ(greedy->JoinGroup(group, 2), Error::kNoBuffers);
}

TEST_F(UdpTest, WildcardDestinationIsThisHost) {
  auto socket = udp.NewSocket(Family::kIpv4);
  EXPECT_EQ(Send(*socket, "x", {.destination = Endpoint{.address = Ip("0.0.0.0"), .port = 9}}),
            Error::kOk);
  EXPECT_EQ(ip.Take().destination, Ip("127.0.0.1"));
  EXPECT_EQ(Send(*socket, "x", {.destination = Endpoint{.address = Ip("192.0.2.9")}}),
            Error::kInvalid);
}

TEST_F(UdpTest, ListsSocketsThatHaveAPort) {
  auto one = Bound("0.0.0.0", 53);
  auto two = udp.NewSocket(Family::kIpv6);
  ASSERT_EQ(two->Connect({.address = Ip("2001:db8::9"), .port = 80}), Error::kOk);
  auto unbound = udp.NewSocket(Family::kIpv4);
  std::vector<SocketInfo> infos;
  udp.AppendSockets(infos);
  ASSERT_EQ(infos.size(), 2u);
  EXPECT_EQ(infos[0].state, "UNCONN");
  EXPECT_EQ(infos[0].local.port, 53);
  EXPECT_EQ(infos[0].id, one->id());
  EXPECT_EQ(infos[1].state, "ESTAB");
  EXPECT_EQ(infos[1].remote.port, 80);
}

}  // namespace
}  // namespace moat::netstack
