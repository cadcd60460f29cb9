// Beside a querier of an older version: RFC 3376 7.2, RFC 3810 8.2. And what is one version's
// alone.
#include "conform/suites/groups/group_bench.h"

namespace moat::conform {
namespace {

// The querier of the link is one of version 2 of IGMP, version 1 of MLD.
Socket OldMember(GroupBench& g, const SourceFilter& filter) {
  Socket socket = g.Member(filter);
  g.b.Send(g.OldQuery(Ip::Any(g.v6)));
  g.Settle();
  return socket;
}

GROUP_CASE(107, MUST, "7.2.1", "8.2.1",
           "An older querier's general query is answered with its version.") {
  [[maybe_unused]] Socket socket = g.Member(g.All());
  g.b.Send(g.OldQuery(Ip::Any(g.v6)));
  g.b.Expect(g.OldReport() && To(g.group()));
}
GROUP_CASE(108, MUST, "7.2.1", "8.2.1",
           "An older querier's query for a group is answered with its version.") {
  [[maybe_unused]] Socket socket = g.Member(g.All());
  g.b.Send(g.OldQuery(g.group()));
  g.b.Expect(g.OldReport() && To(g.group()));
}
GROUP_CASE(109, MUST, "7.2.1", "8.2.1",
           "Beside an older querier, this version's reports are not sent.") {
  Socket socket = OldMember(g, g.All());
  socket.Join(g.group(2));
  g.b.ExpectNothing(g.Report(), 1500ms);
  g.b.Send(g.OldQuery(g.group()));
  g.b.Expect(g.OldReport());
}
GROUP_CASE(110, MUST, "7.2.1", "8.2.1",
           "Beside an older querier, who joins reports it by that version.") {
  Socket socket = OldMember(g, g.All());
  socket.Join(g.group(2));
  g.b.Expect(g.OldReport(2));
}
GROUP_CASE(111, MUST, "7.2.1", "8.2.1",
           "Beside an older querier, who leaves tells it by that version.") {
  Socket socket = OldMember(g, g.All());
  socket.Leave(g.group());
  g.b.Expect(g.OldLeave());
}
GROUP_CASE(112, MUST, "7.2.1", "8.2.1",
           "Beside an older querier, a member for some sources reports the group.") {
  [[maybe_unused]] Socket socket = OldMember(g, g.Only({1}));
  g.b.Send(g.OldQuery(g.group()));
  g.b.Expect(g.OldReport());
}
GROUP_CASE(113, MUST, "7.2.1", "8.2.1",
           "Beside an older querier, sources that are exchanged do not end the membership.") {
  Socket socket = OldMember(g, g.Only({1}));
  socket.SetFilter(g.group(), g.Only({1, 2}));
  g.b.ExpectNothing(g.OldLeave(), 1s);
  g.b.Send(g.OldQuery(g.group()));
  g.b.Expect(g.OldReport());
}
GROUP_CASE(114, MUST, "7.2.1", "8.2.1",
           "After an older querier has been heard, a query of this version is answered by the "
           "older one.") {
  [[maybe_unused]] Socket socket = OldMember(g, g.All());
  g.b.Send(g.Query());
  g.b.Expect(g.OldReport());
  g.b.ExpectNothing(g.Report(), 700ms);
}
GROUP_CASE(115, MUST, "7.2.1", "8.2.1", "The version is the interface's: on another one it stays.",
           {.needs = kTwoPorts}) {
  Socket socket = OldMember(g, g.All());
  socket.Join(g.group(2), 1);
  g.b.Expect(g.About(2) && OnPort(1));
}
GROUP_CASE(116, MUST, "7.2.1", "8.2.1", "Without an older querier, this version is spoken.") {
  Socket socket = g.Open();
  socket.Join(g.group());
  g.b.Expect(g.About());
  g.b.ExpectNothing(g.OldReport(), 1500ms);
}

// --- IGMP alone ----------------------------------------------------------------------------------

CONFORM_SUITE("igmpv3");
constexpr CaseOptions kV4{.needs = kMulticast};

Match ReportV1(const Ip& group) {
  return Is(igmp::kType, igmp::kReportV1) && Is(igmp::kGroup, group);
}

CONFORM(201, MUST, "RFC 3376 7.2.1", "A querier of version 1 is answered with version 1.", kV4) {
  GroupBench g(b, false);
  [[maybe_unused]] Socket socket = g.Member(g.All());
  b.Send(g.OldQuery("0.0.0.0", 0));
  b.Expect(ReportV1(g.group()), 11s);
}
CONFORM(202, MUST, "RFC 3376 7.2.1",
        "Beside a querier of version 1, who joins reports it by version 1.", kV4) {
  GroupBench g(b, false);
  Socket socket = g.Member(g.All());
  b.Send(g.OldQuery("0.0.0.0", 0));
  b.Wait(11s);
  socket.Join(g.group(2));
  b.Expect(ReportV1(g.group(2)));
}
CONFORM(203, MUST, "RFC 3376 7.2.1; RFC 1112 appendix I",
        "Beside a querier of version 1, who leaves is silent.", kV4) {
  GroupBench g(b, false);
  Socket socket = g.Member(g.All());
  b.Send(g.OldQuery("0.0.0.0", 0));
  b.Expect(ReportV1(g.group()), 11s);
  socket.Leave(g.group());
  b.ExpectNothing(g.OldLeave() || g.Report(), 1500ms);
}
CONFORM(204, MUST, "RFC 3376 7.2.1", "Of two older queriers, the one of version 1 counts.", kV4) {
  GroupBench g(b, false);
  [[maybe_unused]] Socket socket = g.Member(g.All());
  b.Send(g.OldQuery("0.0.0.0", 0));
  b.Expect(ReportV1(g.group()), 11s);
  b.Send(g.OldQuery("0.0.0.0", 5));
  b.Expect(ReportV1(g.group()));
}
CONFORM(205, MUST, "RFC 3376 4.1.1",
        "A maximum response code above 127 is a number with an exponent.", kV4) {
  GroupBench g(b, false);
  [[maybe_unused]] Socket socket = g.Member(g.All());
  for (int i = 0; i < 3; ++i) {
    b.Send(g.RawQuery(g.group(), QueryTail(false, 2, 125, {}), 0x80));
    b.Expect(g.About(), 13s);  // (0 | 16) << 3 tenths
  }
}
CONFORM(206, MUST, "RFC 3376 7.1", "A query of more than 8 and less than 12 bytes is ignored.",
        kV4) {
  GroupBench g(b, false);
  [[maybe_unused]] Socket socket = g.Member(g.All());
  for (const size_t more : {1, 2, 3}) b.Send(g.RawQuery(g.group(), Bytes(more), 5));
  b.ExpectNothing(g.About() || g.OldReport(), 1s);
  b.Send(g.Query());
  b.Expect(g.About());
}

// Queries as a forger on another link may send them.
Frame QueryTo(const GroupBench& g, const Ip& to, const Ip& group, const Bytes& options) {
  return Eth(GroupMac(to), g.b.router.mac) /
         Ipv4(g.b.router.ip4, to).Options(options).Set(ipv4::kTtl, 1) /
         Igmp(igmp::kQuery, group, 5) / Raw(QueryTail(false, 2, 125, {}));
}
CONFORM(207, SHOULD, "RFC 3376 9.1", "A query for a group without router alert is ignored.", kV4) {
  GroupBench g(b, false);
  [[maybe_unused]] Socket socket = g.Member(g.All());
  g.IsIgnored(QueryTo(g, g.group(), g.group(), {}));
}
CONFORM(208, SHOULD, "RFC 3376 9.1", "A general query without router alert is ignored.", kV4) {
  GroupBench g(b, false);
  [[maybe_unused]] Socket socket = g.Member(g.All());
  g.IsIgnored(QueryTo(g, "224.0.0.1", "0.0.0.0", {}));
}
CONFORM(209, SHOULD, "RFC 3376 9.1",
        "A general query that is not sent to the group of all systems is ignored.", kV4) {
  GroupBench g(b, false);
  [[maybe_unused]] Socket socket = g.Member(g.All());
  g.IsIgnored(QueryTo(g, g.group(), "0.0.0.0", ip_option::RouterAlert()));
}

// --- MLD alone -----------------------------------------------------------------------------------

constexpr CaseOptions kV6{.needs = kMulticast | kIpv6};

#define MLD_CASE(number, level, source, text)                                             \
  void MldCase##number(GroupBench& g);                                                    \
  const RegisterCase kRegisterMldCase##number(                                            \
      {"mldv2", number, Level::level, source, text, kV6, [](Bench& b) {                   \
         GroupBench g(b, true);                                                           \
         MldCase##number(g);                                                              \
       }});                                                                               \
  void MldCase##number([[maybe_unused]] GroupBench& g)

// Has the hop-by-hop header and the query, without the option.
Frame WithoutAlert(const GroupBench& g) {
  const std::vector<Layer> layers = g.QueryGroup().layers();
  return layers[0] / layers[1] / HopByHop(ip6_option::PadN(6)) / layers[3] / layers[4];
}

MLD_CASE(200, MUST, "RFC 3810 5.1.14; 6.2",
         "A query that is not from a link-local address is ignored.") {
  [[maybe_unused]] Socket socket = g.Member(g.All());
  g.IsIgnored(g.QueryGroup().Set(ipv6::kSource, g.b.router.ip6));
}
MLD_CASE(201, MUST, "RFC 3810 6.2", "A query with a hop limit other than 1 is ignored.") {
  [[maybe_unused]] Socket socket = g.Member(g.All());
  g.IsIgnored(g.QueryGroup().Set(ipv6::kHopLimit, 2));
}
MLD_CASE(202, MUST, "RFC 3810 6.2",
         "A query whose hop-by-hop header has no router alert is ignored.") {
  [[maybe_unused]] Socket socket = g.Member(g.All());
  g.IsIgnored(WithoutAlert(g));
}
MLD_CASE(203, MUST, "RFC 3810 6.2", "A query without hop-by-hop header is ignored.") {
  [[maybe_unused]] Socket socket = g.Member(g.All());
  const std::vector<Layer> layers = g.QueryGroup().layers();
  g.IsIgnored(layers[0] / layers[1] / layers[3] / layers[4]);
}
MLD_CASE(204, MUST, "RFC 3810 6; RFC 4291 2.8", "The device's solicited-node groups are told.") {
  g.b.Send(g.Query());
  const Ip group = SolicitedNode(g.b.device.ip6);
  g.b.Expect(g.Report() && Where("its record", [group](const Packet& p) {
               const auto records = RecordsAbout({p}, group);
               return records == std::vector<GroupRecord>{{kIsExclude, group, {}}};
             }));
}
MLD_CASE(205, MUST, "RFC 3810 6", "Groups of interface-local scope are not told.") {
  Socket socket = g.Member(g.All());
  (void)g.b.ok();
  socket.Join("ff01::77");
  g.b.Send(g.Query());
  const std::vector<Packet> reports = g.b.Collect(g.Report(), 1500ms);
  g.b.Check(!RecordsAbout(reports, g.group()).empty(), "group 1 was not told");
  g.b.Check(RecordsAbout(reports, "ff01::77").empty(), "ff01::77 was told");
}
MLD_CASE(206, MUST, "RFC 3810 6; RFC 4291 2.8",
         "A new address's solicited-node group is told as joined.") {
  g.Settle();
  g.b.AddAddress({"2001:db8::abcd", 64});
  const Ip group = SolicitedNode("2001:db8::abcd");
  g.b.Expect(g.Report() && Where("its record", [group](const Packet& p) {
               const auto records = RecordsAbout({p}, group);
               return records == std::vector<GroupRecord>{{kToExclude, group, {}}};
             }));
}
MLD_CASE(207, MUST, "RFC 3810 5.1.3",
         "A maximum response code above 32767 is a number with an exponent.") {
  [[maybe_unused]] Socket socket = g.Member(g.All());
  g.b.Send(g.RawQuery(g.group(), QueryTail(false, 2, 125, {}), 0x8000));
  g.b.Expect(g.About(), 33s);  // (0 | 4096) << 3 milliseconds
}
MLD_CASE(208, MUST, "RFC 3810 8.1", "A query of more than 24 and less than 28 bytes is ignored.") {
  [[maybe_unused]] Socket socket = g.Member(g.All());
  for (const size_t more : {1, 2, 3}) g.b.Send(g.RawQuery(g.group(), Bytes(more), 500));
  g.b.ExpectNothing(g.About() || g.OldReport(), 1s);
  g.b.Send(g.Query());
  g.b.Expect(g.About());
}
MLD_CASE(209, MUST, "RFC 3810 5.1.2", "The code of a query is ignored.") {
  [[maybe_unused]] Socket socket = g.Member(g.All());
  g.b.Send(g.QueryGroup().Set(icmp6::kCode, 9));
  g.b.Expect(g.About());
}

}  // namespace
}  // namespace moat::conform
