#include "conform/suites/groups/group_bench.h"

#include <algorithm>

namespace moat::conform {

Ip GroupBench::group(int n) const {
  return v6 ? "ff05::db8:" + std::to_string(n) : "239.1.2." + std::to_string(n);
}
Ip GroupBench::source(int n) const {
  return v6 ? "2001:db8:9::" + std::to_string(n) : "203.0.113." + std::to_string(n);
}
std::vector<Ip> GroupBench::Sources(const std::vector<int>& numbers) const {
  std::vector<Ip> sources;
  for (const int n : numbers) sources.push_back(source(n));
  std::sort(sources.begin(), sources.end());
  return sources;
}

Socket GroupBench::Member(const SourceFilter& filter, int n) {
  Socket socket = Open();
  socket.SetFilter(group(n), filter);
  Settle();
  return socket;
}

void GroupBench::Settle() {
  b.Wait(2500ms);
  b.Forget();
}

Frame GroupBench::RawQuery(const Ip& group, const Bytes& tail, int code) const {
  const Ip to = group.IsUnspecified() ? all_nodes() : group;
  if (!v6) {
    return Eth(GroupMac(to), b.router.mac) /
           Ipv4(b.router.ip4, to).Options(ip_option::RouterAlert()).Set(ipv4::kTtl, 1) /
           Igmp(igmp::kQuery, group, code) / Raw(tail);
  }
  return Ip6ToGroup(b.router, to).Set(ipv6::kHopLimit, 1) / HopByHop(ip6_option::RouterAlert()) /
         Icmp6(icmp6::kMldQuery).Set(icmp6::kMaxResponse, code).Set(icmp6::kGroup, group) /
         Raw(tail);
}

void GroupBench::IsIgnored(const Frame& query) {
  b.Send(query);
  b.ExpectNothing(About() || OldReport(), 1s);
  b.Send(Query());
  b.Expect(About());
}

Match GroupBench::Report() const {
  return v6 ? Is(icmp6::kType, icmp6::kMldReportV2) : Is(igmp::kType, igmp::kReportV3);
}

Match GroupBench::About(int n) const {
  const Ip wanted = group(n);
  return Report() && Where("a record of " + wanted.ToString(), [wanted](const Packet& p) {
           const std::vector<GroupRecord> records = RecordsOf(p);
           return std::any_of(records.begin(), records.end(),
                              [&](const GroupRecord& record) { return record.group == wanted; });
         });
}

Match GroupBench::Tells(int type, const std::vector<int>& sources, int n) const {
  const GroupRecord wanted{type, group(n), Sources(sources)};
  std::string text =
      "record type " + std::to_string(type) + " of " + wanted.group.ToString() + " {";
  for (const Ip& source : wanted.sources) text += " " + source.ToString();
  return Report() && Where(text + " }", [wanted](const Packet& p) {
           for (GroupRecord record : RecordsOf(p)) {
             std::sort(record.sources.begin(), record.sources.end());
             if (record == wanted) return true;
           }
           return false;
         });
}

Match GroupBench::OldReport(int n) const {
  if (v6) return Is(icmp6::kType, icmp6::kMldReport) && Is(icmp6::kGroup, group(n));
  return Is(igmp::kType, igmp::kReportV2) && Is(igmp::kGroup, group(n));
}
Match GroupBench::OldLeave(int n) const {
  if (v6) return Is(icmp6::kType, icmp6::kMldDone) && Is(icmp6::kGroup, group(n));
  return Is(igmp::kType, igmp::kLeave) && Is(igmp::kGroup, group(n));
}

Frame GroupBench::Datagram(int from, int port, int n) const {
  const Ip to = group(n);
  return Eth(GroupMac(to), b.router.mac) / Ip4Or6(source(from), to) / Udp(4000, port) /
         Raw(Bytes{static_cast<uint8_t>(from)});
}

std::vector<GroupRecord> RecordsAbout(const std::vector<Packet>& packets, const Ip& group) {
  std::vector<GroupRecord> about;
  for (const Packet& packet : packets) {
    for (const GroupRecord& record : RecordsOf(packet)) {
      if (record.group == group) about.push_back(record);
    }
  }
  return about;
}

RegisterGroupCase::RegisterGroupCase(Case c, const char* source6, void (*run_v6)(Bench&)) {
  c.options.needs |= kMulticast | kSourceFilters;
  RegisterCase{c};
  c.suite = "mldv2";
  c.source = source6;
  c.options.needs |= kIpv6;
  c.run = run_v6;
  RegisterCase{c};
}

}  // namespace moat::conform
