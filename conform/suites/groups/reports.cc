// What reports look like.
#include "conform/suites/groups/group_bench.h"

namespace moat::conform {
namespace {

// A report about group 1, as an answer.
Packet Answer(GroupBench& g, const SourceFilter& filter) {
  [[maybe_unused]] Socket socket = g.Member(filter);
  g.b.Send(g.QueryGroup());
  return g.b.Expect(g.About());
}
Bytes MessageOf(const GroupBench& g, const Packet& p) {
  return p.From(g.v6 ? Kind::kIcmp6 : Kind::kIgmp);
}
int WidthOf(const GroupBench& g) { return g.v6 ? 16 : 4; }

GROUP_CASE(1, MUST, "4.2.14", "5.2.14",
           "Reports are sent to the group of the routers that hear them.") {
  g.b.CheckPacket(Answer(g, g.All()), To(g.report_group()));
}
GROUP_CASE(2, MUST, "4.2.14; RFC 1112 6.4", "5.2.14; RFC 2464 7",
           "A report goes to the link address of its destination group.") {
  g.b.CheckPacket(Answer(g, g.All()), Is(eth::kDestination, GroupMac(g.report_group())));
}
GROUP_CASE(3, MUST, "4", "5", "A report that tells a change has TTL, or hop limit, 1.") {
  Socket socket = g.Open();
  socket.Join(g.group());
  const Packet report = g.b.Expect(g.About());
  g.b.CheckPacket(report, g.v6 ? Is(ipv6::kHopLimit, 1) : Is(ipv4::kTtl, 1));
}
GROUP_CASE(4, MUST, "4", "5", "A report that answers a query has TTL, or hop limit, 1.") {
  g.b.CheckPacket(Answer(g, g.All()), g.v6 ? Is(ipv6::kHopLimit, 1) : Is(ipv4::kTtl, 1));
}
GROUP_CASE(5, MUST, "4; RFC 2113 2.1", "5; RFC 2711 2.1",
           "A report has a router alert option of value 0.") {
  const Packet report = Answer(g, g.All());
  const Bytes options = report.Options(g.v6 ? Kind::kHopByHop : Kind::kIpv4);
  const auto value = g.v6 ? ip6_option::Find(options, ip6_option::kRouterAlert)
                          : FindTlv(options, ip_option::kRouterAlert);
  g.b.Check(value == Bytes(2), "the router alert option is not there, or has another value");
}
GROUP_CASE(6, MUST, "4.2.13", "5.2.13",
           "A report comes from an address of the device on the link.") {
  g.b.CheckPacket(Answer(g, g.All()), From(g.v6 ? g.b.device.link_local : g.b.device.ip4));
}
GROUP_CASE(7, MUST, "4.2.1; 4.2.3", "5.2; 5.2.1; 5.2.3", "The reserved fields of a report are 0.") {
  const Bytes message = MessageOf(g, Answer(g, g.All()));
  if (!g.b.ok()) return;
  g.b.CheckEqual(message[1], 0, "second byte");
  g.b.CheckEqual(message[4] << 8 | message[5], 0, "reserved field");
}
GROUP_CASE(8, MUST, "4.2.4; 4.2.11", "5.2.4; 5.2.11",
           "A report ends behind the last of the records that it counts.") {
  const Packet report = Answer(g, g.AllBut({1, 2}));
  size_t size = 8;
  for (const GroupRecord& record : RecordsOf(report)) {
    size += 4 + static_cast<size_t>(WidthOf(g)) * (1 + record.sources.size());
  }
  g.b.CheckEqual(static_cast<int64_t>(MessageOf(g, report).size()), static_cast<int64_t>(size),
                 "length of the message");
}
GROUP_CASE(9, MUST, "4.2.6; 4.2.10", "5.2.6; 5.2.10", "Records have no auxiliary data.") {
  const Bytes message = MessageOf(g, Answer(g, g.All()));
  if (g.b.ok()) g.b.CheckEqual(message[9], 0, "length of the auxiliary data");
}
GROUP_CASE(10, MUST, "4.2.7; 4.2.9", "5.2.7; 5.2.9",
           "A record lists all of its sources, each once.") {
  const Packet report = Answer(g, g.Only({1, 2, 3, 4, 5}));
  g.b.CheckPacket(report, g.Tells(kIsInclude, {1, 2, 3, 4, 5}));
}
GROUP_CASE(11, MUST, "4.2.12", "5.2.12",
           "The answer to a query tells the current state by record type.") {
  g.b.CheckPacket(Answer(g, g.All()), g.Tells(kIsExclude, {}));
}
GROUP_CASE(12, MUST, "4.2.2; 4.1.2", "5.2.2; RFC 4443 2.3", "Reports have a right checksum.") {
  Socket socket = g.Open();
  socket.Join(g.group(1));
  g.b.Expect(g.About(1));  // which judges the checksum
  socket.SetFilter(g.group(1), g.AllBut({1, 2, 3}));
  g.b.Expect(g.About(1));
}
GROUP_CASE(13, MUST, "5", "6", "The group of all systems, or nodes, is never reported.") {
  Socket socket = g.Open();
  socket.Join(g.all_nodes());
  const Ip group = g.all_nodes();
  const Match reported = g.Report() && Where("a record of it", [group](const Packet& p) {
                           return !RecordsAbout({p}, group).empty();
                         });
  g.b.ExpectNothing(reported, 2s);
  socket.Join(g.group());
  g.b.Expect(g.About());
  g.b.Send(g.Query());
  g.b.ExpectNothing(reported, 1500ms);
}

CONFORM_SUITE("igmpv3");
CONFORM(200, MUST, "RFC 3376 4", "A report has the precedence of internetwork control.",
        {.needs = kMulticast}) {
  GroupBench g(b, false);
  Socket socket = g.Open();
  socket.Join(g.group());
  const Packet report = b.Expect(g.About());
  b.CheckEqual(static_cast<int64_t>(report.Get(ipv4::kTos).u64()), 0xc0, "type of service");
}

}  // namespace
}  // namespace moat::conform
