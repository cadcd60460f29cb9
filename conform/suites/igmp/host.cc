// A host beside a querier of version 2 of IGMP (RFC 2236), or of version 1 (RFC 1112 appendix I).
#include <set>

#include "conform/bench/case.h"
#include "conform/bench/socket.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("igmp");

constexpr const char* kGroup = "239.1.2.3";
constexpr const char* kSecond = "239.1.2.4";
constexpr CaseOptions kHost{.needs = kMulticast};

Match Report() { return Is(igmp::kType, igmp::kReportV2); }
Match ReportOf(const Ip& group) { return Report() && Is(igmp::kGroup, group); }
Match Leave() { return Is(igmp::kType, igmp::kLeave); }

// A general query (group 0.0.0.0) or one for a group; the time is in tenths of a second.
Frame Query(const Bench& b, const Ip& group = "0.0.0.0", int tenths = 5) {
  const Ip to = group.IsUnspecified() ? Ip("224.0.0.1") : group;
  return Eth(GroupMac(to), b.router.mac) /
         Ipv4(b.router.ip4, to).Options(ip_option::RouterAlert()).Set(ipv4::kTtl, 1) /
         Igmp(igmp::kQuery, group, tenths);
}
Frame ReportBy(const Node& node, const Ip& group, int type = igmp::kReportV2) {
  return Eth(GroupMac(group), node.mac) /
         Ipv4(node.ip4, group).Options(ip_option::RouterAlert()).Set(ipv4::kTtl, 1) /
         Igmp(type, group);
}

// A member of kGroup, on a link whose querier has shown itself as one of version 2.
Socket Member(Bench& b) {
  Socket socket = b.OpenUdp();
  socket.Join(kGroup);
  b.Wait(2s);
  b.Send(Query(b));
  b.Wait(1s);
  b.Forget();
  return socket;
}

// The query is not answered; a right one is.
void IsIgnored(Bench& b, const Frame& query) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(query);
  b.ExpectNothing(ReportOf(kGroup), 1s);
  b.Send(Query(b, kGroup));
  b.Expect(ReportOf(kGroup));
}

CONFORM(1, MUST, "RFC 2236 3", "A general query is answered with a report of the group.", kHost) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b));
  b.Expect(ReportOf(kGroup));
}
CONFORM(2, MUST, "RFC 2236 3", "A query for a group is answered with a report of the group.",
        kHost) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b, kGroup));
  b.Expect(ReportOf(kGroup));
}
CONFORM(3, MUST, "RFC 2236 9", "A report is sent to the group that it is about.", kHost) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b));
  b.Expect(ReportOf(kGroup) && To(kGroup) && Is(eth::kDestination, GroupMac(kGroup)));
}
CONFORM(4, MUST, "RFC 2236 2", "A report has TTL 1.", kHost) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b));
  b.Expect(ReportOf(kGroup) && Is(ipv4::kTtl, 1));
}
CONFORM(5, MUST, "RFC 2236 2; RFC 2113 2.1", "A report has the router alert option.", kHost) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b));
  const Packet report = b.Expect(ReportOf(kGroup));
  b.Check(FindTlv(report.Options(Kind::kIpv4), ip_option::kRouterAlert) == Bytes(2),
          "the option is not there, or has another value");
}
CONFORM(6, MUST, "RFC 2236 2.2; 2.3",
        "A report has 8 bytes, a response time of 0 and a right checksum.", kHost) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b));
  const Packet report = b.Expect(ReportOf(kGroup) && Is(igmp::kMaxResponse, 0));
  b.CheckEqual(static_cast<int64_t>(report.From(Kind::kIgmp).size()), 8, "length");
}
CONFORM(7, MUST, "RFC 2236 3", "A general query is answered for every group.", kHost) {
  Socket socket = Member(b);
  socket.Join(kSecond);
  b.Wait(11s);
  b.Forget();
  b.Send(Query(b));
  std::set<Ip> groups;
  for (const Packet& p : b.Collect(Report(), 1s)) groups.insert(p.GetIp(igmp::kGroup));
  b.Check(groups.contains(kGroup) && groups.contains(kSecond), "a group was not reported");
}
CONFORM(8, MUST, "RFC 2236 3", "A query for a group is not answered for another one.", kHost) {
  Socket socket = Member(b);
  socket.Join(kSecond);
  b.Wait(11s);
  b.Forget();
  b.Send(Query(b, kSecond));
  b.Expect(ReportOf(kSecond));
  b.ExpectNothing(ReportOf(kGroup), 1s);
}
CONFORM(9, MUST, "RFC 2236 3; 6", "The group of all systems is never reported.", kHost) {
  Socket socket = Member(b);
  socket.Join("224.0.0.1");
  b.Send(Query(b));
  b.Expect(ReportOf(kGroup));
  b.ExpectNothing(ReportOf("224.0.0.1"), 1500ms);
}
CONFORM(10, MUST, "RFC 2236 3", "The answer comes within the maximum response time.", kHost) {
  [[maybe_unused]] Socket socket = Member(b);
  for (int i = 0; i < 5; ++i) {
    b.Send(Query(b, kGroup, 10));
    b.Expect(ReportOf(kGroup), 1150ms);
  }
}
CONFORM(11, MUST, "RFC 2236 3", "A query with less time brings a waiting answer forward.", kHost) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b, kGroup, 200));
  b.Send(Query(b, kGroup, 5));
  b.Expect(ReportOf(kGroup), 750ms);
}
CONFORM(12, MUST, "RFC 2236 3", "A query with more time does not put a waiting answer off.",
        kHost) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b, kGroup, 10));
  b.Send(Query(b, kGroup, 250));
  b.Expect(ReportOf(kGroup), 1200ms);
}
CONFORM(13, MUST, "RFC 2236 3", "Another host's report makes a waiting answer needless.", kHost) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b, kGroup, 40));
  b.Send(ReportBy(b.peer, kGroup));
  // An answer may have been sent before the other's report came.
  b.Wait(60ms);
  b.Forget();
  b.ExpectNothing(ReportOf(kGroup), 5s);
}
CONFORM(14, MUST, "RFC 2236 3; 4", "Another host's report of version 1 does so as well.", kHost) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b, kGroup, 40));
  b.Send(ReportBy(b.peer, kGroup, igmp::kReportV1));
  b.Wait(60ms);
  b.Forget();
  b.ExpectNothing(ReportOf(kGroup), 5s);
}
CONFORM(15, MUST, "RFC 2236 3", "Another host's report of another group changes nothing.", kHost) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b, kGroup, 20));
  b.Send(ReportBy(b.peer, kSecond));
  b.Expect(ReportOf(kGroup), 2500ms);
}
CONFORM(16, SHOULD, "RFC 2236 3", "Who joins a group reports it at once, without being asked.",
        kHost) {
  Socket socket = Member(b);
  socket.Join(kSecond);
  b.Expect(ReportOf(kSecond), 300ms);
}
CONFORM(17, SHOULD, "RFC 2236 3; 8.10",
        "The report of who joins is repeated, within some ten seconds.", kHost) {
  Socket socket = Member(b);
  socket.Join(kSecond);
  b.Expect(ReportOf(kSecond));
  b.Expect(ReportOf(kSecond), 11s);
}
CONFORM(18, SHOULD, "RFC 2236 3",
        "Who leaves a group that it has reported last says so, to all routers.", kHost) {
  Socket socket = Member(b);
  b.Send(Query(b, kGroup));
  b.Expect(ReportOf(kGroup));
  socket.Leave(kGroup);
  b.Expect(Leave() && Is(igmp::kGroup, Ip(kGroup)) && To("224.0.0.2") && Is(ipv4::kTtl, 1));
}
CONFORM(19, MUST, "RFC 2236 6", "After it was left, a group is not reported any more.", kHost) {
  Socket socket = Member(b);
  socket.Join(kSecond);
  socket.Leave(kGroup);
  b.Wait(11s);
  b.Forget();
  b.Send(Query(b));
  b.Expect(ReportOf(kSecond));
  b.ExpectNothing(ReportOf(kGroup), 1s);
}
CONFORM(20, MUST, "RFC 2236 6", "Leaving a group ends the wait for its answer.", kHost) {
  Socket socket = Member(b);
  b.Send(Query(b, kGroup, 40));
  socket.Leave(kGroup);
  b.Expect(Leave());
  b.ExpectNothing(ReportOf(kGroup), 4500ms);
}
CONFORM(21, MUST, "RFC 2236 6", "As long as one program stays a member, the group is reported.",
        kHost) {
  Socket first = Member(b);
  Socket second = b.OpenUdp();
  second.Join(kGroup);
  first.Leave(kGroup);
  b.ExpectNothing(Leave(), 1s);
  b.Send(Query(b, kGroup));
  b.Expect(ReportOf(kGroup));
}
CONFORM(22, MUST, "RFC 2236 2.3", "A query with a wrong checksum is ignored.", kHost) {
  IsIgnored(b, Query(b, kGroup).Set(igmp::kChecksum, 0x1234));
}
CONFORM(23, MUST, "RFC 2236 2.5", "A message of less than 8 bytes is ignored.", kHost) {
  IsIgnored(
      b, Eth(GroupMac("224.0.0.1"), b.router.mac) /
             Ipv4(b.router.ip4, "224.0.0.1")
                 .Options(ip_option::RouterAlert())
                 .Set(ipv4::kTtl, 1)
                 .Set(ipv4::kProtocol, proto::kIgmp) /
             Raw(Bytes{igmp::kQuery, 5, 0xee, 0xfa}));
}
CONFORM(24, MUST, "RFC 2236 2.1", "A message of an unknown type is ignored.", kHost) {
  IsIgnored(b, Query(b, kGroup).Set(igmp::kType, 0x55));
}
CONFORM(25, MUST, "RFC 2236 4",
        "A query with a response time of 0 is one of version 1, answered by version 1.", kHost) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b, "0.0.0.0", 0));
  b.Expect(Is(igmp::kType, igmp::kReportV1) && Is(igmp::kGroup, Ip(kGroup)), 11s);
}
CONFORM(26, MUST, "RFC 2236 2; RFC 1112 7.2", "Programs get what is sent to the group.",
        {.needs = kMulticast | kUdp}) {
  Socket socket = Member(b);
  socket.Bind(5000);
  b.Send(Eth(GroupMac(kGroup), b.peer.mac) / Ipv4(b.peer.ip4, kGroup) / Udp(4000, 5000) / Raw(9));
  b.Check(socket.Receive().data == Pattern(9), "other bytes came");
}

// --- Router alert --------------------------------------------------------------------------------

// A query as a forger on another link may send it.
Frame QueryTo(const Bench& b, const Ip& to, const Ip& group, int tenths, const Bytes& options) {
  return Eth(GroupMac(to), b.router.mac) /
         Ipv4(b.router.ip4, to).Options(options).Set(ipv4::kTtl, 1) /
         Igmp(igmp::kQuery, group, tenths);
}

CONFORM(27, SHOULD, "RFC 3376 9.1", "A query of version 2 without router alert is ignored.",
        kHost) {
  IsIgnored(b, QueryTo(b, kGroup, kGroup, 5, {}));
}
CONFORM(28, SHOULD, "RFC 3376 9.1",
        "A general query of version 2 with another option instead of the router alert is ignored.",
        kHost) {
  IsIgnored(b, QueryTo(b, "224.0.0.1", "0.0.0.0", 5, Bytes{1, 1, 1, 0}));
}
CONFORM(29, MUST, "RFC 2236 4; RFC 1112 appendix I",
        "A query of version 1, which knows no router alert, is answered without one.", kHost) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(QueryTo(b, "224.0.0.1", "0.0.0.0", 0, {}));
  b.Expect(Is(igmp::kType, igmp::kReportV1) && Is(igmp::kGroup, Ip(kGroup)), 11s);
}
CONFORM(30, SHOULD, "RFC 3376 9.1",
        "A general query that is not sent to the group of all systems is ignored.", kHost) {
  IsIgnored(b, QueryTo(b, kGroup, "0.0.0.0", 5, ip_option::RouterAlert()));
}
CONFORM(31, MUST, "RFC 2236 2; RFC 2113 2.1", "A leave message has TTL 1 and the router alert.",
        kHost) {
  Socket socket = Member(b);
  b.Send(Query(b, kGroup));
  b.Expect(ReportOf(kGroup));
  socket.Leave(kGroup);
  const Packet leave = b.Expect(Leave() && Is(ipv4::kTtl, 1));
  b.Check(FindTlv(leave.Options(Kind::kIpv4), ip_option::kRouterAlert) == Bytes(2),
          "the option is not there, or has another value");
}
CONFORM(32, MUST, "RFC 2236 2; RFC 2113 2.1",
        "The report of who joins has TTL 1 and the router alert.", kHost) {
  Socket socket = Member(b);
  socket.Join(kSecond);
  const Packet report = b.Expect(ReportOf(kSecond) && Is(ipv4::kTtl, 1));
  b.Check(FindTlv(report.Options(Kind::kIpv4), ip_option::kRouterAlert) == Bytes(2),
          "the option is not there, or has another value");
}

}  // namespace
}  // namespace moat::conform
