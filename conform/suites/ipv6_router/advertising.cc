// What a router advertises: RFC 4861 4.2, 4.6, 6.2.2 to 6.2.4, RFC 4191, RFC 8106.
#include "conform/suites/ipv6_router/advertising.h"

#include <algorithm>

namespace moat::conform {
namespace {

CONFORM_SUITE("ipv6-router");

// --- The message ---------------------------------------------------------------------------------

CONFORM(158, MUST, "RFC 4861 4.2", "An advertisement comes from the router's link-local address.",
        kAdvertises) {
  b.CheckPacket(First(b), From(b.device.link_local));
}
CONFORM(159, MUST, "RFC 4861 4.2", "An advertisement that nobody asked for goes to all nodes.",
        kAdvertises) {
  b.CheckPacket(First(b), To("ff02::1") && Is(eth::kDestination, GroupMac("ff02::1")));
}
CONFORM(160, MUST, "RFC 4861 4.2", "An advertisement has hop limit 255.", kAdvertises) {
  b.CheckPacket(First(b), Is(ipv6::kHopLimit, 255));
}
CONFORM(161, MUST, "RFC 4861 4.2", "An advertisement has code 0.", kAdvertises) {
  b.CheckPacket(First(b), Is(icmp6::kCode, 0));
}
CONFORM(162, MUST, "RFC 4861 4.2", "The reserved bits of an advertisement are 0.", kAdvertises) {
  Advertising all;
  all.managed = all.other = true;
  const Packet ra = First(b, all);
  if (b.ok())
    b.CheckEqual(ra.From(Kind::kIcmp6)[5] & 0x27, 0, "reserved bits");  // and RFC 6275's H
}
CONFORM(163, MUST, "RFC 4861 6.2.3",
        "Hop limit, lifetime and timers are advertised as they were set.", kAdvertises) {
  Advertising set;
  set.hop_limit = 33;
  set.lifetime = 1234;
  set.reachable_ms = 45678;
  set.retransmit_ms = 2345;
  b.CheckPacket(First(b, set), Is(icmp6::kCurHopLimit, 33) && Is(icmp6::kRouterLifetime, 1234) &&
                                   Is(icmp6::kReachableTime, 45678) &&
                                   Is(icmp6::kRetransTimer, 2345));
}
CONFORM(164, MUST, "RFC 4861 6.2.3", "What is not specified is advertised as 0.", kAdvertises) {
  Advertising set;
  set.hop_limit = 0;
  b.CheckPacket(First(b, set), Is(icmp6::kCurHopLimit, 0) && Is(icmp6::kReachableTime, 0) &&
                                   Is(icmp6::kRetransTimer, 0));
}
CONFORM(165, MUST, "RFC 4861 6.2.3",
        "The managed flag is advertised as it was set, and the other one is not.", kAdvertises) {
  Advertising set;
  set.managed = true;
  b.CheckPacket(First(b, set), Is(icmp6::kManagedFlag, 1) && Is(icmp6::kOtherFlag, 0));
}
CONFORM(166, MUST, "RFC 4861 6.2.3",
        "The flag of other configuration is advertised as it was set, alone.", kAdvertises) {
  Advertising set;
  set.other = true;
  b.CheckPacket(First(b, set), Is(icmp6::kManagedFlag, 0) && Is(icmp6::kOtherFlag, 1));
}
CONFORM(167, MUST, "RFC 4861 6.2.1; 6.2.3",
        "A router may advertise a lifetime of 0: it is no default router.", kAdvertises) {
  Advertising set = Prefixes({{kAdvertisedPrefix}});
  set.lifetime = 0;
  b.CheckPacket(First(b, set), Is(icmp6::kRouterLifetime, 0));
  const Packet next = b.Expect(Ra() && Is(icmp6::kRouterLifetime, 0), 5s);  // and it goes on
  b.CheckEqual(static_cast<int64_t>(OptionsOf(next, ndp_option::kPrefixInformation).size()), 1,
               "prefixes");
}

// --- Options -------------------------------------------------------------------------------------

CONFORM(168, SHOULD, "RFC 4861 6.2.3; 6.2.4",
        "The first advertisement has the router's link address.", kAdvertises) {
  CheckOption(b, First(b), ndp_option::SourceLinkAddress(b.device.mac));
}
CONFORM(169, MUST, "RFC 4861 6.2.3; 4.6.4", "The MTU is advertised as it was set.", kAdvertises) {
  Advertising set;
  set.mtu = 1400;
  CheckOption(b, First(b, set), ndp_option::Mtu(1400));
}
CONFORM(170, MUST, "RFC 4861 6.2.3", "Without an MTU that was set none is advertised.",
        kAdvertises) {
  const Packet ra = First(b);
  b.Check(OptionsOf(ra, ndp_option::kMtu).empty(), "there is an MTU");
}
CONFORM(171, MUST, "RFC 4861 6.2.3; 4.6.2",
        "A prefix is advertised with its flags and lifetimes as they were set.", kAdvertises) {
  CheckOption(b,
              First(b, Prefixes({{.prefix = kAdvertisedPrefix, .valid = 7777, .preferred = 3333}})),
              ndp_option::PrefixInformation(kAdvertisedPrefix.address, 64, true, true, 7777, 3333));
}
CONFORM(172, MUST, "RFC 4861 6.2.3; 4.6.2", "A prefix that is not on the link is advertised so.",
        kAdvertises) {
  CheckOption(
      b, First(b, Prefixes({{.prefix = kAdvertisedPrefix, .on_link = false}})),
      ndp_option::PrefixInformation(kAdvertisedPrefix.address, 64, false, true, 86400, 14400));
}
CONFORM(173, MUST, "RFC 4861 6.2.3; 4.6.2",
        "A prefix that is not for autoconfiguration is advertised so.", kAdvertises) {
  CheckOption(
      b, First(b, Prefixes({{.prefix = kAdvertisedPrefix, .autonomous = false}})),
      ndp_option::PrefixInformation(kAdvertisedPrefix.address, 64, true, false, 86400, 14400));
}
CONFORM(174, MUST, "RFC 4861 4.6.2", "Lifetimes without an end are advertised as all ones.",
        kAdvertises) {
  CheckOption(
      b,
      First(b, Prefixes(
                   {{.prefix = kAdvertisedPrefix, .valid = 0xffffffff, .preferred = 0xffffffff}})),
      ndp_option::PrefixInformation(kAdvertisedPrefix.address, 64, true, true, 0xffffffff,
                                    0xffffffff));
}
CONFORM(175, MUST, "RFC 4861 4.6.2; RFC 4862 5.5.3",
        "A prefix whose preferred lifetime is 0 is advertised so.", kAdvertises) {
  CheckOption(b, First(b, Prefixes({{.prefix = kAdvertisedPrefix, .valid = 60, .preferred = 0}})),
              ndp_option::PrefixInformation(kAdvertisedPrefix.address, 64, true, true, 60, 0));
}
CONFORM(176, MUST, "RFC 4861 4.6.2",
        "A prefix has its length, and zeros behind it and in what is reserved.", kAdvertises) {
  CheckOption(b, First(b, Prefixes({{{"2001:db8:7000::", 36}}})),
              ndp_option::PrefixInformation("2001:db8:7000::", 36, true, true, 86400, 14400));
}
CONFORM(177, MUST, "RFC 4861 6.2.3", "All prefixes are advertised.", kAdvertises) {
  const Packet ra =
      First(b, Prefixes({{kAdvertisedPrefix}, {{"2001:db8:6::", 64}}, {{"2001:db8:7::", 64}}}));
  std::vector<Bytes> wanted;
  for (const char* prefix : {"2001:db8:5::", "2001:db8:6::", "2001:db8:7::"}) {
    const Bytes option = ndp_option::PrefixInformation(prefix, 64, true, true, 86400, 14400);
    wanted.emplace_back(option.begin() + 2, option.end());
  }
  b.Check(!b.ok() || OptionsOf(ra, ndp_option::kPrefixInformation) == wanted,
          "the prefixes are not these three");
}
CONFORM(178, SHOULD, "RFC 4861 6.2.1", "The link-local prefix is not advertised.", kAdvertises) {
  const Packet ra = First(b);
  for (const Bytes& option : OptionsOf(ra, ndp_option::kPrefixInformation)) {
    b.Check(option[14] != 0xfe || (option[15] & 0xc0) != 0x80, "fe80::/10 is advertised");
  }
}
CONFORM(179, MUST, "RFC 4191 2.2", "The router's preference is advertised as it was set.",
        kAdvertises) {
  Advertising set;
  set.preference = 3;
  b.CheckPacket(First(b, set), Is(icmp6::kPreference, 3));
}
CONFORM(180, MUST, "RFC 4191 2.2", "Who is no default router advertises no preference.",
        kAdvertises) {
  Advertising set;
  set.preference = 1;
  set.lifetime = 0;
  b.CheckPacket(First(b, set), Is(icmp6::kPreference, 0));
}
CONFORM(181, MUST, "RFC 8106 5.1", "Name servers are advertised, with their lifetime.",
        kAdvertises) {
  Advertising set;
  set.name_servers = {"2001:db8::53", "2001:db8::54"};
  set.name_server_lifetime = 4321;
  CheckOption(b, First(b, set), ndp_option::RecursiveDns({"2001:db8::53", "2001:db8::54"}, 4321));
}

// --- When ----------------------------------------------------------------------------------------

// Between one and the next, in seconds.
std::vector<double> Gaps(const std::vector<Packet>& ras) {
  std::vector<double> gaps;
  for (size_t i = 1; i < ras.size(); ++i) {
    gaps.push_back(std::chrono::duration<double>(ras[i].time() - ras[i - 1].time()).count());
  }
  return gaps;
}

CONFORM(182, MUST, "RFC 4861 6.2.4", "Advertisements come within the least and the most interval.",
        kAdvertises) {
  First(b);
  const std::vector<double> gaps = Gaps(b.Collect(Ra(), 29s));
  b.Check(gaps.size() >= 5, "there were too few");
  for (const double gap : gaps) b.CheckBetween(gap, 2.5, 4.5, "seconds in between");
}
CONFORM(183, MUST, "RFC 4861 6.2.4", "The intervals are random.", kAdvertises) {
  Advertising set;
  set.max_interval = 15;
  First(b, set);
  const std::vector<double> gaps = Gaps(b.Collect(Ra(), 60s));
  b.Check(gaps.size() >= 3, "there were too few");
  if (!b.ok()) return;
  const auto [least, most] = std::minmax_element(gaps.begin(), gaps.end());
  b.Check(*most - *least > 0.25, "all intervals are equal");
}
CONFORM(184, SHOULD, "RFC 4861 6.2.4",
        "The first three come at most 16 seconds apart, however long the interval is.",
        kAdvertises) {
  Advertising set;
  set.max_interval = 1800;
  set.min_interval = 1350;
  First(b, set);
  b.Expect(Ra(), 17s);
  b.Expect(Ra(), 17s);
}
CONFORM(185, MUST, "RFC 4861 6.2.4", "Afterwards they come as the interval says.", kAdvertises) {
  Advertising set;
  set.max_interval = 26;
  set.min_interval = 19;
  First(b, set);
  b.Expect(Ra(), 17s);
  b.Expect(Ra(), 17s);
  b.Expect(Ra(), 27s);  // the third may still be followed sooner
  b.ExpectNothing(Ra(), 18s);
  b.Expect(Ra(), 9s);
}
CONFORM(186, MUST, "RFC 4861 6.2.4; 6.2.3",
        "What was set anew is what the next advertisements say.", kAdvertises) {
  First(b);
  Advertising set = Prefixes({{{"2001:db8:6::", 64}}});
  set.lifetime = 99;
  b.Advertise(set);
  b.Forget();
  const Packet ra = b.Expect(Ra(), 5s);
  b.CheckPacket(ra, Is(icmp6::kRouterLifetime, 99));
  CheckOption(b, ra, ndp_option::PrefixInformation("2001:db8:6::", 64, true, true, 86400, 14400));
}
CONFORM(187, MUST, "RFC 4861 6.2.2", "Nothing is advertised on an interface that was not told to.",
        kAdvertisesTwoPorts) {
  First(b);
  b.ExpectNothing(Ra() && OnPort(1), 6s);
  b.Expect(Ra() && OnPort(0), 5s);
}
CONFORM(188, MUST, "RFC 4861 6.2.1; 6.2.4", "A host does not advertise, whatever it was told.",
        kAdvertises) {
  b.SetForwarding6(false);
  b.Advertise(Prefixes({{kAdvertisedPrefix}}));
  b.Send(AskRouters(b));
  b.ExpectNothing(Ra(), 6s);
  b.SetForwarding6(true);
  b.Expect(Ra(), 5s);
}

}  // namespace
}  // namespace moat::conform
