// A listener beside a router that speaks the first version of MLD.
#include <set>

#include "conform/suites/mld/mld.h"

namespace moat::conform::mld {
namespace {

CONFORM_SUITE("mld");

CONFORM(1, MUST, "RFC 2710 4", "A general query is answered with a report of the group.",
        kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b.router));
  b.Expect(ReportOf(kGroup));
}
CONFORM(2, MUST, "RFC 2710 4", "A query for a group is answered with a report of the group.",
        kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b.router, kGroup));
  b.Expect(ReportOf(kGroup));
}
CONFORM(3, MUST, "RFC 2710 3; 5", "A report is sent to the group that it is about.",
        kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b.router));
  b.Expect(ReportOf(kGroup) && To(kGroup) && Is(eth::kDestination, GroupMac(kGroup)));
}
CONFORM(4, MUST, "RFC 2710 3", "A report has hop limit 1.", kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b.router));
  b.Expect(ReportOf(kGroup) && Is(ipv6::kHopLimit, 1));
}
CONFORM(5, MUST, "RFC 2710 3", "A report has a router alert option of value 0.",
        kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b.router));
  const Packet report = b.Expect(ReportOf(kGroup) && Has(Kind::kHopByHop));
  const auto value = ip6_option::Find(report.Options(Kind::kHopByHop), ip6_option::kRouterAlert);
  b.Check(value == Bytes(2), "the router alert option is not there, or has another value");
}
CONFORM(6, MUST, "RFC 2710 3", "A report comes from a link-local address.", kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b.router));
  b.Expect(ReportOf(kGroup) && From(b.device.link_local));
}
CONFORM(7, MUST, "RFC 2710 3.2; 3.4; 3.5",
        "The code and the maximum response delay of a report are 0, and its length is 24.",
        kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b.router));
  const Packet report = b.Expect(ReportOf(kGroup) && Is(icmp6::kCode, 0) && Is(icmp6::kRest, 0));
  b.CheckEqual(static_cast<int64_t>(report.From(Kind::kIcmp6).size()), 24, "length");
}
CONFORM(8, MUST, "RFC 2710 4", "A general query is answered for every group.",
        kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  socket.Join(kSecond);
  b.Wait(15s);
  b.Forget();
  b.Send(Query(b.router));
  std::set<Ip> groups;
  for (const Packet& p : b.Collect(Report(), 1s)) groups.insert(p.GetIp(icmp6::kGroup));
  b.Check(groups.contains(kGroup) && groups.contains(kSecond), "a group was not reported");
}
CONFORM(9, MUST, "RFC 2710 5; RFC 4291 2.8", "The device's solicited-node groups are reported.",
        kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b.router));
  b.Expect(ReportOf(SolicitedNode(b.device.ip6)));
}
CONFORM(10, MUST, "RFC 2710 4", "A query for a group is not answered for another one.",
        kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b.router, kGroup));
  b.Expect(ReportOf(kGroup));
  b.ExpectNothing(Report(), 1s);
}
CONFORM(11, MUST, "RFC 2710 4", "A query for a group without members here is not answered.",
        kListener) {
  IsIgnored(b, Query(b.router, kSecond)
                   .Set(ipv6::kDestination, Ip("ff02::1"))
                   .Set(eth::kDestination, GroupMac("ff02::1")));
}
CONFORM(12, MUST, "RFC 2710 5", "The group of all nodes is never reported.",
        kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b.router));
  b.Send(Query(b.router, "ff02::1"));
  b.ExpectNothing(ReportOf("ff02::1"), 1s);
}
CONFORM(13, MUST, "RFC 2710 4", "The answer comes within the maximum response delay.",
        kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  for (int i = 0; i < 5; ++i) {
    b.Send(Query(b.router, kGroup, 1000));
    b.Expect(ReportOf(kGroup), 1200ms);
  }
}
CONFORM(14, MUST, "RFC 2710 4", "With a maximum response delay of 0 the answer comes at once.",
        kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b.router, kGroup, 0));
  b.Expect(ReportOf(kGroup), 150ms);
}
CONFORM(15, MUST, "RFC 2710 4", "A query with a shorter delay brings a waiting answer forward.",
        kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b.router, kGroup, 60000));
  b.Send(Query(b.router, kGroup, 100));
  b.Expect(ReportOf(kGroup));
}
CONFORM(16, MUST, "RFC 2710 4; 5", "Another listener's report makes a waiting answer needless.",
        kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b.router, kGroup, 4000));
  b.Send(Ip6ToGroup(b.peer, kGroup).Set(ipv6::kHopLimit, 1) / HopByHop(ip6_option::RouterAlert()) /
         Icmp6(icmp6::kMldReport).Set(icmp6::kGroup, Ip(kGroup)));
  // An answer may have been sent before the other's report came.
  b.Wait(60ms);
  b.Forget();
  b.ExpectNothing(ReportOf(kGroup), 5s);
}
CONFORM(17, MUST, "RFC 2710 4", "Who joins a group reports it without being asked.",
        kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  socket.Join(kSecond);
  b.Expect(ReportOf(kSecond));
}
CONFORM(18, SHOULD, "RFC 2710 4", "The report of who joins is repeated.", kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  socket.Join(kSecond);
  b.Expect(ReportOf(kSecond));
  b.Expect(ReportOf(kSecond), 12s);
}
CONFORM(19, SHOULD, "RFC 2710 4; 5",
        "Who leaves a group that it has reported last says so, to the routers.",
        kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b.router, kGroup));
  b.Expect(ReportOf(kGroup));
  socket.Leave(kGroup);
  b.Expect(Done() && Is(icmp6::kGroup, Ip(kGroup)) && To("ff02::2") && Is(ipv6::kHopLimit, 1));
}
CONFORM(20, MUST, "RFC 2710 4", "After it has left, a group is not reported any more.",
        kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  socket.Leave(kGroup);
  b.Wait(2s);
  b.Forget();
  b.Send(Query(b.router));
  b.ExpectNothing(ReportOf(kGroup), 1s);
}
CONFORM(21, MUST, "RFC 2710 5", "Leaving a group ends the wait for its answer.",
        kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b.router, kGroup, 4000));
  socket.Leave(kGroup);
  b.ExpectNothing(ReportOf(kGroup), 5s);
}
CONFORM(22, MUST, "RFC 2710 4", "As long as one program stays a member, the group is reported.",
        kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  Socket second = b.OpenUdp(true);
  second.Join(kGroup);
  socket.Leave(kGroup);
  b.ExpectNothing(Done(), 1s);
  b.Send(Query(b.router, kGroup));
  b.Expect(ReportOf(kGroup));
}
CONFORM(23, MUST, "RFC 2710 4", "A query from another than a link-local address is ignored.",
        kListener) {
  IsIgnored(b, Query(b.router, kGroup).Set(ipv6::kSource, b.router.ip6));
}
CONFORM(24, MUST, "RFC 4443 2.3", "A query with a wrong checksum is ignored.",
        kListener) {
  IsIgnored(b, Query(b.router, kGroup).Set(icmp6::kChecksum, 0x1234));
}
CONFORM(25, MUST, "RFC 2710 3.7; 4", "A query of less than 24 bytes is ignored.",
        kListener) {
  IsIgnored(b, Ip6ToGroup(b.router, "ff02::1").Set(ipv6::kHopLimit, 1) /
                   HopByHop(ip6_option::RouterAlert()) /
                   Layer(Kind::kIcmp6, Bytes{icmp6::kMldQuery, 0, 0, 0, 0, 100, 0, 0}) /
                   Raw(Bytes(15)));
}
CONFORM(26, MUST, "RFC 3810 6.2", "A query without router alert option is ignored.",
        kListener) {
  const std::vector<Layer> layers = Query(b.router, kGroup).layers();
  IsIgnored(b, layers[0] / layers[1] / layers[3]);
}
CONFORM(27, MUST, "RFC 3810 6.2", "A query with a hop limit other than 1 is ignored.",
        kListener) {
  IsIgnored(b, Query(b.router, kGroup).Set(ipv6::kHopLimit, 64));
}
CONFORM(28, MUST, "RFC 2710 3.2", "The code of a query is ignored.", kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b.router, kGroup).Set(icmp6::kCode, 7));
  b.Expect(ReportOf(kGroup));
}
CONFORM(29, MUST, "RFC 3810 8.2.1", "Without a querier of version 1, version 2 is spoken.",
        kListener) {
  Socket socket = b.OpenUdp(true);
  socket.Join(kGroup);
  b.Expect(Is(icmp6::kType, icmp6::kMldReportV2));
  b.ExpectNothing(Report(), 3s);
}

}  // namespace
}  // namespace moat::conform::mld
