// Addresses from router advertisements: RFC 4862 5.4, 5.5.
#include "conform/suites/autoconf/autoconf.h"

namespace moat::conform::autoconf {
namespace {

CONFORM_SUITE("autoconf");

// --- Making an address ---------------------------------------------------------------------------

CONFORM(
    1, MUST, "RFC 4862 5.5.3 d; RFC 2464 4",
    "A prefix for autoconfiguration gives an address, of the prefix and the interface identifier.",
    kAuto) {
  Start(b);
  Advertise(b, Prefix64(kPrefix));
  Has(b, kAddress);
}
CONFORM(2, MUST, "RFC 4862 5.4", "Duplicate address detection is done for the address.", kAuto) {
  Start(b);
  b.Send(Ra(b, Prefix64(kPrefix)));
  b.Expect(Probe(kAddress), 1500ms);
}
CONFORM(3, MUST, "RFC 4862 5.4.2; RFC 4861 4.3",
        "The probe goes to the solicited-node group with hop limit 255.", kAuto) {
  Start(b);
  b.Send(Ra(b, Prefix64(kPrefix)));
  b.Expect(Probe(kAddress) && To(SolicitedNode(kAddress)) && Is(ipv6::kHopLimit, 255) &&
               Is(eth::kDestination, GroupMac(SolicitedNode(kAddress))),
           1500ms);
}
CONFORM(4, MUST, "RFC 4861 4.3", "The probe has no source link address option.", kAuto) {
  Start(b);
  b.Send(Ra(b, Prefix64(kPrefix)));
  const Packet probe = b.Expect(Probe(kAddress), 1500ms);
  b.Check(!ndp_option::Find(probe, ndp_option::kSourceLinkAddress).has_value(), "it has one");
}
CONFORM(5, MUST, "RFC 4862 5.4.3; 5.4",
        "An address is not answered for before the detection is over.", kAuto) {
  Start(b);
  b.Send(Ra(b, Prefix64(kPrefix)));
  b.Expect(Probe(kAddress), 1500ms);
  Solicit(b, kAddress);
  b.ExpectNothing(NeighborAdvertisementFor(kAddress), 400ms);
}
CONFORM(6, MUST, "RFC 4862 5.4", "An address is not used as source before the detection is over.",
        kAuto) {
  Start(b);
  b.Send(Ra(b, Prefix64(kPrefix)));
  b.Expect(Probe(kAddress), 1500ms);
  b.Ping("2001:db8:9::9");
  b.ExpectNothing(From(kAddress), 400ms);
}
CONFORM(7, MUST, "RFC 4862 5.4.2; RFC 4861 7.2.1",
        "The device joins the solicited-node group of the address.", kAuto) {
  // Another link-local address than the usual one, which has the same group.
  b.SetSysctl("ipv6.conf.eth0.router_solicitations", "0");
  b.SetSysctl("ipv6.conf.eth0.accept_ra", "2");
  b.AddAddress({"fe80::12:3456", 64});
  b.Wait(2s);
  b.Forget();
  b.Send(Ra(b, Prefix64(kPrefix)));
  const Ip group = SolicitedNode(kAddress);
  const auto names_it = [group](const Packet& p) {
    for (const GroupRecord& record : RecordsOf(p)) {
      if (record.group == group) return true;
    }
    return false;
  };
  b.Expect(Is(icmp6::kType, icmp6::kMldReportV2) && Where("a record of the group", names_it), 2s);
}
CONFORM(8, MUST, "RFC 4862 5.5.3 a", "A prefix without the autonomous flag gives no address.",
        kAuto) {
  Start(b);
  Advertise(b, Join({Prefix64(kPrefix, false), Prefix64(kSecondPrefix)}));
  Has(b, kSecondAddress);
  HasNot(b, kAddress);
}
CONFORM(9, MUST, "RFC 4862 5.5.3 b", "The link-local prefix is ignored.", kAuto) {
  Start(b);
  Advertise(b, Join({Prefix64("fe80::"), Prefix64(kSecondPrefix)}));
  Has(b, kSecondAddress);
  HasNot(b, "fe80::ff:fe00:1");
}
CONFORM(10, MUST, "RFC 4862 5.5.3 c",
        "A prefix that is preferred for longer than it is valid is ignored.", kAuto) {
  Start(b);
  Advertise(b, Join({Prefix64(kPrefix, true, 100, 101), Prefix64(kSecondPrefix)}));
  Has(b, kSecondAddress);
  HasNot(b, kAddress);
}
CONFORM(11, MUST, "RFC 4862 5.5.3 d; RFC 2464 4",
        "A prefix that does not make 128 bits with the interface identifier gives no address.",
        kAuto) {
  Start(b);
  Advertise(b, Join({ndp_option::PrefixInformation(kPrefix, 56, true, true, kDay, kDay),
                     Prefix64(kSecondPrefix)}));
  Has(b, kSecondAddress);
  HasNot(b, kAddress);
}
CONFORM(12, MUST, "RFC 4862 5.5.3 d", "A prefix that is valid for no time gives no address.",
        kAuto) {
  Start(b);
  Advertise(b, Join({Prefix64(kPrefix, true, 0, 0), Prefix64(kSecondPrefix)}));
  Has(b, kSecondAddress);
  HasNot(b, kAddress);
}
CONFORM(13, MUST, "RFC 4862 5.5.3", "Every prefix of an advertisement gives its address.", kAuto) {
  Start(b);
  Advertise(b, Join({Prefix64(kPrefix), Prefix64(kSecondPrefix)}));
  Has(b, kAddress);
  Has(b, kSecondAddress);
}
CONFORM(14, MUST, "RFC 4862 5.5.3", "Prefixes of two routers both give an address.", kAuto) {
  Start(b);
  b.Send(Ra(b, Prefix64(kPrefix)));
  b.Send(RouterAdvertisement(b.other, 1800, Prefix64(kSecondPrefix)));
  b.Wait(2300ms);
  Has(b, kAddress);
  Has(b, kSecondAddress);
}
CONFORM(15, MUST, "RFC 4862 5.5.3 d", "A prefix that is known already is not probed for again.",
        kAuto) {
  Start(b);
  Advertise(b, Prefix64(kPrefix));
  b.Send(Ra(b, Prefix64(kPrefix)));
  b.ExpectNothing(Probe(kAddress), 1500ms);
  Has(b, kAddress);
}
CONFORM(16, MUST, "RFC 4861 4.6.2", "What a prefix has behind its length is ignored.", kAuto) {
  Start(b);
  Advertise(b, Prefix64("2001:db8:5::dead:beef:1:2"));
  Has(b, kAddress);
}
CONFORM(17, MUST, "RFC 4862 5.5.3",
        "A router without a lifetime as default router gives addresses as well.", kAuto) {
  Start(b);
  Advertise(b, Prefix64(kPrefix), 0);
  Has(b, kAddress);
}
CONFORM(18, MUST, "RFC 4862 5.5.3; RFC 4861 4.2",
        "The flags for DHCPv6 do not keep the device from it.", kAuto) {
  Start(b);
  b.Send(Ra(b, Prefix64(kPrefix)).Set(icmp6::kManagedFlag, 1).Set(icmp6::kOtherFlag, 1));
  b.Wait(2300ms);
  Has(b, kAddress);
}
CONFORM(19, MUST, "RFC 4861 6.1.2",
        "An advertisement with a hop limit other than 255 gives no address.", kAuto) {
  Start(b);
  b.Send(Ra(b, Prefix64(kPrefix)).Set(ipv6::kHopLimit, 254));
  Advertise(b, Prefix64(kSecondPrefix));
  Has(b, kSecondAddress);
  HasNot(b, kAddress);
}
CONFORM(20, MUST, "RFC 4861 6.1.2",
        "An advertisement that is not from a link-local address gives none.", kAuto) {
  Start(b);
  b.Send(Ra(b, Prefix64(kPrefix)).Set(ipv6::kSource, b.router.ip6));
  Advertise(b, Prefix64(kSecondPrefix));
  Has(b, kSecondAddress);
  HasNot(b, kAddress);
}
CONFORM(21, MUST, "RFC 4861 6.1.2; 9", "Options that are not known are passed over.", kAuto) {
  Start(b);
  Advertise(b, Join({ndp_option::Any(201, Bytes(14)), Prefix64(kPrefix)}));
  Has(b, kAddress);
}
CONFORM(22, MUST, "RFC 4861 6.1.2", "An advertisement with an option of length 0 is discarded.",
        kAuto) {
  Start(b);
  b.Send(Ra(b, Join({Prefix64(kPrefix), Bytes{201, 0, 0, 0, 0, 0, 0, 0}})));
  Advertise(b, Prefix64(kSecondPrefix));
  Has(b, kSecondAddress);
  HasNot(b, kAddress);
}

// --- Duplicates ----------------------------------------------------------------------------------

CONFORM(23, MUST, "RFC 4862 5.4.4; 5.4.5", "An address that another node advertises is not taken.",
        kAuto) {
  Start(b);
  b.Send(Ra(b, Prefix64(kPrefix)));
  b.Expect(Probe(kAddress), 1500ms);
  b.Send(Eth(GroupMac("ff02::1"), b.peer.mac) /
         Ipv6(kAddress, "ff02::1").Set(ipv6::kHopLimit, 255) /
         Icmp6(icmp6::kNeighborAdvertisement)
             .Set(icmp6::kTarget, Ip(kAddress))
             .Set(icmp6::kOverrideFlag, 1) /
         Raw(ndp_option::TargetLinkAddress(b.peer.mac)));
  b.Wait(2s);
  HasNot(b, kAddress);
}
CONFORM(24, MUST, "RFC 4862 5.4.3; 5.4.5",
        "An address that another node probes for at the same time is not taken.", kAuto) {
  Start(b);
  b.Send(Ra(b, Prefix64(kPrefix)));
  b.Expect(Probe(kAddress), 1500ms);
  const Ip group = SolicitedNode(kAddress);
  b.Send(Eth(GroupMac(group), b.peer.mac) / Ipv6("::", group).Set(ipv6::kHopLimit, 255) /
         Icmp6(icmp6::kNeighborSolicitation).Set(icmp6::kTarget, Ip(kAddress)));
  b.Wait(2s);
  HasNot(b, kAddress);
}
CONFORM(25, MUST, "RFC 4862 5.4", "Addresses are judged one by one: another prefix's is taken.",
        kAuto) {
  Start(b);
  b.StartAnswering(0, kAddress, b.peer.mac);
  b.Send(Ra(b, Join({Prefix64(kPrefix), Prefix64(kSecondPrefix)})));
  b.Expect(Probe(kAddress), 1500ms);
  b.Send(Eth(GroupMac("ff02::1"), b.peer.mac) /
         Ipv6(kAddress, "ff02::1").Set(ipv6::kHopLimit, 255) /
         Icmp6(icmp6::kNeighborAdvertisement)
             .Set(icmp6::kTarget, Ip(kAddress))
             .Set(icmp6::kOverrideFlag, 1) /
         Raw(ndp_option::TargetLinkAddress(b.peer.mac)));
  b.Wait(2300ms);
  Has(b, kSecondAddress);
  HasNot(b, kAddress);
}

// --- Lifetimes -----------------------------------------------------------------------------------

CONFORM(26, MUST, "RFC 4862 5.5.4", "An address ends with its valid lifetime.", kAuto) {
  Start(b);
  Advertise(b, Prefix64(kPrefix, true, 5, 5));
  Has(b, kAddress);
  b.Wait(5s);
  HasNot(b, kAddress);
}
CONFORM(27, MUST, "RFC 4862 5.5.3 e", "A longer valid lifetime is believed.", kAuto) {
  Start(b);
  Advertise(b, Prefix64(kPrefix, true, 5, 5));
  Advertise(b, Prefix64(kPrefix, true, 100, 100));
  b.Wait(4s);
  Has(b, kAddress);
}
CONFORM(28, MUST, "RFC 4862 5.5.3 e 2",
        "A shorter valid lifetime below two hours is not believed when less than that is left.",
        kAuto) {
  Start(b);
  Advertise(b, Prefix64(kPrefix, true, 100, 100));
  Advertise(b, Prefix64(kPrefix, true, 1, 1));
  b.Wait(2s);
  Has(b, kAddress);
}
CONFORM(29, MUST, "RFC 4862 5.5.3 e 3", "A day is cut to two hours at least, not to a second.",
        kAuto) {
  Start(b);
  Advertise(b, Prefix64(kPrefix));
  Advertise(b, Prefix64(kPrefix, true, 1, 1));
  b.Wait(2s);
  Has(b, kAddress);
}
CONFORM(30, MUST, "RFC 4862 5.5.3 e", "A valid lifetime of 0 does not end an address at once.",
        kAuto) {
  Start(b);
  Advertise(b, Prefix64(kPrefix));
  Advertise(b, Prefix64(kPrefix, true, 0, 0));
  Has(b, kAddress);
}
CONFORM(31, MUST, "RFC 4861 4.6.2; RFC 4862 5.5.3", "A lifetime of all ones is no end.", kAuto) {
  Start(b);
  Advertise(b, Prefix64(kPrefix, true, 0xffffffff, 0xffffffff));
  b.Wait(5s);
  Has(b, kAddress);
  Prefers(b, kAddress);
}
CONFORM(32, SHOULD, "RFC 4862 5.5.4; RFC 6724 5",
        "A deprecated address is not the source when there is another.", kAuto) {
  Start(b);
  Advertise(b, Join({Prefix64(kPrefix, true, kDay, 0), Prefix64(kSecondPrefix)}));
  Prefers(b, kSecondAddress);
  Advertise(b, Join({Prefix64(kPrefix), Prefix64(kSecondPrefix, true, kDay, 0)}));
  Prefers(b, kAddress);
}
CONFORM(33, MUST, "RFC 4862 5.5.4", "A deprecated address is still answered for.", kAuto) {
  Start(b);
  Advertise(b, Prefix64(kPrefix, true, kDay, 3));
  b.Wait(3s);
  Has(b, kAddress);
  b.Send(Eth(b.device.mac, b.router.mac) / Ipv6(b.router.link_local, kAddress) /
         EchoRequest6(7, 1));
  b.Expect(EchoReply6() && From(kAddress));
}
CONFORM(34, SHOULD, "RFC 4862 5.5.4",
        "An address is deprecated with the end of its preferred lifetime.", kAuto) {
  Start(b);
  Advertise(b, Join({Prefix64(kPrefix, true, kDay, 4), Prefix64(kSecondPrefix, true, kDay, kDay)}));
  b.Wait(4s);
  Prefers(b, kSecondAddress);
}
CONFORM(35, MUST, "RFC 4862 5.5.3 e",
        "The preferred lifetime is believed also when the valid one is not.", kAuto) {
  Start(b);
  Advertise(b, Join({Prefix64(kPrefix), Prefix64(kSecondPrefix)}));
  Advertise(b, Prefix64(kPrefix, true, 1, 0));
  Prefers(b, kSecondAddress);
  Advertise(b, Join({Prefix64(kPrefix), Prefix64(kSecondPrefix, true, 1, 0)}));
  Prefers(b, kAddress);
}
CONFORM(36, MUST, "RFC 4862 5.5.4",
        "A deprecated address that is the only one of its scope is used.", kAuto) {
  Start(b);
  Advertise(b, Prefix64(kPrefix, true, kDay, 0));
  Prefers(b, kAddress);
}

}  // namespace
}  // namespace moat::conform::autoconf
