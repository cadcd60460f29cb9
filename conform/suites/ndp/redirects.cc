// Redirects, and router advertisements to a host whose addresses are configured by hand.
#include "conform/suites/ndp/neighbor.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("ndp");

constexpr uint32_t kRedirectNeeds = kPing | kRoutes;
constexpr uint32_t kRaNeeds = kPing | kSysctls | kAutoconf;
constexpr CaseOptions kRedirects{.needs = kRedirectNeeds, .setup = Setup::kNoRouter};
constexpr CaseOptions kRouters{.needs = kRaNeeds, .setup = Setup::kNoRouter};

// --- Redirects (8) -----------------------------------------------------------------------------

// The router is the device's default router, by its link-local address.
void UseRouter(Bench& b) {
  b.AddRoute({"::", 0}, b.router.link_local);
  b.Ping(b.remote.ip6);
  b.Expect(EchoTo(b.router.mac));
}

Frame BareRedirect(const Bench& b, const Ip& target) {
  return Eth(b.device.mac, b.router.mac) /
         Ipv6(b.router.link_local, b.device.ip6).Set(ipv6::kHopLimit, 255) /
         Icmp6(icmp6::kRedirect)
             .Set(icmp6::kTarget, target)
             .Set(icmp6::kRedirectDestination, b.remote.ip6);
}
// To the other node as a better router.
Frame Redirect(const Bench& b) {
  return BareRedirect(b, b.other.link_local) / Raw(ndp_option::TargetLinkAddress(b.other.mac));
}

void ExpectBy(Bench& b, const Node& router) {
  b.Forget();
  b.Ping(b.remote.ip6);
  b.Expect(EchoRequest6() && To(b.remote.ip6) && Is(eth::kDestination, router.mac));
}

// The redirect changes nothing; a right one does.
void IsNotObeyed(Bench& b, const Frame& redirect) {
  b.Send(redirect);
  ExpectBy(b, b.router);
  b.Send(Redirect(b));
  ExpectBy(b, b.other);
}

CONFORM(142, SHOULD, "RFC 4861 8.3", "A redirect to a better router is obeyed.", kRedirects) {
  UseRouter(b);
  b.Send(Redirect(b));
  ExpectBy(b, b.other);
}
CONFORM(143, SHOULD, "RFC 4861 8.3", "A redirect to the destination itself makes it a neighbour.",
        kRedirects) {
  UseRouter(b);
  b.Send(BareRedirect(b, b.remote.ip6) / Raw(ndp_option::TargetLinkAddress(b.peer.mac)));
  ExpectBy(b, b.peer);
}
CONFORM(144, SHOULD, "RFC 4861 8.3", "The link address in a redirect is used without asking.",
        kRedirects) {
  UseRouter(b);
  b.StopAnswering(b.other);
  b.Send(Redirect(b));
  ExpectBy(b, b.other);
  b.ExpectNothing(SolicitsByGroup(b.other.link_local));
}
CONFORM(145, SHOULD, "RFC 4861 8.3",
        "After a redirect without link address the target is asked for.", kRedirects) {
  UseRouter(b);
  b.Send(BareRedirect(b, b.other.link_local));
  b.Ping(b.remote.ip6);
  b.Expect(Solicits(b.other.link_local));
  b.Expect(EchoTo(b.other.mac) && To(b.remote.ip6));
}
CONFORM(146, MUST, "RFC 4861 8.3", "A redirect concerns its destination only.", kRedirects) {
  UseRouter(b);
  b.Send(Redirect(b));
  ExpectBy(b, b.other);
  b.Ping("2001:db8:9::77");
  b.Expect(EchoTo(b.router.mac) && To("2001:db8:9::77"));
}
CONFORM(147, MUST, "RFC 4861 8.1",
        "A redirect from another than a link-local address is discarded.", kRedirects) {
  UseRouter(b);
  IsNotObeyed(b, Redirect(b).Set(ipv6::kSource, b.router.ip6));
}
CONFORM(148, MUST, "RFC 4861 8.1", "A redirect with a hop limit other than 255 is discarded.",
        kRedirects) {
  UseRouter(b);
  IsNotObeyed(b, Redirect(b).Set(ipv6::kHopLimit, 254));
}
CONFORM(149, MUST, "RFC 4861 8.1", "A redirect with a wrong checksum is discarded.", kRedirects) {
  UseRouter(b);
  IsNotObeyed(b, Redirect(b).Set(icmp6::kChecksum, 0x1234));
}
CONFORM(150, MUST, "RFC 4861 8.1", "A redirect with a code other than 0 is discarded.",
        kRedirects) {
  UseRouter(b);
  IsNotObeyed(b, Redirect(b).Set(icmp6::kCode, 1));
}
CONFORM(151, MUST, "RFC 4861 8.1", "A redirect of less than 40 bytes is discarded.", kRedirects) {
  UseRouter(b);
  IsNotObeyed(b, Shortened(BareRedirect(b, b.other.link_local), 39));
}
CONFORM(152, MUST, "RFC 4861 8.1",
        "A redirect by a node that is not the first hop to the destination is discarded.",
        kRedirects) {
  UseRouter(b);
  IsNotObeyed(b, Redirect(b).Set(ipv6::kSource, b.peer.link_local).Set(eth::kSource, b.peer.mac));
}
CONFORM(153, MUST, "RFC 4861 8.1", "A redirect of a multicast destination is discarded.",
        kRedirects) {
  UseRouter(b);
  IsNotObeyed(b, Redirect(b).Set(icmp6::kRedirectDestination, Ip("ff05::99")));
}
CONFORM(154, MUST, "RFC 4861 8.1",
        "A redirect to a router that is not named by its link-local "
        "address is discarded.",
        kRedirects) {
  UseRouter(b);
  IsNotObeyed(b, Redirect(b).Set(icmp6::kTarget, b.other.ip6));
}
CONFORM(155, MUST, "RFC 4861 8.1", "A redirect with an option of length 0 is discarded.",
        kRedirects) {
  UseRouter(b);
  IsNotObeyed(b, Redirect(b) / Raw(Bytes{200, 0, 0, 0, 0, 0, 0, 0}));
}
CONFORM(156, MUST, "RFC 4861 8.1; 9",
        "Unknown options and reserved bits of a redirect are ignored.", kRedirects) {
  UseRouter(b);
  b.Send((Redirect(b) / Raw(ndp_option::Any(200, Bytes(14)))).Set(icmp6::kRest, 0xffffffff));
  ExpectBy(b, b.other);
}
CONFORM(157, MUST, "RFC 6980 5", "A redirect behind a fragment header is ignored.", kRedirects) {
  UseRouter(b);
  const std::vector<Layer> layers = Redirect(b).layers();
  IsNotObeyed(b, layers[0] / layers[1] / FragmentHeader(0, false) / layers[2] / layers[3]);
}
CONFORM(158, SHOULD, "RFC 4861 8.3; 7.3.3",
        "A redirect gives a target that is known its new link address.", kRedirects) {
  UseRouter(b);
  b.Send(NeighborSolicitation(b.other, b.device.ip6).Set(ipv6::kSource, b.other.link_local));
  b.Expect(Advertises(b.device.ip6) && Is(eth::kDestination, b.other.mac));
  b.Send(BareRedirect(b, b.other.link_local) / Raw(ndp_option::TargetLinkAddress(b.peer.mac)));
  ExpectBy(b, b.peer);
}

// --- Router advertisements (6) -----------------------------------------------------------------

// The device listens to routers.
void Listen(Bench& b) {
  b.SetSysctl("ipv6.conf.eth0.accept_ra", "2");
  b.Wait(100ms);
}
Frame Ra(const Bench& b, int lifetime = 1800) {
  return RouterAdvertisement(b.router, lifetime, ndp_option::SourceLinkAddress(b.router.mac));
}
void ExpectNoWay(Bench& b) {
  b.Forget();
  b.Ping(b.remote.ip6);
  b.ExpectNothing(EchoRequest6(), 1500ms);
}
// The advertisement makes no default router; a right one does.
void IsNotListenedTo(Bench& b, const Frame& frame) {
  Listen(b);
  b.Send(frame);
  ExpectNoWay(b);
  b.Send(Ra(b));
  ExpectBy(b, b.router);
}

CONFORM(159, MUST, "RFC 4861 6.3.4", "A router that advertises itself becomes a default router.",
        kRouters) {
  Listen(b);
  ExpectNoWay(b);
  b.Send(Ra(b));
  ExpectBy(b, b.router);
}
CONFORM(160, MUST, "RFC 4861 6.3.4", "A router with lifetime 0 is no default router.", kRouters) {
  IsNotListenedTo(b, Ra(b, 0));
}
CONFORM(161, MUST, "RFC 4861 6.3.4",
        "A default router that advertises lifetime 0 is one no longer.", kRouters) {
  Listen(b);
  b.Send(Ra(b));
  ExpectBy(b, b.router);
  b.Send(Ra(b, 0));
  ExpectNoWay(b);
}
CONFORM(162, MUST, "RFC 4861 6.3.5", "A default router is one as long as its lifetime.", kRouters) {
  Listen(b);
  b.Send(Ra(b, 10));
  b.Wait(8s);
  ExpectBy(b, b.router);
  b.Wait(4s);
  ExpectNoWay(b);
}
CONFORM(163, MUST, "RFC 4861 6.1.2",
        "A router advertisement from another than a link-local address "
        "is discarded.",
        kRouters) {
  IsNotListenedTo(b, Ra(b).Set(ipv6::kSource, b.router.ip6));
}
CONFORM(164, MUST, "RFC 4861 6.1.2",
        "A router advertisement with a hop limit other than 255 is "
        "discarded.",
        kRouters) {
  IsNotListenedTo(b, Ra(b).Set(ipv6::kHopLimit, 254));
}
CONFORM(165, MUST, "RFC 4861 6.1.2", "A router advertisement with a wrong checksum is discarded.",
        kRouters) {
  IsNotListenedTo(b, Ra(b).Set(icmp6::kChecksum, 0x1234));
}
CONFORM(166, MUST, "RFC 4861 6.1.2",
        "A router advertisement with a code other than 0 is discarded.", kRouters) {
  IsNotListenedTo(b, Ra(b).Set(icmp6::kCode, 1));
}
CONFORM(167, MUST, "RFC 4861 6.1.2", "A router advertisement of less than 16 bytes is discarded.",
        kRouters) {
  IsNotListenedTo(b, Shortened(Ra(b), 15));
}
CONFORM(168, MUST, "RFC 4861 6.1.2",
        "A router advertisement with an option of length 0 is discarded.", kRouters) {
  IsNotListenedTo(b, Ra(b) / Raw(Bytes{200, 0, 0, 0, 0, 0, 0, 0}));
}
CONFORM(169, MUST, "RFC 6980 5", "A router advertisement behind a fragment header is ignored.",
        kRouters) {
  const std::vector<Layer> layers = Ra(b).layers();
  IsNotListenedTo(b, layers[0] / layers[1] / FragmentHeader(0, false) / layers[2] / layers[3]);
}
CONFORM(170, MUST, "RFC 4861 6.1.2; 9", "Unknown options of a router advertisement are ignored.",
        kRouters) {
  Listen(b);
  b.Send(Ra(b) / Raw(ndp_option::Any(200, Bytes(14))));
  ExpectBy(b, b.router);
}
CONFORM(171, SHOULD, "RFC 4861 6.3.4", "The hop limit that the router advertises is used.",
        kRouters) {
  Listen(b);
  b.Send(Ra(b).Set(icmp6::kCurHopLimit, 99));
  b.Ping(b.remote.ip6);
  b.Expect(EchoRequest6() && Is(ipv6::kHopLimit, 99));
}
CONFORM(172, SHOULD, "RFC 4861 6.3.4", "A hop limit of 0 in an advertisement changes nothing.",
        kRouters) {
  Listen(b);
  b.Send(Ra(b).Set(icmp6::kCurHopLimit, 99));
  b.Send(Ra(b).Set(icmp6::kCurHopLimit, 0));
  b.Ping(b.remote.ip6);
  b.Expect(EchoRequest6() && Is(ipv6::kHopLimit, 99));
}
CONFORM(173, SHOULD, "RFC 4861 6.3.4",
        "The interval between questions that the router advertises is "
        "used.",
        kRouters) {
  Listen(b);
  b.Send(Ra(b).Set(icmp6::kRetransTimer, 3000));
  b.Wait(200ms);
  MakeIncomplete(b);
  b.ExpectNothing(Solicits(b.peer.ip6), 2500ms);
  b.Expect(Solicits(b.peer.ip6), 1s);
}
CONFORM(174, SHOULD, "RFC 4861 6.3.4",
        "A prefix that is advertised as on-link is reached directly.", kRouters) {
  Listen(b);
  b.StartAnswering(0, "2001:db8:aaaa::5", b.other.mac);
  b.Send(Ra(b) /
         Raw(ndp_option::PrefixInformation("2001:db8:aaaa::", 64, true, false, 3600, 3600)));
  b.Ping("2001:db8:aaaa::5");
  b.Expect(EchoRequest6() && To("2001:db8:aaaa::5") && Is(eth::kDestination, b.other.mac));
}
CONFORM(175, MUST, "RFC 4861 6.3.4",
        "A prefix that is not advertised as on-link is reached by the "
        "router.",
        kRouters) {
  Listen(b);
  b.StartAnswering(0, "2001:db8:aaaa::5", b.other.mac);
  b.Send(Ra(b) /
         Raw(ndp_option::PrefixInformation("2001:db8:aaaa::", 64, false, false, 3600, 3600)));
  b.Ping("2001:db8:aaaa::5");
  b.Expect(EchoRequest6() && To("2001:db8:aaaa::5") && Is(eth::kDestination, b.router.mac));
}
CONFORM(176, MUST, "RFC 4861 6.3.4", "A prefix with lifetime 0 is on-link no longer.", kRouters) {
  Listen(b);
  b.Send(Ra(b) /
         Raw(ndp_option::PrefixInformation("2001:db8:aaaa::", 64, true, false, 3600, 3600)));
  b.Send(Ra(b) / Raw(ndp_option::PrefixInformation("2001:db8:aaaa::", 64, true, false, 0, 0)));
  b.Ping("2001:db8:aaaa::5");
  b.Expect(EchoRequest6() && To("2001:db8:aaaa::5") && Is(eth::kDestination, b.router.mac));
}
CONFORM(177, SHOULD, "RFC 4861 6.3.6",
        "When a default router cannot be reached, another one is used.", kRouters) {
  Listen(b);
  b.Send(RouterAdvertisement(b.other, 1800, ndp_option::SourceLinkAddress(b.other.mac)));
  ExpectBy(b, b.other);
  b.Send(Ra(b));
  b.StopAnswering(b.other);
  // Long enough for the entry to be doubted, asked for and given up.
  for (int i = 0; i < 14; ++i) {
    b.Ping(b.remote.ip6);
    b.Wait(5s);
  }
  ExpectBy(b, b.router);
}
CONFORM(178, SHOULD, "RFC 4191 3.2", "Of two default routers the one of higher preference is used.",
        kRouters) {
  Listen(b);
  b.Send(Ra(b).Set(icmp6::kPreference, 3));  // low
  b.Send(RouterAdvertisement(b.other, 1800, ndp_option::SourceLinkAddress(b.other.mac))
             .Set(icmp6::kPreference, 1));  // high
  ExpectBy(b, b.other);
}

}  // namespace
}  // namespace moat::conform
