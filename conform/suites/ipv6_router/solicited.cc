// A router that advertises is asked to, and ceases to: RFC 4861 6.1.1, 6.2.5, 6.2.6.
#include <algorithm>

#include "conform/suites/ipv6_router/advertising.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("ipv6-router");

// --- Answers -------------------------------------------------------------------------------------

CONFORM(189, MUST, "RFC 4861 6.2.6", "A solicitation is answered within half a second.",
        kAdvertises) {
  Answers(b, AskRouters(b));
}
CONFORM(190, MUST, "RFC 4861 6.2.6; 6.1.1",
        "A solicitation from the unspecified address is answered, to all nodes.", kAdvertises) {
  BeQuiet(b);
  b.Send(AskRoutersBarely(b).Set(ipv6::kSource, Ip("::")));
  b.Expect(Ra() && To("ff02::1"), kAnswerTime);
}
CONFORM(191, MUST, "RFC 4861 6.1.1", "A solicitation without a link address is answered.",
        kAdvertises) {
  Answers(b, AskRoutersBarely(b));
}
CONFORM(192, MUST, "RFC 4861 6.1.1", "The reserved field of a solicitation is ignored.",
        kAdvertises) {
  Answers(b, AskRouters(b).Set(icmp6::kRest, 0xffffffff));
}
CONFORM(193, MUST, "RFC 4861 6.1.1; 4.6", "Unknown options of a solicitation are ignored.",
        kAdvertises) {
  Answers(b, AskRoutersBarely(b) / Raw(ndp_option::Any(200, Bytes(14))));
}
CONFORM(194, SHOULD, "RFC 4861 6.2.6; 6.2.3", "An answer has all options.", kAdvertises) {
  Advertising set = Prefixes({{kAdvertisedPrefix}});
  set.mtu = 1400;
  BeQuiet(b, set);
  b.Send(AskRouters(b));
  const Packet ra = b.Expect(Ra(), kAnswerTime);
  CheckOption(b, ra, ndp_option::SourceLinkAddress(b.device.mac));
  CheckOption(b, ra, ndp_option::Mtu(1400));
  CheckOption(
      b, ra,
      ndp_option::PrefixInformation(kAdvertisedPrefix.address, 64, true, true, 86400, 14400));
}
CONFORM(195, MUST, "RFC 4861 6.2.6", "Answers wait for a random time.", kAdvertises) {
  BeQuiet(b);
  std::vector<double> delays;
  for (int i = 0; i < 6; ++i) {
    const Duration asked = b.Now();
    b.Send(AskRouters(b));
    const Packet ra = b.Expect(Ra(), kAnswerTime);
    if (!b.ok()) return;
    delays.push_back(std::chrono::duration<double>(ra.time() - asked).count());
    b.Wait(4s);
    b.Forget();
  }
  const auto [least, most] = std::minmax_element(delays.begin(), delays.end());
  b.Check(*most - *least > 0.02, "all delays are equal");
}
CONFORM(196, MUST, "RFC 4861 6.2.6",
        "However many ask, advertisements to all nodes are three seconds apart.", kAdvertises) {
  BeQuiet(b);
  for (int i = 0; i < 40; ++i) {
    b.Send(AskRouters(b));
    b.Wait(150ms);
  }
  const std::vector<Packet> ras = b.Collect(Ra() && To("ff02::1"), 6s);
  b.CheckBetween(static_cast<double>(ras.size()), 2, 4, "advertisements");
  for (size_t i = 1; i < ras.size(); ++i) {
    b.CheckBetween(std::chrono::duration<double>(ras[i].time() - ras[i - 1].time()).count(), 2.5,
                   17, "seconds in between");
  }
}
CONFORM(197, MUST, "RFC 4861 6.2.6",
        "Who asks at once after an advertisement is answered when three seconds are over.",
        kAdvertises) {
  Advertising set;
  set.max_interval = 1800;
  set.min_interval = 1350;
  First(b, set);
  b.Send(AskRouters(b));
  b.ExpectNothing(Ra() && To("ff02::1"), 2400ms);
  b.Expect(Ra(), 2s);
}
CONFORM(198, SHOULD, "RFC 4861 6.2.6", "The link address of a solicitation is used for its sender.",
        kAdvertises) {
  BeQuiet(b);
  b.FlushNeighbors();
  b.StopAnswering(b.peer);
  b.Send(AskRouters(b));
  b.Send(Ping6(b.peer, b.device)
             .Set(ipv6::kSource, b.peer.link_local)
             .Set(ipv6::kDestination, b.device.link_local));
  b.Expect(EchoReply6() && To(b.peer.link_local) && Is(eth::kDestination, b.peer.mac));
}
CONFORM(199, MUST, "RFC 4861 6.2.6",
        "A solicitation from the unspecified address teaches no link address.", kAdvertises) {
  BeQuiet(b);
  b.FlushNeighbors();
  b.Send(AskRoutersBarely(b).Set(ipv6::kSource, Ip("::")));
  b.Expect(Ra(), kAnswerTime);
  b.Send(Ping6(b.peer, b.device));
  b.Expect(NeighborSolicitationFor(b.peer.ip6));
  b.Expect(EchoReply6());
}

// --- Solicitations that are not valid ------------------------------------------------------------

CONFORM(200, MUST, "RFC 4861 6.1.1", "A solicitation with a hop limit other than 255 is discarded.",
        kAdvertises) {
  Ignores(b, AskRouters(b).Set(ipv6::kHopLimit, 254));
}
CONFORM(201, MUST, "RFC 4861 6.1.1", "A solicitation with a wrong checksum is discarded.",
        kAdvertises) {
  Ignores(b, AskRouters(b).Set(icmp6::kChecksum, 0x1234));
}
CONFORM(202, MUST, "RFC 4861 6.1.1", "A solicitation with a code other than 0 is discarded.",
        kAdvertises) {
  Ignores(b, AskRouters(b).Set(icmp6::kCode, 1));
}
CONFORM(203, MUST, "RFC 4861 6.1.1", "A solicitation of less than 8 bytes is discarded.",
        kAdvertises) {
  // The length of the IPv6 payload says 7; the checksum is that of these bytes.
  const Frame whole = AskRoutersBarely(b).Set(ipv6::kSource, Ip("::"));
  Ignores(b, (whole.layers()[0] / whole.layers()[1] / Raw(Bytes{133, 0, 0x7b, 0xb9, 0, 0, 0}))
                       .Set(ipv6::kNextHeader, 58));
}
CONFORM(204, MUST, "RFC 4861 6.1.1", "A solicitation with an option of length 0 is discarded.",
        kAdvertises) {
  Ignores(b, AskRoutersBarely(b) / Raw(Bytes{200, 0, 0, 0, 0, 0, 0, 0}));
}
CONFORM(205, MUST, "RFC 4861 6.1.1",
        "A solicitation from the unspecified address with a link address is discarded.",
        kAdvertises) {
  Ignores(b, AskRouters(b).Set(ipv6::kSource, Ip("::")));
}
CONFORM(206, MUST, "RFC 6980 5", "A solicitation behind a fragment header is ignored.",
        kAdvertises) {
  const std::vector<Layer> layers = AskRouters(b).layers();
  Ignores(b, layers[0] / layers[1] / FragmentHeader(0, false) / layers[2] / layers[3]);
}

// --- Ceasing -------------------------------------------------------------------------------------

// Some seconds after the end began: one to three advertisements, three seconds apart, of lifetime
// 0.
void SaysGoodbye(Bench& b) {
  const std::vector<Packet> ras = b.Collect(Ra(), 14s);
  b.CheckBetween(static_cast<double>(ras.size()), 1, 3, "advertisements at the end");
  for (const Packet& ra : ras) b.CheckPacket(ra, Is(icmp6::kRouterLifetime, 0));
  for (size_t i = 1; i < ras.size(); ++i) {
    b.CheckBetween(std::chrono::duration<double>(ras[i].time() - ras[i - 1].time()).count(), 2.5, 9,
                   "seconds in between");
  }
}

CONFORM(207, SHOULD, "RFC 4861 6.2.5",
        "Who ceases to advertise says so by up to three with lifetime 0.", kAdvertises) {
  First(b);
  b.Forget();
  b.StopAdvertising();
  SaysGoodbye(b);
}
CONFORM(208, MUST, "RFC 4861 6.2.5", "Who ceases to forward advertises lifetime 0, if anything.",
        kAdvertises) {
  First(b);
  b.Forget();
  b.SetForwarding6(false);
  SaysGoodbye(b);
}
CONFORM(209, MUST, "RFC 4861 6.2.2; 6.2.6",
        "Who has ceased to advertise does not answer solicitations.", kAdvertises) {
  First(b);
  b.StopAdvertising();
  b.Wait(12s);
  b.Forget();
  b.Send(AskRouters(b));
  b.ExpectNothing(Ra(), 4s);
  b.Advertise(Prefixes({{kAdvertisedPrefix}}));
  b.Expect(Ra() && Is(icmp6::kRouterLifetime, 1800), 5s);
}
CONFORM(210, MUST, "RFC 4861 6.2.5; 6.2.4",
        "A router that became a host and is one again advertises as in the beginning.",
        kAdvertises) {
  First(b);
  b.SetForwarding6(false);
  b.Wait(12s);
  b.Forget();
  b.SetForwarding6(true);
  const Packet ra = b.Expect(Ra(), 5s);
  b.CheckPacket(ra, Is(icmp6::kRouterLifetime, 1800));
  CheckOption(
      b, ra,
      ndp_option::PrefixInformation(kAdvertisedPrefix.address, 64, true, true, 86400, 14400));
}

}  // namespace
}  // namespace moat::conform
