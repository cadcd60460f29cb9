// What RFC 4861 demands besides, in small.
#include <algorithm>

#include "conform/suites/ndp/neighbor.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("ndp");

constexpr CaseOptions kListens = {.needs = kPing | kSysctls | kAutoconf, .setup = Setup::kNoRouter};

void Listen(Bench& b) {
  b.SetSysctl("ipv6.conf.eth0.accept_ra", "2");
  b.Wait(100ms);
}
Frame Ra(const Bench& b) {
  return RouterAdvertisement(b.router, 1800, ndp_option::SourceLinkAddress(b.router.mac));
}

CONFORM(179, SHOULD, "RFC 4861 6.3.4", "The reachable time that a router advertises is used.",
        kListens) {
  Listen(b);
  b.Send(Ra(b).Set(icmp6::kReachableTime, 2000));
  b.Wait(200ms);
  MakeReachable(b);
  b.Wait(2s);
  ExpectStale(b, b.peer.mac);  // asks two seconds later, at the latest time there is
}

CONFORM(180, MUST, "RFC 4861 6.3.4",
        "A reachable time of 0 in an advertisement says nothing: what was told before stays.",
        kListens) {
  Listen(b);
  b.Send(Ra(b).Set(icmp6::kReachableTime, 2000));
  b.Send(Ra(b).Set(icmp6::kReachableTime, 0));
  b.Wait(200ms);
  MakeReachable(b);
  b.Wait(2s);
  ExpectStale(b, b.peer.mac);
}

CONFORM(181, MUST, "RFC 4861 7.1.2", "An advertisement of less than 24 bytes is discarded.",
        {.needs = kPing}) {
  MakeIncomplete(b);
  for (const size_t size : {8, 16, 23}) b.Send(Shortened(BareAdvertisement(b, true, true), size));
  b.ExpectNothing(EchoRequest6(), 300ms);
  b.Send(Advertisement(b, true, true, b.peer.mac));
  b.Expect(EchoTo(b.peer.mac));
}

CONFORM(182, MUST, "RFC 4861 7.2.1",
        "A solicited-node group is kept as long as one of its addresses is there.",
        {.needs = kAddresses}) {
  const Ip first = "2001:db8::1:0:77", second = "2001:db8::2:0:77";
  b.AddAddress({first, 64});
  b.AddAddress({second, 64});
  b.RemoveAddress({first, 64});
  b.Wait(100ms);
  b.Send(NeighborSolicitation(b.peer, second));
  b.Expect(Advertises(second));
  b.Send(NeighborSolicitation(b.peer, first));
  b.ExpectNothing(Advertises(first));
}

CONFORM(183, MUST, "RFC 4861 8.3", "A host does not send redirects.") {
  Node stray = b.device;
  stray.ip6 = b.peer.ip6;  // for the peer, but sent to the device
  b.Send(Ping6(b.other, stray));
  b.ExpectNothing(Is(icmp6::kType, icmp6::kRedirect) || EchoRequest6());
  b.Send(Ping6(b.other, b.device));
  b.Expect(EchoReply6());
}

CONFORM(184, MUST, "RFC 4861 6.3.4",
        "What is said of the link-local prefix is ignored: it stays on the link.", kListens) {
  Listen(b);
  const auto prefix = [](int lifetime) {
    return Raw(ndp_option::PrefixInformation("fe80::", 64, true, false, lifetime, lifetime));
  };
  b.Send(Ra(b) / prefix(3600));
  b.Send(Ra(b) / prefix(0));
  b.Wait(200ms);
  b.Send(Ping6(b.peer, b.device)
             .Set(ipv6::kSource, b.peer.link_local)
             .Set(ipv6::kDestination, b.device.link_local));
  b.Expect(EchoReply6() && To(b.peer.link_local) && Is(eth::kDestination, b.peer.mac));
}

CONFORM(185, SHOULD, "RFC 4861 4.3; 7.2.2",
        "The question for confirmation, by unicast, has the device's link address.",
        {.needs = kPing}) {
  MakeDelay(b);
  const Packet question = b.Expect(SolicitsByUnicast(b.peer.ip6), 7s);
  const auto option = ndp_option::Find(question, 1);
  b.Check(option.has_value() && option->size() >= 6, "there is no source link address option");
  if (b.ok())
    b.Check(std::equal(option->begin(), option->begin() + 6, b.device.mac.bytes.begin()),
            "it is another address");
}

CONFORM(186, SHOULD, "RFC 4861 4.4",
        "The answer to a solicitation by unicast has the target's link address, too.") {
  b.Send(NeighborSolicitation(b.peer, b.device.ip6)
             .Set(ipv6::kDestination, b.device.ip6)
             .Set(eth::kDestination, b.device.mac));
  const auto option = ndp_option::Find(b.Expect(Advertises(b.device.ip6)), 2);
  b.Check(option.has_value() && option->size() >= 6, "there is no target link address option");
  if (b.ok())
    b.Check(std::equal(option->begin(), option->begin() + 6, b.device.mac.bytes.begin()),
            "it is another address");
}

}  // namespace
}  // namespace moat::conform
