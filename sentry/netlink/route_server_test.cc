#include "sentry/netlink/route_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/fib_rules.h>
#include <linux/if_addrlabel.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "sentry/netlink/fake_view.h"
#include "sentry/netlink/message.h"
#include "sentry/netlink/route_decode.h"
#include "sentry/netlink/route_encode.h"
#include "sentry/netlink/route_requests.h"

namespace moat::sentry {
namespace {

using netstack::IpAddress;
using testing::ElementsAre;

constexpr uint32_t kPort = 4321;

struct Reply {
  NetlinkHeader header;
  std::vector<uint8_t> body;
  NetlinkMessage message() const { return {.header = header, .body = body}; }
};

class RouteServerTest : public testing::Test {
 protected:
  RouteServerTest() {
    view_.AddLoopback();
    view_.AddEthernet(2, "eth0");
    view_.AddAddress(2, "172.17.0.2/16");
    view_.AddAddress(2, "2001:db8::2/64");
    view_.AddRoute(2, "0.0.0.0/0", "172.17.0.1");
    view_.AddRoute(2, "172.17.0.0/16", nullptr);
    view_.AddRoute(2, "::/0", "2001:db8::1");
  }
  NetlinkDatagrams Datagrams(const std::vector<uint8_t>& bytes) {
    return AnswerRouteRequest(
        {.bytes = bytes, .port = kPort, .flags = flags_, .net_admin = net_admin_}, view_);
  }
  std::vector<Reply> Ask(const std::vector<uint8_t>& bytes) {
    std::vector<Reply> replies;
    for (const auto& datagram : Datagrams(bytes)) {
      NetlinkReader reader(datagram);
      NetlinkMessage message;
      while (reader.Next(&message)) {
        EXPECT_EQ(message.header.port, kPort);
        EXPECT_EQ(message.header.sequence, kSequence);
        replies.push_back({message.header, {message.body.begin(), message.body.end()}});
      }
      EXPECT_FALSE(reader.malformed());
    }
    return replies;
  }
  // The errno of the only reply: an error message, or the end of a dump.
  int ErrorOf(const std::vector<uint8_t>& bytes) {
    const auto replies = Ask(bytes);
    if (replies.size() != 1) return -1;
    if (replies[0].header.type != NLMSG_ERROR && replies[0].header.type != NLMSG_DONE) return -1;
    return -*replies[0].message().Fixed<int32_t>();
  }

  FakeView view_;
  NetlinkFlags flags_;
  bool net_admin_ = false;
};

TEST_F(RouteServerTest, LinkDump) {
  const auto replies = Ask(Request(RTM_GETLINK, kDump, Family(AF_UNSPEC)));
  ASSERT_EQ(replies.size(), 3u);
  const auto lo = DecodeLink(replies[0].message());
  ASSERT_TRUE(lo.has_value());
  EXPECT_EQ(lo->name, "lo");
  EXPECT_TRUE(lo->loopback);
  const auto eth0 = DecodeLink(replies[1].message());
  ASSERT_TRUE(eth0.has_value());
  EXPECT_EQ(eth0->name, "eth0");
  EXPECT_EQ(eth0->mtu, 1500u);
  EXPECT_TRUE(eth0->up && eth0->running && eth0->ethernet);
  EXPECT_EQ(replies[0].header.flags, NLM_F_MULTI);
  EXPECT_EQ(replies[2].header.type, NLMSG_DONE);
  EXPECT_EQ(replies[2].header.flags, NLM_F_MULTI);
}

TEST_F(RouteServerTest, SingleLinkByIndexAndName) {
  ifinfomsg info{};
  info.ifi_index = 2;
  auto replies = Ask(Request(RTM_GETLINK, NLM_F_REQUEST, info));
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(DecodeLink(replies[0].message())->name, "eth0");
  NetlinkWriter writer;
  writer.Begin(RTM_GETLINK, NLM_F_REQUEST, kSequence, 0);
  writer.Fixed(ifinfomsg{});
  writer.Text(IFLA_IFNAME, "eth0");
  writer.End();
  replies = Ask(writer.Take());
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(DecodeLink(replies[0].message())->index, 2);
  info.ifi_index = 99;
  EXPECT_EQ(ErrorOf(Request(RTM_GETLINK, NLM_F_REQUEST, info)), ENODEV);
  EXPECT_EQ(ErrorOf(Request(RTM_GETLINK, NLM_F_REQUEST, ifinfomsg{})), EINVAL);
}

TEST_F(RouteServerTest, AddressDump) {
  const auto replies = Ask(Request(RTM_GETADDR, kDump, Family(AF_UNSPEC)));
  std::vector<std::string> seen;
  for (const Reply& reply : replies) {
    if (const auto address = DecodeAddress(reply.message()); address.has_value()) {
      seen.push_back(address->prefix.ToString());
    }
  }
  EXPECT_THAT(seen, ElementsAre("127.0.0.1/8", "172.17.0.2/16", "::1/128", "2001:db8::2/64"));
  EXPECT_EQ(Ask(Request(RTM_GETADDR, kDump, Family(AF_INET6))).size(), 3u);  // two and the end
}

TEST_F(RouteServerTest, StrictAddressDumpIsFiltered) {
  flags_.strict_check = true;
  ifaddrmsg header{};
  header.ifa_index = 2;
  const auto replies = Ask(Request(RTM_GETADDR, kDump, header));
  ASSERT_EQ(replies.size(), 3u);
  EXPECT_EQ(replies[0].header.flags, NLM_F_MULTI | NLM_F_DUMP_FILTERED);
  header.ifa_scope = 1;
  EXPECT_EQ(ErrorOf(Request(RTM_GETADDR, kDump, header)), EINVAL);
  EXPECT_EQ(ErrorOf(Request(RTM_GETADDR, kDump, Family(AF_INET))), EINVAL);
}

TEST_F(RouteServerTest, RouteDumpHasMainAndLocalTables) {
  std::vector<std::string> main, local;
  for (const Reply& reply : Ask(Request(RTM_GETROUTE, kDump, Family(AF_INET)))) {
    const auto header = reply.message().Fixed<rtmsg>();
    if (reply.header.type != RTM_NEWROUTE) continue;
    std::string note;
    if (header->rtm_table == RT_TABLE_LOCAL) {
      local.push_back(absl::StrCat(header->rtm_type, "/", header->rtm_dst_len));
    } else if (const auto route = DecodeRoute(reply.message(), &note); route.has_value()) {
      main.push_back(route->destination.ToString());
    }
  }
  EXPECT_THAT(main, ElementsAre("0.0.0.0/0", "172.17.0.0/16"));
  EXPECT_THAT(local, ElementsAre("2/32", "2/8", "3/32", "2/32", "3/32"));
}

TEST_F(RouteServerTest, StrictRouteDumpByTable) {
  flags_.strict_check = true;
  rtmsg header{};
  header.rtm_family = AF_INET;
  header.rtm_table = RT_TABLE_MAIN;
  EXPECT_EQ(Ask(Request(RTM_GETROUTE, kDump, header)).size(), 3u);
  header.rtm_table = 77;
  EXPECT_EQ(ErrorOf(Request(RTM_GETROUTE, kDump, header)), ENOENT);
  header.rtm_table = 0;
  header.rtm_dst_len = 3;
  EXPECT_EQ(ErrorOf(Request(RTM_GETROUTE, kDump, header)), EINVAL);
}

std::vector<uint8_t> RouteGet(const char* destination) {
  const IpAddress address = *IpAddress::Parse(destination);
  NetlinkWriter writer;
  writer.Begin(RTM_GETROUTE, NLM_F_REQUEST, kSequence, 0);
  rtmsg header{};
  header.rtm_family = address.is_v4() ? AF_INET : AF_INET6;
  header.rtm_dst_len = static_cast<uint8_t>(address.bits());
  writer.Fixed(header);
  writer.Attribute(RTA_DST, {address.data(), address.size()});
  writer.End();
  return writer.Take();
}

// The result of a lookup, which the follower would skip: a clone, and maybe of another table.
std::optional<KernelRoute> DecodeClone(Reply reply) {
  auto header = *reply.message().Fixed<rtmsg>();
  EXPECT_EQ(header.rtm_flags, uint32_t{RTM_F_CLONED});
  header.rtm_flags = 0;
  std::memcpy(reply.body.data(), &header, sizeof(header));
  const uint32_t main = netstack::kMainTable;  // the first attribute is RTA_TABLE
  std::memcpy(reply.body.data() + sizeof(header) + sizeof(rtattr), &main, sizeof(main));
  std::string note;
  return DecodeRoute(reply.message(), &note);
}

TEST_F(RouteServerTest, RouteGet) {
  auto replies = Ask(RouteGet("192.0.2.9"));
  ASSERT_EQ(replies.size(), 1u);
  auto route = DecodeClone(replies[0]);
  ASSERT_TRUE(route.has_value());
  EXPECT_EQ(route->destination.ToString(), "192.0.2.9/32");
  EXPECT_EQ(route->gateway->ToString(), "172.17.0.1");
  EXPECT_EQ(route->source->ToString(), "172.17.0.2");
  route = DecodeClone(Ask(RouteGet("172.17.3.4"))[0]);
  ASSERT_TRUE(route.has_value());
  EXPECT_FALSE(route->gateway.has_value());
  replies = Ask(RouteGet("172.17.0.2"));  // our own
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].message().Fixed<rtmsg>()->rtm_type, RTN_LOCAL);
}

TEST_F(RouteServerTest, RouteGetErrors) {
  view_.routes.clear();
  EXPECT_EQ(ErrorOf(RouteGet("192.0.2.9")), ENETUNREACH);
  view_.AddRoute(0, "192.0.2.0/24", nullptr);
  view_.routes.back().type = netstack::RouteType::kProhibit;
  EXPECT_EQ(ErrorOf(RouteGet("192.0.2.9")), EACCES);
}

TEST_F(RouteServerTest, Neighbours) {
  view_.neighbors.push_back({.interface = 2,
                             .address = IpAddress::V4(172, 17, 0, 1),
                             .mac = {{2, 0, 0, 0, 0, 1}},
                             .state = netstack::NeighborState::kReachable});
  view_.neighbors.push_back({.interface = 2,
                             .address = IpAddress::V4(172, 17, 0, 7),
                             .mac = {},
                             .state = netstack::NeighborState::kIncomplete});
  const auto replies = Ask(Request(RTM_GETNEIGH, kDump, Family(AF_INET)));
  ASSERT_EQ(replies.size(), 3u);
  EXPECT_EQ(replies[0].message().Fixed<ndmsg>()->ndm_state, NUD_REACHABLE);
  EXPECT_EQ(replies[1].message().Fixed<ndmsg>()->ndm_state, NUD_INCOMPLETE);
}

TEST_F(RouteServerTest, DefaultRules) {
  EXPECT_EQ(Ask(Request(RTM_GETRULE, kDump, Family(AF_INET))).size(), 4u);
  EXPECT_EQ(Ask(Request(RTM_GETRULE, kDump, Family(AF_INET6))).size(), 3u);
}

// Rules as ip(8) would print them, in a word each.
std::vector<std::string> RuleWords(const std::vector<Reply>& replies) {
  std::vector<std::string> out;
  for (const Reply& reply : replies) {
    if (reply.header.type != RTM_NEWRULE) continue;
    const auto header = *reply.message().Fixed<fib_rule_hdr>();
    std::string word = absl::StrCat(header.src_len, ">", header.dst_len, ":", header.action);
    const NetlinkMessage message = reply.message();
    NetlinkAttributes attributes(message.Attributes(sizeof(fib_rule_hdr)));
    NetlinkAttribute attribute;
    while (attributes.Next(&attribute)) {
      if (attribute.type == FRA_TABLE) absl::StrAppend(&word, " t", *attribute.As<uint32_t>());
      if (attribute.type == FRA_PRIORITY) absl::StrAppend(&word, " p", *attribute.As<uint32_t>());
      if (attribute.type == FRA_IIFNAME) absl::StrAppend(&word, " ", std::string(attribute.Text()));
    }
    out.push_back(word);
  }
  return out;
}

TEST_F(RouteServerTest, RulesOfTheOperator) {
  view_.rules.clear();
  netstack::RuleInfo& first = view_.AddRule(1000, 100);
  first.family = netstack::Family::kIpv4;
  first.from = *netstack::Prefix::Parse("192.0.2.0/24");
  first.in_interface = "eth0";
  view_.AddRule(2000, netstack::kMainTable).action = netstack::RouteType::kProhibit;
  view_.AddRule(32766, netstack::kMainTable);
  view_.AddRule(40000, 70000);
  EXPECT_THAT(RuleWords(Ask(Request(RTM_GETRULE, kDump, Family(AF_INET)))),
              ElementsAre("0>0:1 t255", "24>0:1 t100 eth0 p1000", "0>0:8 t0 p2000",
                          "0>0:1 t254 p32766", "0>0:1 t253 p32767", "0>0:1 t70000 p40000"));
  EXPECT_THAT(RuleWords(Ask(Request(RTM_GETRULE, kDump, Family(AF_INET6)))),
              ElementsAre("0>0:1 t255", "0>0:8 t0 p2000", "0>0:1 t254 p32766",
                          "0>0:1 t70000 p40000"));
}

TEST_F(RouteServerTest, AddressLabels) {
  view_.policies = {{*netstack::Prefix::Parse("::ffff:0.0.0.0/96"), 35, 4}};
  ifaddrlblmsg v6{};
  v6.ifal_family = AF_INET6;
  const auto replies = Ask(Request(RTM_GETADDRLABEL, kDump, v6));
  ASSERT_EQ(replies.size(), 2u);
  const NetlinkMessage message = replies[0].message();
  EXPECT_EQ(message.header.type, RTM_NEWADDRLABEL);
  EXPECT_EQ(message.Fixed<ifaddrlblmsg>()->ifal_prefixlen, 96);
  NetlinkAttributes attributes(message.Attributes(sizeof(ifaddrlblmsg)));
  NetlinkAttribute attribute;
  ASSERT_TRUE(attributes.Next(&attribute));
  EXPECT_EQ(attribute.type, IFAL_ADDRESS);
  EXPECT_EQ(attribute.value.size(), 16u);
  ASSERT_TRUE(attributes.Next(&attribute));
  EXPECT_EQ(attribute.type, IFAL_LABEL);
  EXPECT_EQ(*attribute.As<uint32_t>(), 4u);
}

TEST_F(RouteServerTest, RoutesOfOtherTables) {
  view_.AddRoute(2, "203.0.113.0/24", "172.17.0.9");
  view_.routes.back().table = 100;
  view_.AddRoute(0, "198.51.100.0/24", nullptr);
  view_.routes.back().table = 70000;
  view_.routes.back().type = netstack::RouteType::kThrow;
  flags_.strict_check = true;
  rtmsg header{};
  header.rtm_family = AF_INET;
  header.rtm_table = 100;
  const auto replies = Ask(Request(RTM_GETROUTE, kDump, header));
  ASSERT_EQ(replies.size(), 2u);
  EXPECT_EQ(replies[0].message().Fixed<rtmsg>()->rtm_table, 100);
  header.rtm_table = RT_TABLE_MAIN;
  EXPECT_EQ(Ask(Request(RTM_GETROUTE, kDump, header)).size(), 3u);
  header.rtm_table = 0;
  header.rtm_type = RTN_THROW;
  const auto thrown = Ask(Request(RTM_GETROUTE, kDump, header));
  ASSERT_EQ(thrown.size(), 2u);
  EXPECT_EQ(thrown[0].message().Fixed<rtmsg>()->rtm_table, RT_TABLE_COMPAT);
}

TEST_F(RouteServerTest, RouteGetFollowsTheRules) {
  view_.AddRoute(2, "0.0.0.0/0", "172.17.0.9");
  view_.routes.back().table = 100;
  const auto gateway = [this](const char* destination) {
    const auto replies = Ask(RouteGet(destination));
    const auto route = replies.size() == 1 ? DecodeClone(replies[0]) : std::nullopt;
    return route.has_value() && route->gateway.has_value() ? route->gateway->ToString() : "";
  };
  EXPECT_EQ(gateway("192.0.2.9"), "172.17.0.1");  // no rule asks it
  view_.rules.clear();
  view_.AddRule(1000, 100).to = *netstack::Prefix::Parse("192.0.2.0/24");
  view_.AddRule(1001, 100).in_interface = "eth0";  // not ours
  view_.AddRule(1002, netstack::kMainTable).to = *netstack::Prefix::Parse("203.0.113.0/24");
  view_.rules.back().action = netstack::RouteType::kProhibit;
  view_.AddRule(32766, netstack::kMainTable);
  EXPECT_EQ(gateway("192.0.2.9"), "172.17.0.9");
  EXPECT_EQ(gateway("198.51.100.9"), "172.17.0.1");
  EXPECT_EQ(ErrorOf(RouteGet("203.0.113.9")), EACCES);
  view_.AddRoute(0, "192.0.2.9/32", nullptr);
  view_.routes.back().table = 100;
  view_.routes.back().type = netstack::RouteType::kThrow;
  EXPECT_EQ(gateway("192.0.2.9"), "172.17.0.1");
}

TEST_F(RouteServerTest, ChangesAreRefused) {
  EXPECT_EQ(ErrorOf(Request(RTM_NEWADDR, NLM_F_REQUEST | NLM_F_ACK, ifaddrmsg{})), EPERM);
  EXPECT_EQ(ErrorOf(Request(RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK, ifinfomsg{})), EPERM);
  net_admin_ = true;
  EXPECT_EQ(ErrorOf(Request(RTM_NEWADDR, NLM_F_REQUEST | NLM_F_ACK, ifaddrmsg{})), EOPNOTSUPP);
}

TEST_F(RouteServerTest, AcknowledgementsAndQuotes) {
  ifinfomsg info{};
  info.ifi_index = 2;
  auto replies = Ask(Request(RTM_GETLINK, NLM_F_REQUEST | NLM_F_ACK, info));
  ASSERT_EQ(replies.size(), 2u);
  EXPECT_EQ(replies[1].header.type, NLMSG_ERROR);
  EXPECT_EQ(*replies[1].message().Fixed<int32_t>(), 0);
  info.ifi_index = 99;
  const auto request = Request(RTM_GETLINK, NLM_F_REQUEST, info);
  replies = Ask(request);
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].body.size(), sizeof(int32_t) + request.size());  // quoted whole
  flags_.cap_ack = true;
  replies = Ask(request);
  EXPECT_EQ(replies[0].body.size(), sizeof(int32_t) + sizeof(NetlinkHeader));
  EXPECT_EQ(replies[0].header.flags, NLM_F_CAPPED);
}

TEST_F(RouteServerTest, ManyEntriesAreSplitIntoDatagrams) {
  for (int i = 3; i < 60; ++i) view_.AddEthernet(i, absl::StrCat("eth", i).c_str());
  const auto datagrams = Datagrams(Request(RTM_GETLINK, kDump, Family(AF_UNSPEC)));
  EXPECT_GT(datagrams.size(), 5u);
  for (const auto& datagram : datagrams) EXPECT_LE(datagram.size(), 3776u);
  EXPECT_EQ(Ask(Request(RTM_GETLINK, kDump, Family(AF_UNSPEC))).size(), 60u);
}

TEST_F(RouteServerTest, SeveralRequestsInOneDatagram) {
  auto bytes = Request(RTM_GETLINK, kDump, ifinfomsg{});
  const auto second = Request(RTM_GETADDR, kDump, ifaddrmsg{});
  bytes.insert(bytes.end(), second.begin(), second.end());
  int ends = 0;
  for (const Reply& reply : Ask(bytes)) ends += reply.header.type == NLMSG_DONE ? 1 : 0;
  EXPECT_EQ(ends, 2);
}

TEST_F(RouteServerTest, GarbageIsIgnored) {
  EXPECT_TRUE(Ask({}).empty());
  EXPECT_TRUE(Ask({1, 2, 3}).empty());
  auto bytes = Request(RTM_GETLINK, kDump, Family(AF_UNSPEC));
  bytes[0] = 200;  // longer than the datagram
  EXPECT_TRUE(Ask(bytes).empty());
}

}  // namespace
}  // namespace moat::sentry
