// What else advertisements say: soliciting them, links and routes, and addresses that tell nothing
// of the hardware. RFC 4861 6.3, RFC 4191, RFC 7217, RFC 8981, RFC 8106.
#include <set>

#include "conform/suites/autoconf/autoconf.h"

namespace moat::conform::autoconf {
namespace {

CONFORM_SUITE("autoconf");

// --- Solicitations -------------------------------------------------------------------------------

Match Solicitation() { return Is(icmp6::kType, icmp6::kRouterSolicitation); }

// The device begins to listen, and asks.
void StartAsking(Bench& b) {
  b.SetSysctl("ipv6.conf.eth0.router_solicitations", "3");
  b.SetSysctl("ipv6.conf.eth0.accept_ra", "2");
  b.AddAddress({b.device.link_local, 64}, 0, /*detect_duplicates=*/true);
}

CONFORM(37, SHOULD, "RFC 4861 6.3.7", "A host that starts asks for routers.", kAuto) {
  StartAsking(b);
  b.Expect(Solicitation(), 4s);
}
CONFORM(38, MUST, "RFC 4861 4.1; 6.1.1",
        "A solicitation goes to all routers, with hop limit 255 and code 0.", kAuto) {
  StartAsking(b);
  b.Expect(Solicitation() && To("ff02::2") && Is(ipv6::kHopLimit, 255) && Is(icmp6::kCode, 0) &&
               Is(eth::kDestination, GroupMac("ff02::2")),
           4s);
}
CONFORM(39, MUST, "RFC 4861 4.1",
        "A solicitation without source address has no source link address option.", kAuto) {
  StartAsking(b);
  for (const Packet& p : b.Collect(Solicitation(), 7s)) {
    const bool option = ndp_option::Find(p, ndp_option::kSourceLinkAddress).has_value();
    b.Check(!(p.Source().IsUnspecified() && option), "it has one");
  }
}
CONFORM(40, SHOULD, "RFC 4861 6.3.7", "Without an answer a host asks again, some seconds later.",
        kAuto) {
  StartAsking(b);
  const Packet first = b.Expect(Solicitation(), 4s);
  const Packet second = b.Expect(Solicitation(), 10s);
  // RTR_SOLICITATION_INTERVAL is 4 s; RFC 7559 2 begins with 4 s within a tenth.
  b.CheckBetween(std::chrono::duration<double>(second.time() - first.time()).count(), 3.4, 9,
                 "seconds between the two");
}
CONFORM(41, MUST, "RFC 4861 6.3.7; RFC 7559 2",
        "After an answer by a router, a host does not ask any more.", kAuto) {
  StartAsking(b);
  b.Expect(Solicitation(), 4s);
  b.Send(Ra(b));
  b.Wait(100ms);
  b.Forget();
  b.ExpectNothing(Solicitation(), 12s);
}

// --- The link ------------------------------------------------------------------------------------

CONFORM(42, MUST, "RFC 4861 6.3.4; 5.2", "A prefix that is on the link is reached without router.",
        kAuto) {
  Start(b);
  Advertise(b, Prefix64(kPrefix));
  b.StartAnswering(0, "2001:db8:5::77", b.peer.mac);
  GoesBy(b, b.peer.mac, "2001:db8:5::77");
}
CONFORM(43, MUST, "RFC 4861 6.3.4; RFC 5942 4",
        "A prefix that is not said to be on the link is reached by the router.", kAuto) {
  Start(b);
  Advertise(b, Prefix64(kPrefix, true, kDay, kDay, /*on_link=*/false));
  b.StartAnswering(0, "2001:db8:5::77", b.peer.mac);
  GoesBy(b, b.router.mac, "2001:db8:5::77");
}
CONFORM(44, MUST, "RFC 4861 6.3.4; 6.3.5", "A prefix is on the link for its valid lifetime.",
        kAuto) {
  Start(b);
  Advertise(b, Join({Prefix64(kPrefix, false, 4, 4), Prefix64(kSecondPrefix)}));
  b.StartAnswering(0, "2001:db8:5::77", b.peer.mac);
  b.Wait(4s);
  GoesBy(b, b.router.mac, "2001:db8:5::77");
}
CONFORM(45, MUST, "RFC 4861 6.3.4", "A valid lifetime of 0 takes a prefix off the link at once.",
        kAuto) {
  Start(b);
  Advertise(b, Join({Prefix64(kPrefix, false), Prefix64(kSecondPrefix)}));
  Advertise(b, Prefix64(kPrefix, false, 0, 0));
  b.StartAnswering(0, "2001:db8:5::77", b.peer.mac);
  GoesBy(b, b.router.mac, "2001:db8:5::77");
}
CONFORM(46, SHOULD, "RFC 4861 6.3.4", "The hop limit that a router advertises is used.", kAuto) {
  Start(b);
  b.Send(Ra(b, Prefix64(kPrefix)).Set(icmp6::kCurHopLimit, 99));
  b.Wait(2300ms);
  b.Ping(b.remote.ip6);
  b.Expect(EchoRequest6() && Is(ipv6::kHopLimit, 99));
}
CONFORM(47, MUST, "RFC 4861 6.3.4; 4.2", "A hop limit of 0 says nothing: the one of before stays.",
        kAuto) {
  Start(b);
  b.Send(Ra(b, Prefix64(kPrefix)).Set(icmp6::kCurHopLimit, 99));
  b.Wait(2300ms);
  b.Send(Ra(b).Set(icmp6::kCurHopLimit, 0));
  b.Ping(b.remote.ip6);
  b.Expect(EchoRequest6() && Is(ipv6::kHopLimit, 99));
}
CONFORM(48, SHOULD, "RFC 4861 6.3.4", "The MTU that a router advertises is kept to.", kAuto) {
  Start(b);
  Advertise(b, Join({Prefix64(kPrefix), ndp_option::Mtu(1300)}));
  b.Ping(b.remote.ip6, 1400);
  b.Expect(Is(fragment::kMore, 1));
  b.ExpectNothing(AtLeast(ipv6::kPayloadLength, 1261));
}
CONFORM(49, MUST, "RFC 4861 6.3.4; 6.2.1", "An MTU below 1280 is not believed.", kAuto) {
  Start(b);
  Advertise(b, Join({Prefix64(kPrefix), ndp_option::Mtu(1279)}));
  b.Ping(b.remote.ip6, 1400);
  b.Expect(EchoRequest6() && Is(ipv6::kPayloadLength, 1408));
}
CONFORM(50, MUST, "RFC 4861 6.3.4; RFC 2464 2", "An MTU above the link's is not believed.", kAuto) {
  Start(b);
  Advertise(b, Join({Prefix64(kPrefix), ndp_option::Mtu(4000)}));
  b.Ping(b.remote.ip6, 2000);
  b.Expect(Is(fragment::kMore, 1));
  b.ExpectNothing(AtLeast(ipv6::kPayloadLength, 1461));
}
CONFORM(51, MUST, "RFC 4861 6.3.4; 7.2.2",
        "The time between solicitations that a router advertises is kept to.", kAuto) {
  Start(b);
  b.Send(Ra(b, Prefix64(kPrefix)).Set(icmp6::kRetransTimer, 2000));
  b.Wait(4500ms);
  b.Forget();
  b.Ping("2001:db8:5::99");
  const Packet first = b.Expect(NeighborSolicitationFor("2001:db8:5::99"));
  const Packet second = b.Expect(NeighborSolicitationFor("2001:db8:5::99"), 3s);
  b.CheckBetween(std::chrono::duration<double>(second.time() - first.time()).count(), 1.8, 2.4,
                 "seconds between the two");
}

// --- Router preferences and routes: RFC 4191 -----------------------------------------------------

constexpr int kHigh = 1, kMedium = 0, kReserved = 2, kLow = 3;

Frame RaBy(const Node& router, int preference, const Bytes& options = {}) {
  return RouterAdvertisement(router, 1800,
                             Join({ndp_option::SourceLinkAddress(router.mac), options}))
      .Set(icmp6::kPreference, preference);
}
// Both advertise, the same prefix; this one is used.
void IsUsed(Bench& b, int by_router, int by_other, const Mac& used) {
  Start(b);
  b.Send(RaBy(b.router, by_router, Prefix64(kPrefix)));
  b.Send(RaBy(b.other, by_other, Prefix64(kPrefix)));
  b.Wait(2300ms);
  GoesBy(b, used);
}

CONFORM(52, MUST, "RFC 4191 3.1; 3.2", "A router of high preference is used before one of medium.",
        kAuto) {
  IsUsed(b, kMedium, kHigh, b.other.mac);
}
CONFORM(53, MUST, "RFC 4191 3.1; 3.2", "A router of medium preference is used before one of low.",
        kAuto) {
  IsUsed(b, kLow, kMedium, b.other.mac);
}
CONFORM(54, MUST, "RFC 4191 3.1; 3.2", "The order in which routers advertise does not count.",
        kAuto) {
  IsUsed(b, kHigh, kLow, b.router.mac);
}
CONFORM(55, MUST, "RFC 4191 2.2", "The reserved preference counts as medium.", kAuto) {
  IsUsed(b, kLow, kReserved, b.other.mac);
}
CONFORM(56, MUST, "RFC 4191 3.1", "A preference that changes counts at once.", kAuto) {
  IsUsed(b, kHigh, kMedium, b.router.mac);
  b.Send(RaBy(b.router, kLow, Prefix64(kPrefix)));
  b.Wait(100ms);
  GoesBy(b, b.other.mac);
}
CONFORM(57, MUST, "RFC 4191 3.2; RFC 4861 6.3.6",
        "A router that does not answer is passed over for one that does.", kAuto) {
  IsUsed(b, kHigh, kMedium, b.router.mac);
  b.StopAnswering(b.router);
  b.FlushNeighbors();
  for (int i = 0; i < 12; ++i) {
    b.Ping(b.remote.ip6);
    b.Wait(1s);
  }
  GoesBy(b, b.other.mac);
}

// The device takes routes of any length.
void StartWithRoutes(Bench& b) {
  b.SetSysctl("ipv6.conf.eth0.accept_ra_rt_info_max_plen", "128");
  Start(b);
}
Bytes RouteTo(int preference, uint32_t seconds = 1800, int length = 48) {
  return ndp_option::RouteInformation("2001:db8:9::", length, preference, seconds);
}

CONFORM(58, SHOULD, "RFC 4191 3.1", "A more specific route that a router advertises is used.",
        kAuto) {
  StartWithRoutes(b);
  b.Send(RaBy(b.router, kHigh, Prefix64(kPrefix)));
  b.Send(RaBy(b.other, kLow, RouteTo(kMedium)));
  b.Wait(2300ms);
  GoesBy(b, b.other.mac);
  GoesBy(b, b.router.mac, "2001:db8:a::9");
}
CONFORM(59, SHOULD, "RFC 4191 3.1", "Of two routes that match, the longer one is used.", kAuto) {
  StartWithRoutes(b);
  b.Send(RaBy(b.router, kHigh, Join({Prefix64(kPrefix), RouteTo(kHigh, 1800, 48)})));
  b.Send(RaBy(b.other, kLow, RouteTo(kLow, 1800, 64)));
  b.Wait(2300ms);
  GoesBy(b, b.other.mac);
}
CONFORM(60, SHOULD, "RFC 4191 3.1", "Of two equal routes, the one of higher preference is used.",
        kAuto) {
  StartWithRoutes(b);
  b.Send(RaBy(b.router, kMedium, Join({Prefix64(kPrefix), RouteTo(kMedium)})));
  b.Send(RaBy(b.other, kMedium, RouteTo(kHigh)));
  b.Wait(2300ms);
  GoesBy(b, b.other.mac);
}
CONFORM(61, MUST, "RFC 4191 2.3", "A route of the reserved preference is ignored.", kAuto) {
  StartWithRoutes(b);
  b.Send(RaBy(b.router, kMedium, Prefix64(kPrefix)));
  b.Send(RaBy(b.other, kLow, RouteTo(kReserved)));
  b.Wait(2300ms);
  GoesBy(b, b.router.mac);
}
CONFORM(62, MUST, "RFC 4191 2.3; 3.1", "A route ends with a lifetime of 0.", kAuto) {
  StartWithRoutes(b);
  b.Send(RaBy(b.router, kMedium, Prefix64(kPrefix)));
  b.Send(RaBy(b.other, kLow, RouteTo(kMedium)));
  b.Wait(2300ms);
  b.Send(RaBy(b.other, kLow, RouteTo(kMedium, 0)));
  b.Wait(100ms);
  GoesBy(b, b.router.mac);
}
CONFORM(63, MUST, "RFC 4191 2.3; 3.1", "A route ends with its lifetime.", kAuto) {
  StartWithRoutes(b);
  b.Send(RaBy(b.router, kMedium, Prefix64(kPrefix)));
  b.Send(RaBy(b.other, kLow, RouteTo(kMedium, 4)));
  b.Wait(5500ms);
  GoesBy(b, b.router.mac);
}

// --- Identifiers: RFC 7217, RFC 8981 -------------------------------------------------------------

void StartStable(Bench& b) {
  b.SetSysctl("ipv6.conf.default.stable_secret", "2001:db8:1234:5678:9abc:def0:1234:5678");
  b.SetSysctl("ipv6.conf.eth0.addr_gen_mode", "2");
  Start(b);
}
Match AnyProbe() { return Is(icmp6::kType, icmp6::kNeighborSolicitation) && From("::"); }
// The last 8 bytes of the address that the device probes for after the advertisement.
Bytes ProbedIdentifier(Bench& b, const Ip& prefix) {
  b.Send(Ra(b, Prefix64(prefix)));
  const Ip address = b.Expect(AnyProbe(), 2s).GetIp(icmp6::kTarget);
  return Bytes(address.data() + 8, address.data() + 16);
}

CONFORM(64, MUST, "RFC 7217 4; 5", "A stable identifier is not made from the link address.",
        kAuto) {
  StartStable(b);
  const Bytes identifier = ProbedIdentifier(b, kPrefix);
  b.Check(identifier != Bytes({0, 0, 0, 0xff, 0xfe, 0, 0, 1}), "it is the modified EUI-64");
}
CONFORM(65, MUST, "RFC 7217 4; 5",
        "Stable identifiers of two prefixes have nothing to do with each other.", kAuto) {
  StartStable(b);
  const Bytes first = ProbedIdentifier(b, kPrefix);
  b.Wait(2s);
  b.Forget();
  b.Check(first != ProbedIdentifier(b, kSecondPrefix), "they are the same");
}
CONFORM(66, MUST, "RFC 7217 4; 5", "A stable identifier is the same again for the same prefix.",
        {.needs = kIpv6 | kAddresses | kSysctls | kAutoconf | kLinkState, .setup = Setup::kBare}) {
  StartStable(b);
  const Bytes first = ProbedIdentifier(b, kPrefix);
  b.Wait(2s);
  b.SetLinkUp(false);
  b.Wait(200ms);
  b.SetLinkUp(true);
  b.Wait(200ms);
  b.AddAddress({"fe80::77", 64});
  b.Wait(1500ms);
  b.Forget();
  b.Check(first == ProbedIdentifier(b, kPrefix), "it is another one");
}
CONFORM(67, SHOULD, "RFC 7217 6", "After a duplicate, another stable identifier is tried.", kAuto) {
  StartStable(b);
  b.Send(Ra(b, Prefix64(kPrefix)));
  const Ip taken = b.Expect(AnyProbe(), 2s).GetIp(icmp6::kTarget);
  b.Send(
      Eth(GroupMac("ff02::1"), b.peer.mac) / Ipv6(taken, "ff02::1").Set(ipv6::kHopLimit, 255) /
      Icmp6(icmp6::kNeighborAdvertisement).Set(icmp6::kTarget, taken).Set(icmp6::kOverrideFlag, 1) /
      Raw(ndp_option::TargetLinkAddress(b.peer.mac)));
  b.Expect(AnyProbe() && IsNot(icmp6::kTarget, taken), 3s);
}

void StartTemporary(Bench& b) {
  b.SetSysctl("ipv6.conf.eth0.use_tempaddr", "2");
  Start(b);
}

CONFORM(68, MUST, "RFC 8981 3.4 (4)",
        "A prefix gives a temporary address as well, whose identifier is another.", kAuto) {
  StartTemporary(b);
  b.Send(Ra(b, Prefix64(kPrefix)));
  std::set<Ip> targets;
  for (const Packet& p : b.Collect(AnyProbe(), 2500ms)) targets.insert(p.GetIp(icmp6::kTarget));
  b.CheckEqual(static_cast<int64_t>(targets.size()), 2, "addresses that were probed for");
  b.Check(targets.contains(kAddress), "the public one is not among them");
}
CONFORM(69, SHOULD, "RFC 8981 3.1; RFC 6724 5",
        "Where they are preferred, connections begin from the temporary address.", kAuto) {
  StartTemporary(b);
  Advertise(b, Prefix64(kPrefix));
  b.Ping(b.remote.ip6);
  b.Expect(EchoRequest6() && IsNot(ipv6::kSource, Ip(kAddress)) &&
           IsNot(ipv6::kSource, b.device.link_local));
}

// --- Routers and their prefixes: RFC 8028 --------------------------------------------------------

CONFORM(72, SHOULD, "RFC 8028 3.2",
        "The router that advertised the source's prefix is used, whatever preference another has.",
        kAuto) {
  Start(b);
  b.Send(RaBy(b.router, kLow, Prefix64(kPrefix)));
  b.Send(RaBy(b.other, kHigh));
  b.Wait(2300ms);
  GoesBy(b, b.router.mac);
}
CONFORM(73, SHOULD, "RFC 8028 3.2",
        "What comes from an address goes by the router that advertised its prefix.",
        {.needs = kIpv6 | kAddresses | kSysctls | kAutoconf | kUdp, .setup = Setup::kBare}) {
  Start(b);
  b.Send(RaBy(b.router, kMedium, Prefix64(kPrefix)));
  b.Send(RaBy(b.other, kMedium, Prefix64(kSecondPrefix)));
  b.Wait(2300ms);
  const auto goes_by = [&](const Ip& own, const Mac& mac) {
    Socket socket = b.OpenUdp(true);
    socket.Bind({own, 5000});
    socket.SendTo({"2001:db8:9::9", 4000}, Pattern(9));
    b.Expect(UdpTo(4000) && From(own) && Is(eth::kDestination, mac));
    socket.Close();
  };
  goes_by(kAddress, b.router.mac);
  goes_by("2001:db8:6::ff:fe00:1", b.other.mac);
}
CONFORM(74, SHOULD, "RFC 8028 3.2; RFC 4861 6.3.4",
        "A router that is none any more is not used for its prefix either.", kAuto) {
  Start(b);
  b.Send(RaBy(b.router, kMedium, Prefix64(kPrefix)));
  b.Send(RaBy(b.other, kMedium));
  b.Wait(2300ms);
  GoesBy(b, b.router.mac);
  b.Send(RouterAdvertisement(b.router, 0, ndp_option::SourceLinkAddress(b.router.mac)));
  b.Wait(100ms);
  GoesBy(b, b.other.mac);
}

// --- Name servers: RFC 8106 ----------------------------------------------------------------------

CONFORM(70, MUST, "RFC 8106 5.1; 5.3.1",
        "An option with name servers does not disturb what else is advertised.", kAuto) {
  Start(b);
  Advertise(b, Join({ndp_option::RecursiveDns({"2001:db8::53", "2001:db8::54"}, 600),
                     Prefix64(kPrefix)}));
  b.Send(Eth(b.device.mac, b.router.mac) / Ipv6(b.router.link_local, kAddress) /
         EchoRequest6(7, 1));
  b.Expect(EchoReply6() && From(kAddress));
}
CONFORM(71, MUST, "RFC 8106 5.1; 5.3.1",
        "An option with name servers whose length is even is discarded, and it alone.", kAuto) {
  Start(b);
  Advertise(b, Join({ndp_option::Any(25, Bytes(14)), Prefix64(kPrefix)}));
  b.Send(Eth(b.device.mac, b.router.mac) / Ipv6(b.router.link_local, kAddress) /
         EchoRequest6(7, 1));
  b.Expect(EchoReply6() && From(kAddress));
}

}  // namespace
}  // namespace moat::conform::autoconf
