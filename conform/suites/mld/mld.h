// What the files of this suite share: a listener beside a router that speaks the first version of
// MLD.
#ifndef MOAT_CONFORM_SUITES_MLD_MLD_H_
#define MOAT_CONFORM_SUITES_MLD_MLD_H_

#include "conform/bench/case.h"
#include "conform/bench/socket.h"

namespace moat::conform::mld {

inline constexpr const char* kGroup = "ff05::1234";
inline constexpr const char* kSecond = "ff05::5678";
inline constexpr CaseOptions kListener{.needs = kMulticast};

inline Match Report() { return Is(icmp6::kType, icmp6::kMldReport); }
inline Match ReportOf(const Ip& group) { return Report() && Is(icmp6::kGroup, group); }
inline Match Done() { return Is(icmp6::kType, icmp6::kMldDone); }

// A general query (group ::) or one for a group; the delay is in milliseconds.
inline Frame Query(const Node& router, const Ip& group = "::", int delay = 300) {
  return Ip6ToGroup(router, group.IsUnspecified() ? Ip("ff02::1") : group).Set(ipv6::kHopLimit, 1) /
         HopByHop(ip6_option::RouterAlert()) /
         Icmp6(icmp6::kMldQuery).Set(icmp6::kMaxResponse, delay).Set(icmp6::kGroup, group);
}
inline Frame ReportBy(const Node& node, const Ip& group) {
  return Ip6ToGroup(node, group).Set(ipv6::kHopLimit, 1) / HopByHop(ip6_option::RouterAlert()) /
         Icmp6(icmp6::kMldReport).Set(icmp6::kGroup, group);
}

// A member of the group, on a link whose querier has shown itself as one of version 1.
inline Socket Member(Bench& b, const Ip& group = kGroup) {
  Socket socket = b.OpenUdp(true);
  socket.Join(group);
  b.Wait(2s);
  b.Send(Query(b.router));
  b.Wait(1s);
  b.Forget();
  return socket;
}

// The query is not answered; a right one is.
inline void IsIgnored(Bench& b, const Frame& query) {
  [[maybe_unused]] Socket socket = Member(b);
  b.Send(query);
  b.ExpectNothing(ReportOf(kGroup), 1s);
  b.Send(Query(b.router, kGroup));
  b.Expect(ReportOf(kGroup));
}

}  // namespace moat::conform::mld

#endif  // MOAT_CONFORM_SUITES_MLD_MLD_H_
