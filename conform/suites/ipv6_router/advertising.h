// A router that advertises itself on port 0 (RFC 4861 6.2).
#ifndef MOAT_CONFORM_SUITES_IPV6_ROUTER_ADVERTISING_H_
#define MOAT_CONFORM_SUITES_IPV6_ROUTER_ADVERTISING_H_

#include <utility>
#include <vector>

#include "conform/suites/ipv6_router/router.h"

namespace moat::conform {

inline constexpr uint32_t kAdvertiser = kIpv6 | kForwarding6 | kSysctls | kAdvertise;
inline constexpr CaseOptions kAdvertises{.needs = kAdvertiser};
inline constexpr CaseOptions kAdvertisesTwoPorts{.needs = kAdvertiser | kTwoPorts};

// MAX_RA_DELAY_TIME, and what a busy machine takes.
inline constexpr Duration kAnswerTime = 1s;

inline Match Ra() { return Is(icmp6::kType, icmp6::kRouterAdvertisement); }

inline Advertising Prefixes(std::vector<Advertised> prefixes) {
  Advertising out;
  out.prefixes = std::move(prefixes);
  return out;
}
inline const Prefix kAdvertisedPrefix = {"2001:db8:5::", 64};

// Begins; the first advertisement.
inline Packet First(Bench& b, const Advertising& advertising = Prefixes({{kAdvertisedPrefix}})) {
  b.SetForwarding6(true);
  b.Advertise(advertising);
  return b.Expect(Ra(), 2s);
}

// The router has advertised, may do so again, and will not by itself for another while: even the
// first ones come 16 seconds apart, as the least interval is longer.
inline void BeQuiet(Bench& b, Advertising advertising = Prefixes({{kAdvertisedPrefix}})) {
  advertising.max_interval = 1800;
  advertising.min_interval = 1350;
  First(b, advertising);
  b.Wait(4s);
  b.Forget();
}

inline Frame AskRouters(const Bench& b) {
  return Ip6ToGroup(b.peer, "ff02::2").Set(ipv6::kHopLimit, 255) /
         Icmp6(icmp6::kRouterSolicitation) / Raw(ndp_option::SourceLinkAddress(b.peer.mac));
}
// Without the link address.
inline Frame AskRoutersBarely(const Bench& b) {
  return Ip6ToGroup(b.peer, "ff02::2").Set(ipv6::kHopLimit, 255) /
         Icmp6(icmp6::kRouterSolicitation);
}
inline void Answers(Bench& b, const Frame& solicitation) {
  BeQuiet(b);
  b.Send(solicitation);
  b.Expect(Ra(), kAnswerTime);
}
// A right one is, afterwards.
inline void Ignores(Bench& b, const Frame& solicitation) {
  BeQuiet(b);
  b.Send(solicitation);
  b.ExpectNothing(Ra(), 2s);
  b.Send(AskRouters(b));
  b.Expect(Ra(), kAnswerTime);
}

// Options of a type, from their third byte on.
inline std::vector<Bytes> OptionsOf(const Packet& ra, uint8_t type) {
  std::vector<Bytes> out;
  const Bytes message = ra.From(Kind::kIcmp6);
  size_t at = 16;
  while (at + 2 <= message.size() && message[at + 1] != 0) {
    const size_t end = at + 8 * size_t{message[at + 1]};
    if (end > message.size()) break;
    if (message[at] == type) {
      out.emplace_back(message.begin() + static_cast<ptrdiff_t>(at + 2),
                       message.begin() + static_cast<ptrdiff_t>(end));
    }
    at = end;
  }
  return out;
}
// The only option of a type; a failure otherwise.
inline void CheckOption(Bench& b, const Packet& ra, const Bytes& wanted,
                        Line where = Line::current()) {
  if (!b.ok()) return;
  const std::vector<Bytes> seen = OptionsOf(ra, wanted[0]);
  b.Check(seen.size() == 1 && seen[0] == Bytes(wanted.begin() + 2, wanted.end()),
          "option " + std::to_string(wanted[0]) + " is not as it was set", where);
}

}  // namespace moat::conform

#endif  // MOAT_CONFORM_SUITES_IPV6_ROUTER_ADVERTISING_H_
