// The route server beside Linux.
#include <gtest/gtest.h>
#include <linux/if_addr.h>
#include <linux/if_addrlabel.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/owned_fd.h"
#include "sentry/netlink/fake_view.h"
#include "sentry/netlink/message.h"
#include "sentry/netlink/route_requests.h"
#include "sentry/netlink/route_server.h"
#include "sentry/testing/network_namespace.h"

namespace moat::sentry {
namespace {

// In a namespace that has only the loopback interface, the kernel and we answer with the same
// sequence of message types, flags and errors.

std::string Outline(std::span<const uint8_t> datagram) {
  std::string outline;
  NetlinkReader reader(datagram);
  NetlinkMessage message;
  while (reader.Next(&message)) {
    absl::StrAppend(&outline, message.header.type, ":", message.header.flags);
    if (message.header.type == NLMSG_DONE)
      absl::StrAppend(&outline, "=", *message.Fixed<int32_t>());
    if (message.header.type == NLMSG_ERROR) {
      absl::StrAppend(&outline, "=", *message.Fixed<int32_t>(), "(", message.body.size(), ")");
    }
    absl::StrAppend(&outline, " ");
  }
  return outline;
}

std::string KernelOutline(std::span<const uint8_t> request, bool strict) {
  const OwnedFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  const int on = strict ? 1 : 0;
  setsockopt(fd.get(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
  send(fd.get(), request.data(), request.size(), 0);
  std::string outline;
  std::vector<uint8_t> buffer(32768);
  while (true) {
    const ssize_t size = recv(fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size <= 0) return outline;
    outline += Outline(std::span<const uint8_t>(buffer).first(static_cast<size_t>(size)));
  }
}

TEST(RouteServerOracle, AnswersAsLinuxDoes) {
  const auto space = NetworkNamespace::MakeAndEnter();
  if (space == nullptr) GTEST_SKIP() << "no network namespace can be made here; run as root";
  ASSERT_TRUE(Ip("link set lo up"));
  FakeView view;
  view.AddLoopback();
  view.policies.resize(10);  // as many as Linux has in the beginning
  for (auto& policy : view.policies) policy.prefix = *netstack::Prefix::Parse("::/0");

  ifinfomsg loopback{}, unknown{};
  loopback.ifi_index = 1;
  unknown.ifi_index = 77;
  ifaddrmsg by_index{};
  by_index.ifa_index = 1;
  ifaddrmsg by_unknown_index{};
  by_unknown_index.ifa_index = 77;
  rtmsg main_table{}, unknown_table{};
  main_table.rtm_family = unknown_table.rtm_family = AF_INET;
  main_table.rtm_table = RT_TABLE_MAIN;
  unknown_table.rtm_table = 77;
  ifaddrlblmsg labels{}, labels_of_one{}, labels_v4{};
  labels.ifal_family = labels_of_one.ifal_family = AF_INET6;
  labels_of_one.ifal_index = 1;
  labels_v4.ifal_family = AF_INET;
  const std::vector<std::vector<uint8_t>> requests = {
      Request(RTM_GETLINK, kDump, Family(AF_UNSPEC)),
      Request(RTM_GETLINK, kDump, ifinfomsg{}),
      Request(RTM_GETLINK, kDump, loopback),
      Request(RTM_GETLINK, NLM_F_REQUEST, loopback),
      Request(RTM_GETLINK, NLM_F_REQUEST | NLM_F_ACK, loopback),
      Request(RTM_GETLINK, NLM_F_REQUEST, unknown),
      Request(RTM_GETLINK, NLM_F_REQUEST, ifinfomsg{}),
      Request(RTM_GETADDR, kDump, Family(AF_UNSPEC)),
      Request(RTM_GETADDR, kDump, Family(AF_INET)),
      Request(RTM_GETADDR, kDump, Family(AF_INET6)),
      Request(RTM_GETADDR, kDump, ifaddrmsg{}),
      Request(RTM_GETADDR, kDump, by_index),
      Request(RTM_GETADDR, kDump, by_unknown_index),
      Request(RTM_GETROUTE, kDump, main_table),
      Request(RTM_GETROUTE, kDump, unknown_table),
      Request(RTM_GETNEIGH, kDump, Family(AF_INET)),
      Request(RTM_GETNEIGH, kDump, ndmsg{}),
      Request(RTM_GETRULE, kDump, Family(AF_INET)),
      Request(RTM_GETRULE, kDump, Family(AF_INET6)),
      Request(RTM_GETADDRLABEL, kDump, labels),
      Request(RTM_GETADDRLABEL, kDump, labels_of_one),
      Request(RTM_GETADDRLABEL, kDump, labels_v4),
      Request(RTM_GETLINK, 0, loopback),  // not a request
      Request(NLMSG_NOOP, NLM_F_REQUEST | NLM_F_ACK, loopback),
      Request(RTM_MAX + 10, NLM_F_REQUEST, loopback),
  };
  for (const bool strict : {false, true}) {
    for (const auto& request : requests) {
      std::string ours;
      const RouteRequest asked{.bytes = request, .port = 1, .flags = {.strict_check = strict}};
      for (const auto& datagram : AnswerRouteRequest(asked, view)) ours += Outline(datagram);
      NetlinkReader reader(request);
      NetlinkMessage message;
      ASSERT_TRUE(reader.Next(&message));
      EXPECT_EQ(ours, KernelOutline(request, strict))
          << "type " << message.header.type << " flags " << message.header.flags << " body "
          << message.body.size() << (strict ? " strict" : "");
    }
  }
}

}  // namespace
}  // namespace moat::sentry
