#include "sentry/netlink/netlink_socket.h"

#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>

#include "sentry/abi/bytes.h"
#include "sentry/netlink/message.h"
#include "sentry/netlink/route_events.h"

namespace moat::sentry {
namespace {

constexpr pid_t kProcess = 1234;

sockaddr_nl Nl(uint32_t port, uint32_t groups) {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_pid = port;
  address.nl_groups = groups;
  return address;
}

sockaddr_nl NameOf(const NetlinkSocketState& socket) {
  return LoadAt<sockaddr_nl>(socket.Name(), 0);
}

TEST(NetlinkSocket, AutomaticPortIsTheProcessFirst) {
  NetlinkPorts ports;
  NetlinkSocketState first(SOCK_RAW, NETLINK_ROUTE, ports), second(SOCK_RAW, NETLINK_ROUTE, ports);
  EXPECT_EQ(first.Bind(BytesOf(Nl(0, 0)), kProcess), 0);
  EXPECT_EQ(NameOf(first).nl_pid, 1234u);
  EXPECT_EQ(second.PrepareSend({}, kProcess), 0);
  EXPECT_NE(second.port(), 1234u);
  EXPECT_NE(second.port(), 0u);
}

TEST(NetlinkSocket, PortsAreReleased) {
  NetlinkPorts ports;
  {
    NetlinkSocketState socket(SOCK_RAW, NETLINK_ROUTE, ports);
    EXPECT_EQ(socket.Bind(BytesOf(Nl(0, 0)), kProcess), 0);
  }
  NetlinkSocketState socket(SOCK_RAW, NETLINK_ROUTE, ports);
  EXPECT_EQ(socket.Bind(BytesOf(Nl(0, 0)), kProcess), 0);
  EXPECT_EQ(socket.port(), 1234u);
}

TEST(NetlinkSocket, BindErrors) {
  NetlinkPorts ports;
  NetlinkSocketState a(SOCK_RAW, NETLINK_ROUTE, ports), b(SOCK_RAW, NETLINK_ROUTE, ports);
  EXPECT_EQ(a.Bind(BytesOf(Nl(5, 0)).first(11), kProcess), EINVAL);
  EXPECT_EQ(a.Bind(BytesOf(sockaddr{}), kProcess), EINVAL);
  EXPECT_EQ(a.Bind(BytesOf(Nl(5, 0)), kProcess), 0);
  EXPECT_EQ(a.Bind(BytesOf(Nl(6, 0)), kProcess), EINVAL);
  EXPECT_EQ(b.Bind(BytesOf(Nl(5, 0)), kProcess), EADDRINUSE);
}

TEST(NetlinkSocket, Destinations) {
  NetlinkPorts ports;
  NetlinkSocketState socket(SOCK_RAW, NETLINK_ROUTE, ports);
  EXPECT_EQ(socket.PrepareSend(BytesOf(Nl(0, 0)), kProcess), 0);
  EXPECT_EQ(socket.PrepareSend(BytesOf(Nl(77, 0)), kProcess), ECONNREFUSED);
  EXPECT_EQ(socket.PrepareSend(BytesOf(sockaddr_storage{}), kProcess), EINVAL);
  EXPECT_EQ(socket.Connect(BytesOf(Nl(0, 0)), kProcess), 0);
}

TEST(NetlinkSocket, Groups) {
  NetlinkPorts ports;
  NetlinkSocketState socket(SOCK_RAW, NETLINK_ROUTE, ports);
  EXPECT_EQ(socket.Bind(BytesOf(Nl(0, RTMGRP_LINK | RTMGRP_IPV4_IFADDR)), kProcess), 0);
  EXPECT_TRUE(socket.InGroup(RTNLGRP_LINK));
  EXPECT_FALSE(socket.InGroup(RTNLGRP_IPV6_IFADDR));
  const uint32_t group = RTNLGRP_IPV6_IFADDR;
  EXPECT_EQ(socket.SetOption(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, 4, BytesOf(group)), 0);
  EXPECT_TRUE(socket.InGroup(RTNLGRP_IPV6_IFADDR));
  const uint32_t none = 0;
  EXPECT_EQ(socket.SetOption(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, 4, BytesOf(none)), EINVAL);
  EXPECT_EQ(socket.SetOption(SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, 4, BytesOf(group)), 0);
  EXPECT_EQ(NameOf(socket).nl_groups, uint32_t{RTMGRP_LINK | RTMGRP_IPV4_IFADDR});
}

TEST(NetlinkSocket, Options) {
  NetlinkPorts ports;
  NetlinkSocketState socket(SOCK_RAW, NETLINK_ROUTE, ports);
  const int on = 1;
  EXPECT_EQ(socket.SetOption(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 4, BytesOf(on)), 0);
  EXPECT_EQ(socket.SetOption(SOL_NETLINK, NETLINK_EXT_ACK, 4, BytesOf(on)), 0);
  EXPECT_TRUE(socket.flags().strict_check);
  EXPECT_EQ(LoadAt<int>(*socket.GetOption(SOL_NETLINK, NETLINK_EXT_ACK, 4), 0), 1);
  EXPECT_EQ(socket.GetOption(SOL_NETLINK, NETLINK_EXT_ACK, 3).error(), EINVAL);
  EXPECT_EQ(socket.GetOption(SOL_NETLINK, 200, 4).error(), ENOPROTOOPT);
  EXPECT_EQ(LoadAt<int>(*socket.GetOption(SOL_SOCKET, SO_TYPE, 4), 0), SOCK_RAW);
  EXPECT_EQ(LoadAt<int>(*socket.GetOption(SOL_SOCKET, SO_DOMAIN, 4), 0), AF_NETLINK);
  EXPECT_EQ(socket.SetOption(SOL_SOCKET, SO_RCVBUF, 4, BytesOf(100000)), 0);
  EXPECT_EQ(LoadAt<int>(*socket.GetOption(SOL_SOCKET, SO_RCVBUF, 4), 0), 200000);
  EXPECT_EQ(socket.SetOption(SOL_NETLINK, NETLINK_EXT_ACK, 4, {}), EFAULT);
}

TEST(RouteEvents, NotedOnlyWhileSomebodyListens) {
  int wakes = 0;
  RouteEvents events([&] { ++wakes; });
  netstack::InterfaceInfo eth0;
  eth0.index = 2;
  eth0.name = "eth0";
  events.OnInterfaceChanged(eth0, false);
  bool lost = false;
  EXPECT_TRUE(events.Take(&lost).empty());
  events.set_listening(true);
  netstack::AddressInfo address;
  address.interface = 2;
  address.prefix = *netstack::Prefix::Parse("192.0.2.1/24");
  events.OnAddressChanged(address, false);
  events.OnAddressChanged(address, true);
  EXPECT_EQ(wakes, 1);
  const auto taken = events.Take(&lost);
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].group, uint32_t{RTNLGRP_IPV4_IFADDR});
  NetlinkMessage message;
  ASSERT_TRUE(NetlinkReader(taken[1].datagram).Next(&message));
  EXPECT_EQ(message.header.type, RTM_DELADDR);
  EXPECT_FALSE(lost);
}

TEST(RouteEvents, ARuleOfBothVersionsIsToldToBothGroups) {
  RouteEvents events({});
  events.set_listening(true);
  netstack::RuleInfo rule;
  rule.priority = 77;
  events.OnRuleChanged(rule, false);
  rule.family = netstack::Family::kIpv6;
  events.OnRuleChanged(rule, true);
  bool lost = false;
  const auto taken = events.Take(&lost);
  ASSERT_EQ(taken.size(), 3u);
  EXPECT_EQ(taken[0].group, uint32_t{RTNLGRP_IPV4_RULE});
  EXPECT_EQ(taken[1].group, uint32_t{RTNLGRP_IPV6_RULE});
  EXPECT_EQ(taken[2].group, uint32_t{RTNLGRP_IPV6_RULE});
  NetlinkMessage message;
  ASSERT_TRUE(NetlinkReader(taken[0].datagram).Next(&message));
  EXPECT_EQ(message.header.type, RTM_NEWRULE);
  ASSERT_TRUE(NetlinkReader(taken[2].datagram).Next(&message));
  EXPECT_EQ(message.header.type, RTM_DELRULE);
}

TEST(RouteEvents, Bounded) {
  RouteEvents events({});
  events.set_listening(true);
  for (int i = 0; i < 2000; ++i) events.OnRouteChanged({}, false);
  bool lost = false;
  EXPECT_EQ(events.Take(&lost).size(), 1024u);
  EXPECT_TRUE(lost);
}

}  // namespace
}  // namespace moat::sentry
