// Cases that are the same for IGMPv3 and MLDv2: one body, run in suite igmpv3 and, with other
// addresses and messages, in suite mldv2, under the same number.
//
//   GROUP_CASE(12, MUST, "5.1", "6.1", "Who joins a group says so.") {
//     Socket socket = g.Open();
//     socket.SetFilter(g.group(), g.All());
//     g.b.Expect(g.Tells(kToExclude, {}));
//   }
//
// The sections are RFC 3376's and RFC 3810's. Numbers from 200 on are those of one suite alone.
#ifndef MOAT_CONFORM_SUITES_GROUPS_GROUP_BENCH_H_
#define MOAT_CONFORM_SUITES_GROUPS_GROUP_BENCH_H_

#include <string>
#include <vector>

#include "conform/bench/case.h"
#include "conform/bench/socket.h"

namespace moat::conform {

// Types of group records (RFC 3376 4.2.12, RFC 3810 5.2.12).
inline constexpr int kIsInclude = 1, kIsExclude = 2, kToInclude = 3, kToExclude = 4, kAllow = 5,
                     kBlock = 6;

class GroupBench {
 public:
  GroupBench(Bench& bench, bool is_v6) : b(bench), v6(is_v6) {}

  Bench& b;
  const bool v6;

  // --- Names -------------------------------------------------------------------------------------
  Ip group(int n = 1) const;   // of site scope
  Ip source(int n) const;      // remote
  Ip all_nodes() const { return v6 ? "ff02::1" : "224.0.0.1"; }
  Ip report_group() const { return v6 ? "ff02::16" : "224.0.0.22"; }
  std::vector<Ip> Sources(const std::vector<int>& numbers) const;
  SourceFilter All() const { return {true, {}}; }
  SourceFilter AllBut(const std::vector<int>& numbers) const { return {true, Sources(numbers)}; }
  SourceFilter Only(const std::vector<int>& numbers) const { return {false, Sources(numbers)}; }

  // --- The device's sockets ----------------------------------------------------------------------
  Socket Open() { return b.OpenUdp(v6); }
  // A socket with this filter, when all that it causes has been told.
  Socket Member(const SourceFilter& filter, int n = 1);
  void Settle();

  // --- Queries -----------------------------------------------------------------------------------
  // General, or for group n, or for sources of it; the maximum response time is in tenths of a
  // second.
  Frame Query(int tenths = 5) const { return QueryOf(Ip::Any(v6), {}, tenths); }
  Frame QueryGroup(int n = 1, const std::vector<int>& sources = {}, int tenths = 5) const {
    return QueryOf(group(n), Sources(sources), tenths);
  }
  Frame QueryOf(const Ip& group, const std::vector<Ip>& sources, int tenths) const {
    return RawQuery(group, QueryTail(false, 2, 125, sources), v6 ? tenths * 100 : tenths);
  }
  // `tail` is what makes the query one of this version; none: one of the version before.
  Frame RawQuery(const Ip& group, const Bytes& tail, int code) const;
  Frame OldQuery(const Ip& group, int tenths = 5) const {
    return RawQuery(group, {}, v6 ? tenths * 100 : tenths);
  }
  // The query is not answered; a right one is. The device is a member of group 1.
  void IsIgnored(const Frame& query);

  // --- Reports -----------------------------------------------------------------------------------
  Match Report() const;               // of this version
  Match About(int n = 1) const;       // one with a record of the group
  Match Tells(int type, const std::vector<int>& sources, int n = 1) const;  // with this record
  Match OldReport(int n = 1) const;   // of the version before
  Match OldLeave(int n = 1) const;

  // --- Delivery ----------------------------------------------------------------------------------
  Frame Datagram(int source, int port = 5000, int n = 1) const;  // to group n
};

// All records of the group in these packets.
std::vector<GroupRecord> RecordsAbout(const std::vector<Packet>& packets, const Ip& group);

struct RegisterGroupCase {
  // `c` is the case of igmpv3; `source6` the other's section.
  RegisterGroupCase(Case c, const char* source6, void (*run_v6)(Bench&));
};

}  // namespace moat::conform

#define GROUP_CASE(number, level, section4, section6, text, ...)                           \
  void GroupCase##number(::moat::conform::GroupBench& g);                                  \
  const ::moat::conform::RegisterGroupCase kRegisterGroupCase##number(                     \
      {"igmpv3", number, ::moat::conform::Level::level, "RFC 3376 " section4, text,        \
       ::moat::conform::MakeCaseOptions(__VA_ARGS__),                                      \
       [](::moat::conform::Bench& b) {                                                     \
         ::moat::conform::GroupBench g(b, false);                                          \
         GroupCase##number(g);                                                             \
       }},                                                                                 \
      "RFC 3810 " section6, [](::moat::conform::Bench& b) {                                \
        ::moat::conform::GroupBench g(b, true);                                            \
        GroupCase##number(g);                                                              \
      });                                                                                  \
  void GroupCase##number([[maybe_unused]] ::moat::conform::GroupBench& g)

#endif  // MOAT_CONFORM_SUITES_GROUPS_GROUP_BENCH_H_
