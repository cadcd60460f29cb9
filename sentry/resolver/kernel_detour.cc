#include "sentry/resolver/kernel_detour.h"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "sentry/netlink/route_socket.h"

namespace moat::sentry {
namespace {

constexpr uint32_t kTable = 0x6d6f6174;  // "moat"
constexpr uint32_t kPriority = 53;       // behind the local table, in front of the main one
constexpr fib_rule_port_range kDns = {.start = 53, .end = 53};
constexpr uint16_t kCreate = NLM_F_CREATE | NLM_F_EXCL;

void RuleRequest(NetlinkWriter& request, uint16_t type, uint16_t flags, uint32_t sequence) {
  request.Begin(type, NLM_F_REQUEST | NLM_F_ACK | flags, sequence, 0);
  fib_rule_hdr rule{};
  rule.family = AF_INET;
  rule.action = FR_ACT_TO_TBL;
  request.Fixed(rule);
  request.Value(FRA_TABLE, kTable);
  request.Value(FRA_PRIORITY, kPriority);
  request.Text(FRA_IIFNAME, "lo");  // what sockets of the namespace send
  request.Value(FRA_IP_PROTO, uint8_t{IPPROTO_UDP});
  request.Value(FRA_DPORT_RANGE, kDns);
  request.End();
}

void RouteRequest(NetlinkWriter& request, uint16_t type, uint16_t flags, uint32_t sequence) {
  request.Begin(type, NLM_F_REQUEST | NLM_F_ACK | flags, sequence, 0);
  rtmsg route{};
  route.rtm_family = AF_INET;
  route.rtm_scope = RT_SCOPE_HOST;
  route.rtm_type = RTN_LOCAL;
  route.rtm_protocol = RTPROT_STATIC;
  request.Fixed(route);
  request.Value(RTA_TABLE, kTable);
  request.Value(RTA_OIF, if_nametoindex("lo"));
  // Or the source would be the name server's own address.
  request.Value(RTA_PREFSRC, htonl(INADDR_LOOPBACK));
  request.End();
}

using Builder = void (*)(NetlinkWriter&, uint16_t, uint16_t, uint32_t);

absl::Status Send(RouteSocket& socket, Builder build, uint16_t type, uint16_t flags) {
  NetlinkWriter request;
  build(request, type, flags, socket.NextSequence());
  return socket.Request(request);
}

}  // namespace

absl::Status LayDetour() {
  auto socket = RouteSocket::Open(0);
  if (!socket.ok()) return socket.status();
  // The table before the rule that leads there.
  absl::Status status = Send(*socket, RouteRequest, RTM_NEWROUTE, kCreate);
  if (status.ok() || absl::IsAlreadyExists(status)) {
    status = Send(*socket, RuleRequest, RTM_NEWRULE, kCreate);
  }
  return absl::IsAlreadyExists(status) ? absl::OkStatus() : status;
}

absl::Status TakeUpDetour() {
  auto socket = RouteSocket::Open(0);
  if (!socket.ok()) return socket.status();
  absl::Status status = Send(*socket, RuleRequest, RTM_DELRULE, 0);
  if (absl::IsNotFound(status)) status = absl::OkStatus();
  absl::Status route = Send(*socket, RouteRequest, RTM_DELROUTE, 0);
  if (!absl::IsNotFound(route)) status.Update(route);
  return status;
}

}  // namespace moat::sentry
