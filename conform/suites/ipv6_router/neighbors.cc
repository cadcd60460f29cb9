// A router among its neighbours: advertisements of itself, redirects, groups. RFC 4861, RFC
// 4291 2.6.1, 2.8.
#include "conform/suites/ipv6_router/router.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("ipv6-router");

void Solicit(Bench& b, const Node& from, const Ip& target) {
  b.Send(NeighborSolicitation(from, target));
}

CONFORM(129, MUST, "RFC 4861 4.4; 7.2.4",
        "A router says that it is one in its neighbour advertisements.", kForwards) {
  BeRouter(b);
  Solicit(b, b.peer, b.device.ip6);
  b.Expect(NeighborAdvertisementFor(b.device.ip6) && Is(icmp6::kRouterFlag, 1));
}
CONFORM(130, MUST, "RFC 4861 4.4; 7.2.4", "A router says so about its link-local address as well.",
        kForwards) {
  BeRouter(b);
  Solicit(b, b.peer, b.device.link_local);
  b.Expect(NeighborAdvertisementFor(b.device.link_local) && Is(icmp6::kRouterFlag, 1));
}
CONFORM(131, MUST, "RFC 4861 4.4; 7.2.4", "A host says that it is none.", {.needs = kRouter}) {
  Solicit(b, b.peer, b.device.ip6);
  b.Expect(NeighborAdvertisementFor(b.device.ip6) && Is(icmp6::kRouterFlag, 0));
}
CONFORM(132, MUST, "RFC 4861 4.4; 7.2.4",
        "Who ceases to be a router says so when it is asked next.", kForwards) {
  BeRouter(b);
  b.SetForwarding6(false);
  b.Wait(200ms);
  Solicit(b, b.peer, b.device.ip6);
  b.Expect(NeighborAdvertisementFor(b.device.ip6) && Is(icmp6::kRouterFlag, 0));
}
CONFORM(133, MUST, "RFC 4861 6.2.1; 6.2.6",
        "A router that was not told to advertise does not answer solicitations.", kForwards) {
  BeRouter(b);
  b.Send(Ip6ToGroup(b.peer, "ff02::2").Set(ipv6::kHopLimit, 255) /
         Icmp6(icmp6::kRouterSolicitation) / Raw(ndp_option::SourceLinkAddress(b.peer.mac)));
  b.ExpectNothing(Is(icmp6::kType, icmp6::kRouterAdvertisement), 1500ms);
  Passes(b, Datagram(b));
}
CONFORM(134, MUST, "RFC 4861 6.2.7; 6.3.4",
        "A router does not take another one's advertisement for its default route.",
        {.needs = kRouter | kAutoconf, .setup = Setup::kNoRouter}) {
  b.SetSysctl("ipv6.conf.eth0.accept_ra", "1");
  BeRouter(b);
  b.Send(RouterAdvertisement(b.router, 1800, ndp_option::SourceLinkAddress(b.router.mac)));
  b.Wait(300ms);
  b.Send(Eth(b.device1.mac, b.peer1.mac) / Ipv6(b.peer1.ip6, b.remote.ip6) / Udp(1, 2) / Raw(9), 1);
  b.ExpectNothing(OnPort(0) && To(b.remote.ip6));
}
CONFORM(135, MUST, "RFC 4861 6.2.7; 6.3",
        "A router does not make itself an address from another one's advertisement.",
        {.needs = kRouter | kAutoconf}) {
  b.SetSysctl("ipv6.conf.eth0.accept_ra", "1");
  BeRouter(b);
  b.Send(RouterAdvertisement(
      b.router, 1800, ndp_option::PrefixInformation("2001:db8:5::", 64, true, true, 600, 600)));
  b.ExpectNothing(Is(icmp6::kType, icmp6::kNeighborSolicitation) && From("::"), 2s);
}
CONFORM(136, MUST, "RFC 4861 8.3", "A router does not follow redirects.", kForwardsRoutes) {
  b.AddRoute({"2001:db8:77::", 48}, b.router1.link_local, 1);
  BeRouter(b);
  const Frame sent = DatagramTo(b, "2001:db8:77::9");
  b.Send(sent);
  b.Expect(IsPassedOn(sent) && Is(eth::kDestination, b.router1.mac));
  b.Send(Eth(b.device1.mac, b.router1.mac) /
             Ipv6(b.router1.link_local, b.device1.ip6).Set(ipv6::kHopLimit, 255) /
             Icmp6(icmp6::kRedirect)
                 .Set(icmp6::kTarget, b.other1.link_local)
                 .Set(icmp6::kRedirectDestination, Ip("2001:db8:77::9")) /
             Raw(ndp_option::TargetLinkAddress(b.other1.mac)),
         1);
  b.Wait(100ms);
  b.Send(sent);
  b.Expect(IsPassedOn(sent) && Is(eth::kDestination, b.router1.mac));
}

// --- Redirects -----------------------------------------------------------------------------------

Match Redirect() { return Is(icmp6::kType, icmp6::kRedirect); }
// From the peer by the router to a node of the same link.
Frame ToOther(const Bench& b) {
  return Eth(b.device.mac, b.peer.mac) / Ipv6(b.peer.ip6, b.other.ip6) / Udp(1, 2) / Raw(30);
}

CONFORM(137, SHOULD, "RFC 4861 8.2",
        "Who sends by the router to a neighbour of its own is told so.", kForwards) {
  BeRouter(b);
  b.Send(ToOther(b));
  b.Expect(Redirect() && Is(icmp6::kTarget, b.other.ip6) &&
           Is(icmp6::kRedirectDestination, b.other.ip6));
}
CONFORM(138, MUST, "RFC 4861 4.5; 8.2",
        "A redirect goes to the packet's source, from the router's link-local address.",
        kForwards) {
  BeRouter(b);
  b.Send(ToOther(b));
  b.Expect(Redirect() && To(b.peer.ip6) && From(b.device.link_local));
}
CONFORM(139, MUST, "RFC 4861 4.5", "A redirect has hop limit 255 and code 0.", kForwards) {
  BeRouter(b);
  b.Send(ToOther(b));
  b.Expect(Redirect() && Is(ipv6::kHopLimit, 255) && Is(icmp6::kCode, 0));
}
CONFORM(140, SHOULD, "RFC 4861 8.2; 4.5",
        "A redirect has the target's link address, when the router knows it.", kForwards) {
  BeRouter(b);
  b.Send(ToOther(b));
  b.Expect(UdpTo(2) && To(b.other.ip6) && Is(eth::kDestination, b.other.mac));
  b.Wait(1500ms);
  b.Forget();
  b.Send(ToOther(b));
  const Packet redirect = b.Expect(Redirect());
  b.Check(ndp_option::LinkAddressOf(redirect, ndp_option::kTargetLinkAddress) == b.other.mac,
          "the option is not there, or has another address");
}
CONFORM(141, SHOULD, "RFC 4861 8.2; 4.6.3", "A redirect quotes the packet.", kForwards) {
  BeRouter(b);
  const Frame sent = ToOther(b);
  b.Send(sent);
  const Packet redirect = b.Expect(Redirect());
  const auto option = ndp_option::Find(redirect, ndp_option::kRedirectedHeader);
  b.Check(option.has_value() && option->size() >= 6 + 40, "there is no such option");
  if (!b.ok()) return;
  Bytes quoted(option->begin() + 6, option->end());
  Bytes wanted = IpBytes(sent);
  wanted.resize(std::min(wanted.size(), quoted.size()));
  quoted.resize(wanted.size());
  quoted[7] = wanted[7];
  b.Check(quoted == wanted, "other bytes than the packet's are quoted");
}
CONFORM(142, MUST, "RFC 4861 8.2; 4.6.3", "A redirect is at most 1280 bytes long.", kForwards) {
  BeRouter(b);
  b.Send(Eth(b.device.mac, b.peer.mac) / Ipv6(b.peer.ip6, b.other.ip6) / Udp(1, 2) / Raw(1400));
  const Packet redirect = b.Expect(Redirect());
  b.Check(redirect.From(Kind::kIpv6).size() <= 1280, "it has more than 1280 bytes");
}
CONFORM(143, MUST, "RFC 4861 8.2", "The packet that is redirected is forwarded all the same.",
        kForwards) {
  BeRouter(b);
  b.Send(ToOther(b));
  b.Expect(UdpTo(2) && To(b.other.ip6) && Is(eth::kDestination, b.other.mac));
}
CONFORM(144, SHOULD, "RFC 4861 8.2",
        "A better router of the source's own link is told, by its link-local address.",
        kForwardsRoutes) {
  b.AddRoute({"2001:db8:77::", 48}, b.other.link_local, 0);
  BeRouter(b);
  b.Send(DatagramTo(b, "2001:db8:77::9"));
  b.Expect(Redirect() && Is(icmp6::kTarget, b.other.link_local) &&
           Is(icmp6::kRedirectDestination, Ip("2001:db8:77::9")));
}
CONFORM(145, MUST, "RFC 4861 8.2", "Who is no neighbour is not redirected.", kForwards) {
  BeRouter(b);
  b.Send(ToOther(b).Set(ipv6::kSource, Ip("2001:db8:55::5")));
  b.ExpectNothing(Redirect());
  b.Send(ToOther(b));
  b.Expect(Redirect());
}
CONFORM(146, MUST, "RFC 4861 8.2", "Who sends to another link is not redirected.", kForwards) {
  BeRouter(b);
  b.Send(Datagram(b));
  b.Expect(UdpTo(5000) && OnPort(1));
  b.ExpectNothing(Redirect());
  b.Send(ToOther(b));
  b.Expect(Redirect());
}
CONFORM(147, MUST, "RFC 4861 8.2", "Redirects are limited in their rate.", kForwards) {
  BeRouter(b);
  b.Send(ToOther(b));
  b.Expect(Redirect());
  for (int i = 0; i < 200; ++i) b.Send(ToOther(b));
  b.CheckBetween(static_cast<double>(b.Collect(Redirect(), 500ms).size()), 0, 150,
                 "redirects for 200 packets");
}
CONFORM(148, MUST, "RFC 4861 4.5", "The reserved field of a redirect is 0.", kForwards) {
  BeRouter(b);
  b.Send(ToOther(b));
  b.Expect(Redirect() && Is(icmp6::kRest, 0));
}

// --- Groups and anycast --------------------------------------------------------------------------

CONFORM(149, MUST, "RFC 4291 2.8", "A router hears what is sent to all routers.", kForwards) {
  BeRouter(b);
  b.Send(Ip6ToGroup(b.peer, "ff02::2") / EchoRequest6(7, 1) / Raw(9));
  b.Expect(EchoReply6() && From(b.device.link_local));
}
CONFORM(150, MUST, "RFC 4291 2.8", "A router hears what is sent to all routers of the site.",
        kForwards) {
  BeRouter(b);
  b.Send(Eth(GroupMac("ff05::2"), b.peer.mac) / Ipv6(b.peer.ip6, "ff05::2") / EchoRequest6(7, 1) /
         Raw(9));
  b.Expect(EchoReply6());
}
CONFORM(151, MUST, "RFC 4291 2.8", "A host does not hear what is sent to all routers.",
        {.needs = kRouter}) {
  b.Send(Ip6ToGroup(b.peer, "ff02::2") / EchoRequest6(7, 1) / Raw(9));
  b.ExpectNothing(EchoReply6());
  b.Send(Ip6ToGroup(b.peer, "ff02::1") / EchoRequest6(7, 1) / Raw(9));
  b.Expect(EchoReply6());
}
CONFORM(152, MUST, "RFC 4291 2.8; RFC 3810 6",
        "A router tells its link that it listens to all routers.", kForwards) {
  b.SetForwarding6(true);
  const Ip group = "ff02::2";
  b.Expect(Is(icmp6::kType, icmp6::kMldReportV2) &&
           Where("a record of it", [group](const Packet& p) {
             for (const GroupRecord& record : RecordsOf(p)) {
               if (record.group == group && record.type == 4) return true;
             }
             return false;
           }));
}
CONFORM(153, MUST, "RFC 4291 2.6.1",
        "A router takes what is sent to the subnet's routers: the prefix with zeros.", kForwards) {
  BeRouter(b);
  b.Send(Ping6(b.peer, b.device).Set(ipv6::kDestination, Ip("2001:db8::")));
  b.Expect(EchoReply6() && To(b.peer.ip6));
}
CONFORM(154, MUST, "RFC 4291 2.6; RFC 4443 2.2",
        "The answer to what was sent to the subnet's routers comes from a unicast address.",
        kForwards) {
  BeRouter(b);
  b.Send(Ping6(b.peer, b.device).Set(ipv6::kDestination, Ip("2001:db8::")));
  b.Expect(EchoReply6() &&
           (From(b.device.ip6) || From(b.device.link_local) || From(b.device1.ip6)));
}
CONFORM(155, MUST, "RFC 4291 2.6.1; RFC 4861 7.2.4",
        "A router answers for the address of the subnet's routers.", kForwards) {
  BeRouter(b);
  Solicit(b, b.peer, "2001:db8::");
  b.Expect(NeighborAdvertisementFor("2001:db8::"), 2s);
}
CONFORM(156, SHOULD, "RFC 4861 7.2.4; 7.2.7",
        "An advertisement of an anycast address does not override.", kForwards) {
  BeRouter(b);
  Solicit(b, b.peer, "2001:db8::");
  b.Expect(NeighborAdvertisementFor("2001:db8::") && Is(icmp6::kOverrideFlag, 0), 2s);
}
CONFORM(157, MUST, "RFC 4862 5.4.3", "A router defends its addresses against who probes for them.",
        kForwards) {
  BeRouter(b);
  const Ip group = SolicitedNode(b.device.ip6);
  b.Send(Eth(GroupMac(group), b.peer.mac) / Ipv6("::", group).Set(ipv6::kHopLimit, 255) /
         Icmp6(icmp6::kNeighborSolicitation).Set(icmp6::kTarget, b.device.ip6));
  b.Expect(NeighborAdvertisementFor(b.device.ip6) && To("ff02::1") && Is(icmp6::kSolicitedFlag, 0));
}

}  // namespace
}  // namespace moat::conform
