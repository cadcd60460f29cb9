// More of a listener beside a router that speaks the first version of MLD: details of messages,
// several groups and links, delivery.
#include "conform/suites/mld/mld.h"

namespace moat::conform::mld {
namespace {

CONFORM_SUITE("mld");

CONFORM(30, MUST, "RFC 2710 4", "A query with more time does not put a waiting answer off.",
        kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b.router, kGroup, 1000));
  b.Send(Query(b.router, kGroup, 30000));
  b.Expect(ReportOf(kGroup), 1200ms);
}
CONFORM(31, MUST, "RFC 2710 4", "A general query is answered once for each group.", kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b.router));
  b.CheckEqual(static_cast<int64_t>(b.Collect(ReportOf(kGroup), 1500ms).size()), 1, "reports");
}
CONFORM(32, MUST, "RFC 2710 4", "Another listener's report of another group changes nothing.",
        kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b.router, kGroup, 2000));
  b.Send(ReportBy(b.peer, kSecond));
  b.Expect(ReportOf(kGroup), 2300ms);
}
CONFORM(33, MUST, "RFC 2710 4", "A report that was suppressed once is given to the next query.",
        kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b.router, kGroup, 3000));
  b.Send(ReportBy(b.peer, kGroup));
  b.Wait(3200ms);
  b.Forget();
  b.Send(Query(b.router, kGroup));
  b.Expect(ReportOf(kGroup));
}
CONFORM(34, MUST, "RFC 2710 3.7; 3.3", "A report has a right checksum, over the addresses as well.",
        kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b.router));
  const Packet report = b.Expect(ReportOf(kGroup));
  b.Check(report.problems().empty(), "the report is malformed");
}
CONFORM(35, MUST, "RFC 2710 5; RFC 4291 2.7", "Groups of interface-local scope are not reported.",
        kListener) {
  Socket socket = Member(b);
  socket.Join("ff01::77");
  b.Send(Query(b.router));
  b.Expect(ReportOf(kGroup));
  b.ExpectNothing(ReportOf("ff01::77"), 1s);
}
CONFORM(36, MUST, "RFC 2710 5", "Groups of link-local scope are reported.", kListener) {
  [[maybe_unused]] Socket socket = Member(b, "ff02::1:2:3");
  b.Send(Query(b.router));
  b.Expect(ReportOf("ff02::1:2:3"));
}
CONFORM(37, MUST, "RFC 2710 5", "Groups of global scope are reported.", kListener) {
  [[maybe_unused]] Socket socket = Member(b, "ff0e::1:2:3");
  b.Send(Query(b.router));
  b.Expect(ReportOf("ff0e::1:2:3"));
}
CONFORM(38, MUST, "RFC 2710 4; RFC 4291 2.7.1",
        "The solicited-node group of a new address is reported.", kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  b.AddAddress({"2001:db8::abcd", 64});
  b.Expect(ReportOf(SolicitedNode("2001:db8::abcd")));
}
CONFORM(39, SHOULD, "RFC 2710 4; RFC 4291 2.7.1",
        "The solicited-node group of an address that is removed is left.", kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  b.AddAddress({"2001:db8::abcd", 64});
  b.Expect(ReportOf(SolicitedNode("2001:db8::abcd")));
  b.RemoveAddress({"2001:db8::abcd", 64});
  b.Expect(Done() && Is(icmp6::kGroup, SolicitedNode("2001:db8::abcd")));
}
CONFORM(40, MUST, "RFC 2710 3",
        "A done message has hop limit 1, a router alert and a link-local source.", kListener) {
  Socket socket = Member(b);
  socket.Leave(kGroup);
  const Packet done = b.Expect(Done() && Is(ipv6::kHopLimit, 1) && From(b.device.link_local));
  const auto alert = ip6_option::Find(done.Options(Kind::kHopByHop), ip6_option::kRouterAlert);
  b.Check(alert == Bytes(2), "the router alert option is not there, or has another value");
}
CONFORM(41, MUST, "RFC 2710 3.4; 3.2",
        "A done message has code 0, maximum response delay 0, and 24 bytes.", kListener) {
  Socket socket = Member(b);
  socket.Leave(kGroup);
  const Packet done = b.Expect(Done() && Is(icmp6::kCode, 0) && Is(icmp6::kRest, 0));
  b.CheckEqual(static_cast<int64_t>(done.From(Kind::kIcmp6).size()), 24, "length");
}
CONFORM(42, SHOULD, "RFC 2710 4", "A program that closes its socket leaves its groups.",
        kListener) {
  Socket socket = Member(b);
  socket.Close();
  b.Expect(Done() && Is(icmp6::kGroup, Ip(kGroup)));
}
CONFORM(43, MUST, "RFC 2710 5", "Membership is of an interface: the other one reports nothing.",
        {.needs = kMulticast | kTwoPorts}) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Query(b.router1), 1);
  b.Wait(1s);
  b.Forget();
  b.Send(Query(b.router1), 1);
  b.Expect(Report() && OnPort(1));
  b.ExpectNothing(ReportOf(kGroup) && OnPort(1), 1s);
}
CONFORM(44, MUST, "RFC 2710 5; RFC 3810 8.2.1", "The version of a link's querier is that link's.",
        {.needs = kMulticast | kTwoPorts}) {
  Socket socket = Member(b);
  socket.Join(kSecond, 1);
  b.Expect(OnPort(1) && Is(icmp6::kType, icmp6::kMldReportV2));
}
CONFORM(45, MUST, "RFC 2710 5", "A done message of another listener is ignored.", kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(Ip6ToGroup(b.peer, "ff02::1").Set(ipv6::kHopLimit, 1) /
         HopByHop(ip6_option::RouterAlert()) /
         Icmp6(icmp6::kMldDone).Set(icmp6::kGroup, Ip(kGroup)));
  b.Send(Query(b.router, kGroup));
  b.Expect(ReportOf(kGroup));
}
CONFORM(46, MUST, "RFC 2710 3.1", "A message of an unknown type is ignored.", kListener) {
  IsIgnored(b, Query(b.router, kGroup).Set(icmp6::kType, 0xc8));
}
CONFORM(47, MUST, "RFC 4291 2.7; RFC 2710 1", "Programs get what is sent to the group.",
        {.needs = kMulticast | kUdp}) {
  Socket socket = Member(b);
  socket.Bind(5000);
  b.Send(Ip6ToGroup(b.peer, kGroup) / Udp(4000, 5000) / Raw(9));
  b.Check(socket.Receive().data == Pattern(9), "other bytes came");
}
CONFORM(48, MUST, "RFC 2710 4", "Every query is answered, also the third one.", kListener) {
  [[maybe_unused]] Socket socket = Member(b);
  for (int i = 0; i < 3; ++i) {
    b.Send(Query(b.router));
    b.Expect(ReportOf(kGroup));
  }
}

}  // namespace
}  // namespace moat::conform::mld
