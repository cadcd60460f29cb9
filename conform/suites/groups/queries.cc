// Answers to queries: RFC 3376 5.2, RFC 3810 6.2.
#include "conform/suites/groups/group_bench.h"

namespace moat::conform {
namespace {

// To the query, the device answers with this record of group 1.
void IsAnswered(GroupBench& g, const SourceFilter& filter, const Frame& query, int type,
                const std::vector<int>& sources) {
  [[maybe_unused]] Socket socket = g.Member(filter);
  g.b.Send(query);
  g.b.Expect(g.Tells(type, sources));
}
// The query is not answered; one for the group is.
void IsNotAnswered(GroupBench& g, const SourceFilter& filter, const Frame& query) {
  [[maybe_unused]] Socket socket = g.Member(filter);
  g.b.Send(query);
  g.b.ExpectNothing(g.About(), 1s);
  g.b.Send(g.QueryGroup());
  g.b.Expect(g.About());
}

// --- General queries ---------------------------------------------------------------------------

GROUP_CASE(56, MUST, "5.2", "6.2",
           "To a general query, a group joined for all sources excludes none.") {
  IsAnswered(g, g.All(), g.Query(), kIsExclude, {});
}
GROUP_CASE(57, MUST, "5.2", "6.2", "To a general query, included sources are told as included.") {
  IsAnswered(g, g.Only({1, 2}), g.Query(), kIsInclude, {1, 2});
}
GROUP_CASE(58, MUST, "5.2", "6.2", "To a general query, excluded sources are told as excluded.") {
  IsAnswered(g, g.AllBut({1, 2}), g.Query(), kIsExclude, {1, 2});
}
GROUP_CASE(59, MUST, "5.2", "6.2",
           "A general query is answered for every group, each with its state.") {
  Socket socket = g.Member(g.Only({1}), 1);
  socket.SetFilter(g.group(2), g.AllBut({2}));
  socket.SetFilter(g.group(3), g.All());
  g.Settle();
  g.b.Send(g.Query());
  const std::vector<Packet> reports = g.b.Collect(g.Report(), 1s);
  using Records = std::vector<GroupRecord>;
  g.b.Check(RecordsAbout(reports, g.group(1)) == Records{{kIsInclude, g.group(1), g.Sources({1})}},
            "group 1 was not told once and rightly");
  g.b.Check(RecordsAbout(reports, g.group(2)) == Records{{kIsExclude, g.group(2), g.Sources({2})}},
            "group 2 was not told once and rightly");
  g.b.Check(RecordsAbout(reports, g.group(3)) == Records{{kIsExclude, g.group(3), {}}},
            "group 3 was not told once and rightly");
}
GROUP_CASE(60, MUST, "5.2", "6.2", "After it was left, a group is not told any more.") {
  Socket socket = g.Member(g.All(), 2);
  socket.Join(g.group());
  socket.Leave(g.group());
  g.Settle();
  g.b.Send(g.Query());
  const std::vector<Packet> reports = g.b.Collect(g.Report(), 1s);
  g.b.Check(!RecordsAbout(reports, g.group(2)).empty(), "group 2 was not told");
  g.b.Check(RecordsAbout(reports, g.group(1)).empty(), "group 1, which was left, was told");
}
GROUP_CASE(61, MUST, "5.2", "6.2",
           "The answer to a general query comes within the maximum response time.") {
  [[maybe_unused]] Socket socket = g.Member(g.All());
  for (int i = 0; i < 4; ++i) {
    g.b.Send(g.Query(10));
    g.b.Expect(g.About(), 1150ms);
  }
}
GROUP_CASE(62, MUST, "5.2", "6.2",
           "The answer to a query for a group comes within the maximum response time.") {
  [[maybe_unused]] Socket socket = g.Member(g.All());
  for (int i = 0; i < 4; ++i) {
    g.b.Send(g.QueryGroup(1, {}, 10));
    g.b.Expect(g.About(), 1150ms);
  }
}
GROUP_CASE(63, MUST, "5.2", "6.2",
           "The delay of answers is random, so that hosts do not answer together.") {
  [[maybe_unused]] Socket socket = g.Member(g.All());
  double least = 9, most = 0;
  for (int i = 0; i < 8; ++i) {
    const Duration asked = g.b.Now();
    g.b.Send(g.Query(20));
    const Packet answer = g.b.Expect(g.About(), 2200ms);
    const double delay = std::chrono::duration<double>(answer.time() - asked).count();
    least = std::min(least, delay);
    most = std::max(most, delay);
  }
  // Eight of them within a tenth of the range: once in two million runs by chance.
  g.b.Check(most - least > 0.2, "the answers all took the same time");
}
GROUP_CASE(64, MUST, "4.1.1", "5.1.3", "A maximum response code of 0 asks for an answer at once.") {
  [[maybe_unused]] Socket socket = g.Member(g.All());
  g.b.Send(g.v6 ? g.Query(0) : g.QueryGroup(1, {}, 0));
  g.b.Expect(g.About(), 400ms);
}
GROUP_CASE(65, MUST, "5.2", "6.2", "One general query is answered once.") {
  [[maybe_unused]] Socket socket = g.Member(g.All());
  g.b.Send(g.Query());
  g.b.CheckEqual(static_cast<int64_t>(RecordsAbout(g.b.Collect(g.About(), 2s), g.group()).size()),
                 1, "records");
}
GROUP_CASE(66, MUST, "5.2", "6.2", "Each general query that comes later is answered as well.") {
  [[maybe_unused]] Socket socket = g.Member(g.All());
  for (int i = 0; i < 3; ++i) {
    g.b.Send(g.Query(2));
    g.b.Expect(g.About());
  }
}
GROUP_CASE(67, MUST, "5.2", "6.2",
           "A general query with less time brings a waiting answer forward.") {
  [[maybe_unused]] Socket socket = g.Member(g.All());
  g.b.Send(g.Query(120));
  g.b.Send(g.Query(5));
  g.b.Expect(g.About(), 700ms);
}

// --- Queries for a group, and for sources --------------------------------------------------------

GROUP_CASE(68, MUST, "5.2", "6.2", "To a query for its group, a filter that excludes is told.") {
  IsAnswered(g, g.AllBut({1, 2}), g.QueryGroup(), kIsExclude, {1, 2});
}
GROUP_CASE(69, MUST, "5.2", "6.2", "To a query for its group, a filter that includes is told.") {
  IsAnswered(g, g.Only({1, 2}), g.QueryGroup(), kIsInclude, {1, 2});
}
GROUP_CASE(70, MUST, "5.2", "6.2", "A query for a group is answered for that group only.") {
  [[maybe_unused]] Socket first = g.Member(g.All(), 1);
  [[maybe_unused]] Socket second = g.Member(g.All(), 2);
  g.b.Send(g.QueryGroup(2));
  g.b.Expect(g.About(2));
  g.b.ExpectNothing(g.About(1), 1s);
}
GROUP_CASE(71, MUST, "5.2", "6.2", "A query for a group without listeners here is not answered.") {
  // To a group that the device listens to, so that the query arrives.
  IsNotAnswered(g, g.All(),
                g.QueryGroup(9)
                    .Set(g.v6 ? ipv6::kDestination : ipv4::kDestination, g.all_nodes())
                    .Set(eth::kDestination, GroupMac(g.all_nodes())));
}
GROUP_CASE(72, MUST, "5.2", "6.2",
           "Asked for sources, who includes some tells those of them that it includes.") {
  IsAnswered(g, g.Only({1, 2}), g.QueryGroup(1, {2, 3}), kIsInclude, {2});
}
GROUP_CASE(73, MUST, "5.2", "6.2",
           "Asked for sources, who excludes some tells the others as included.") {
  IsAnswered(g, g.AllBut({1, 2}), g.QueryGroup(1, {2, 3}), kIsInclude, {3});
}
GROUP_CASE(74, MUST, "5.2", "6.2",
           "Asked for sources, who wants all of them tells all as included.") {
  IsAnswered(g, g.All(), g.QueryGroup(1, {1, 2, 3}), kIsInclude, {1, 2, 3});
}
GROUP_CASE(75, MUST, "5.2", "6.2",
           "Asked for sources of which it includes none, the device is silent.") {
  IsNotAnswered(g, g.Only({1, 2}), g.QueryGroup(1, {3, 4}));
}
GROUP_CASE(76, MUST, "5.2", "6.2",
           "Asked for sources that it excludes all, the device is silent.") {
  IsNotAnswered(g, g.AllBut({1, 2}), g.QueryGroup(1, {1, 2}));
}
GROUP_CASE(77, MUST, "5.2", "6.2", "Sources of two queries that wait for one answer are joined.") {
  [[maybe_unused]] Socket socket = g.Member(g.Only({1, 2, 3}));
  g.b.Send(g.QueryGroup(1, {1}, 30));
  g.b.Send(g.QueryGroup(1, {2}, 30));
  g.b.Expect(g.Tells(kIsInclude, {1, 2}), 3200ms);
}
GROUP_CASE(
    78, MUST, "5.2", "6.2",
    "A query for the whole group makes a waiting answer for its sources one for all of it.") {
  [[maybe_unused]] Socket socket = g.Member(g.AllBut({1}));
  g.b.Send(g.QueryGroup(1, {2}, 30));
  g.b.Send(g.QueryGroup(1, {}, 30));
  g.b.Expect(g.Tells(kIsExclude, {1}), 3200ms);
}
GROUP_CASE(79, MUST, "5.2", "6.2",
           "While an answer for the whole group waits, a query for sources does not narrow it.") {
  [[maybe_unused]] Socket socket = g.Member(g.AllBut({1}));
  g.b.Send(g.QueryGroup(1, {}, 30));
  g.b.Send(g.QueryGroup(1, {2}, 30));
  g.b.Expect(g.Tells(kIsExclude, {1}), 3200ms);
}
GROUP_CASE(80, MUST, "5.2", "6.2",
           "A query for a group with less time brings a waiting answer forward.") {
  [[maybe_unused]] Socket socket = g.Member(g.All());
  g.b.Send(g.QueryGroup(1, {}, 120));
  g.b.Send(g.QueryGroup(1, {}, 5));
  g.b.Expect(g.About(), 700ms);
}
GROUP_CASE(81, MUST, "5.2", "6.2", "An answer tells the state at its time, not at the query's.") {
  Socket socket = g.Member(g.Only({1, 2}));
  g.b.Send(g.QueryGroup(1, {1, 2}, 50));
  socket.SetFilter(g.group(), g.Only({1}));
  g.b.ExpectNothing(g.Tells(kIsInclude, {1, 2}), 5300ms);
}
GROUP_CASE(82, MUST, "5.2", "6.2", "Who has left before its answer was due does not answer.") {
  Socket socket = g.Member(g.All());
  g.b.Send(g.QueryGroup(1, {}, 50));
  socket.Leave(g.group());
  const auto records = RecordsAbout(g.b.Collect(g.About(), 5300ms), g.group());
  // An answer may have gone out before the device left.
  bool left = false, after = false;
  for (const GroupRecord& record : records) {
    if (record.type == kToInclude) left = true;
    after |= left && record.type == kIsExclude;
  }
  g.b.Check(left, "leaving was not told");
  g.b.Check(!after, "the group was told after it had been left");
}

// --- Fields of queries ---------------------------------------------------------------------------

GROUP_CASE(83, MUST, "4.1.5", "5.1.7",
           "The flag that suppresses routers does not keep a host from answering.") {
  IsAnswered(g, g.All(), g.RawQuery(g.group(), QueryTail(true, 2, 125, {}), g.v6 ? 500 : 5),
             kIsExclude, {});
}
GROUP_CASE(84, MUST, "4.1.4", "5.1.6", "The reserved bits of a query are ignored.") {
  Bytes tail = QueryTail(false, 2, 125, {});
  tail[0] |= 0xf0;
  IsAnswered(g, g.All(), g.RawQuery(g.group(), tail, g.v6 ? 500 : 5), kIsExclude, {});
}
GROUP_CASE(85, MUST, "4.1.6", "5.1.8", "A query is answered whatever the querier's robustness.") {
  [[maybe_unused]] Socket socket = g.Member(g.All());
  for (const int robustness : {0, 1, 7}) {
    g.b.Send(g.RawQuery(g.group(), QueryTail(false, robustness, 125, {}), g.v6 ? 300 : 3));
    g.b.Expect(g.Tells(kIsExclude, {}));
  }
}
GROUP_CASE(86, MUST, "4.1.7", "5.1.9", "A query is answered whatever the querier's interval.") {
  [[maybe_unused]] Socket socket = g.Member(g.All());
  for (const int interval : {0, 127, 128, 255}) {
    g.b.Send(g.RawQuery(g.group(), QueryTail(false, 2, interval, {}), g.v6 ? 300 : 3));
    g.b.Expect(g.Tells(kIsExclude, {}));
  }
}
GROUP_CASE(87, MUST, "4.1.10", "5.1.12", "What a query has behind its sources is ignored.") {
  IsAnswered(g, g.All(),
             g.RawQuery(g.group(), Join({QueryTail(false, 2, 125, {}), Bytes(12, 0xaa)}),
                        g.v6 ? 500 : 5),
             kIsExclude, {});
}
GROUP_CASE(88, MUST, "4.1.12", "5.1.15", "A query to the device's own address is answered.") {
  const Frame query = g.v6 ? g.QueryGroup().Set(ipv6::kDestination, g.b.device.link_local)
                           : g.QueryGroup().Set(ipv4::kDestination, g.b.device.ip4);
  IsAnswered(g, g.All(), query.Set(eth::kDestination, g.b.device.mac), kIsExclude, {});
}
GROUP_CASE(89, MUST, "4.1.2", "RFC 4443 2.3", "A query with a wrong checksum is ignored.") {
  [[maybe_unused]] Socket socket = g.Member(g.All());
  g.IsIgnored(g.QueryGroup().Set(g.v6 ? icmp6::kChecksum : igmp::kChecksum, 0x1234));
}
GROUP_CASE(90, MUST, "7.1", "8.1",
           "A query of a length between those of the versions is ignored.") {
  [[maybe_unused]] Socket socket = g.Member(g.All());
  g.IsIgnored(g.RawQuery(g.group(), Bytes{2, 125}, g.v6 ? 500 : 5));
}
GROUP_CASE(91, MUST, "4", "5", "A message of an unknown type is ignored.") {
  [[maybe_unused]] Socket socket = g.Member(g.All());
  g.IsIgnored(g.QueryGroup().Set(g.v6 ? icmp6::kType : igmp::kType, g.v6 ? 0xc8 : 0x77));
}
GROUP_CASE(92, MUST, "5.2; A.2", "6.2; A.2",
           "What another host reports does not keep the device from it.") {
  [[maybe_unused]] Socket socket = g.Member(g.All());
  g.b.Send(g.QueryGroup(1, {}, 30));
  const Bytes record = EmitRecord({kIsExclude, g.group(), {}});
  const Frame report =
      g.v6 ? Ip6ToGroup(g.b.peer, g.report_group()).Set(ipv6::kHopLimit, 1) /
                 HopByHop(ip6_option::RouterAlert()) /
                 Layer(Kind::kIcmp6, Join({{icmp6::kMldReportV2, 0, 0, 0, 0, 0, 0, 1}, record}))
           : Ip4ToGroup(g.b.peer, g.report_group()).Set(ipv4::kTtl, 1) /
                 Layer(Kind::kIgmp, Join({{igmp::kReportV3, 0, 0, 0, 0, 0, 0, 1}, record}));
  g.b.Send(report);
  g.b.Expect(g.Tells(kIsExclude, {}), 3200ms);
}
GROUP_CASE(93, MUST, "5.2", "6.2", "A query concerns the interface that it came to.",
           {.needs = kTwoPorts}) {
  Socket socket = g.Open();
  socket.Join(g.group(1), 0);
  socket.Join(g.group(2), 1);
  g.Settle();
  Frame query = g.QueryOf(Ip::Any(g.v6), {}, 5).Set(eth::kSource, g.b.router1.mac);
  query = g.v6 ? query.Set(ipv6::kSource, g.b.router1.link_local)
               : query.Set(ipv4::kSource, g.b.router1.ip4);
  g.b.Send(query, 1);
  g.b.Expect(g.About(2) && OnPort(1));
  g.b.ExpectNothing(g.About(1), 1s);
}
GROUP_CASE(94, MUST, "4.2.16", "5.2.15", "More groups than are few are all told.") {
  Socket socket = g.Open();
  for (int n = 1; n <= 18; ++n) socket.Join(g.group(n));
  g.Settle();
  g.b.Send(g.Query());
  const std::vector<Packet> reports = g.b.Collect(g.Report(), 1500ms);
  for (int n = 1; n <= 18; ++n) {
    g.b.Check(!RecordsAbout(reports, g.group(n)).empty(),
              "group " + std::to_string(n) + " was not told");
  }
}

}  // namespace
}  // namespace moat::conform
