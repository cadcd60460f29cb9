// Duplicate address detection, for an address that is configured by hand.
#include "conform/suites/ndp/neighbor.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("ndp");

const Ip& New() {
  static const Ip address = "2001:db8::dad:1";
  return address;
}

// The device begins to use the new address, and has sent its first probe.
Packet Begin(Bench& b) {
  b.AddAddress({New(), 64}, 0, /*detect_duplicates=*/true);
  return b.Expect(Solicits(New()), 3s);
}

// From the peer, who is detecting duplicates of the same address.
Frame OtherProbe(const Bench& b) {
  return Eth(GroupMac(SolicitedNode(New())), b.peer.mac) /
         Ipv6("::", SolicitedNode(New())).Set(ipv6::kHopLimit, 255) /
         Icmp6(icmp6::kNeighborSolicitation).Set(icmp6::kTarget, New());
}
// From the peer, who has the address.
Frame Claim(const Bench& b) {
  return Eth(GroupMac("ff02::1"), b.peer.mac) / Ipv6(New(), "ff02::1").Set(ipv6::kHopLimit, 255) /
         Icmp6(icmp6::kNeighborAdvertisement)
             .Set(icmp6::kOverrideFlag, 1)
             .Set(icmp6::kTarget, New()) /
         Raw(ndp_option::TargetLinkAddress(b.peer.mac));
}

void ExpectInUse(Bench& b) {
  b.Wait(3s);
  b.Forget();
  b.Send(NeighborSolicitation(b.other, New()));
  b.Expect(Advertises(New()));
}
void ExpectNotInUse(Bench& b) {
  b.Wait(3s);
  b.Forget();
  b.Send(NeighborSolicitation(b.other, New()));
  b.ExpectNothing(Advertises(New()));
  b.Send(NeighborSolicitation(b.other, b.device.ip6));
  b.Expect(Advertises(b.device.ip6));
}

CONFORM(121, MUST, "RFC 4862 5.4", "A new address is probed for before it is used.",
        {.needs = kAddresses}) {
  Begin(b);
}
CONFORM(122, MUST, "RFC 4862 5.4.2", "The probe comes from the unspecified address.",
        {.needs = kAddresses}) {
  b.CheckPacket(Begin(b), From("::"));
}
CONFORM(123, MUST, "RFC 4862 5.4.2", "The probe goes to the solicited-node group of the address.",
        {.needs = kAddresses}) {
  b.CheckPacket(Begin(b),
                To(SolicitedNode(New())) && Is(eth::kDestination, GroupMac(SolicitedNode(New()))));
}
CONFORM(124, MUST, "RFC 4861 4.3", "The probe has no link address.", {.needs = kAddresses}) {
  const Packet probe = Begin(b);
  b.Check(!ndp_option::LinkAddressOf(probe, ndp_option::kSourceLinkAddress).has_value(),
          "there is a source link-layer address option");
}
CONFORM(125, MUST, "RFC 4861 4.3", "The probe has hop limit 255.", {.needs = kAddresses}) {
  b.CheckPacket(Begin(b), Is(ipv6::kHopLimit, 255));
}
CONFORM(126, MUST, "RFC 4862 5.1; 5.4.2", "One probe is sent by default.", {.needs = kAddresses}) {
  Begin(b);
  b.ExpectNothing(Solicits(New()) && From("::"), 4s);
}
CONFORM(127, MUST, "RFC 4862 5.1; 5.4.2",
        "As many probes are sent as are configured, a second apart.",
        {.needs = kAddresses | kSysctls}) {
  b.SetSysctl("ipv6.conf.eth0.dad_transmits", "3");
  b.AddAddress({New(), 64}, 0, true);
  const std::vector<Packet> probes = b.Collect(Solicits(New()) && From("::"), 7s);
  b.CheckEqual(static_cast<int64_t>(probes.size()), 3, "number of probes");
  for (size_t i = 1; i < probes.size(); ++i) {
    b.CheckBetween(std::chrono::duration<double>(probes[i].time() - probes[i - 1].time()).count(),
                   0.9, 1.5, "seconds");
  }
}
CONFORM(128, MUST, "RFC 4862 5.4", "An address that nobody objects to comes into use.",
        {.needs = kAddresses}) {
  Begin(b);
  ExpectInUse(b);
}
CONFORM(129, MUST, "RFC 4862 5.4", "A tentative address is not answered for.",
        {.needs = kAddresses}) {
  Begin(b);
  b.Send(NeighborSolicitation(b.other, New()));
  b.ExpectNothing(Advertises(New()), 300ms);
}
CONFORM(130, MUST, "RFC 4862 5.4", "Packets to a tentative address are not accepted.",
        {.needs = kAddresses}) {
  Begin(b);
  b.Send(Ping6(b.peer, b.device).Set(ipv6::kDestination, New()));
  b.ExpectNothing(EchoReply6(), 300ms);
}
CONFORM(131, MUST, "RFC 4862 5.4", "A tentative address is not the source of packets.",
        {.needs = kAddresses | kPing, .setup = Setup::kBare}) {
  b.AddAddress({New(), 64}, 0, true);
  b.Expect(Solicits(New()) && From("::"), 5s);
  b.Ping(b.peer.ip6);
  b.ExpectNothing(From(New()), 400ms);
}
CONFORM(132, MUST, "RFC 4862 5.4.3", "Another node's probe for a tentative address ends its use.",
        {.needs = kAddresses}) {
  Begin(b);
  b.Send(OtherProbe(b));
  ExpectNotInUse(b);
}
CONFORM(133, MUST, "RFC 4862 5.4.4", "An advertisement of a tentative address ends its use.",
        {.needs = kAddresses}) {
  Begin(b);
  b.Send(Claim(b));
  ExpectNotInUse(b);
}
CONFORM(134, MUST, "RFC 4862 5.4.3",
        "A solicitation by a node that looks for a tentative address "
        "does not end its use.",
        {.needs = kAddresses}) {
  Begin(b);
  b.Send(NeighborSolicitation(b.other, New()));
  ExpectInUse(b);
}
CONFORM(135, MUST, "RFC 4862 5.4.3; RFC 7527 4.2",
        "The device's own probe that comes back does not end the address's use.",
        {.needs = kAddresses}) {
  const Packet probe = Begin(b);
  if (!ndp_option::Find(probe, ndp_option::kNonce).has_value()) {
    b.NotApplicable("the device's probes have no nonce");
  }
  if (b.ok()) b.SendBytes(probe.bytes());
  ExpectInUse(b);
}
CONFORM(136, MUST, "RFC 4861 7.1.1",
        "A probe with a hop limit other than 255 does not end the "
        "address's use.",
        {.needs = kAddresses}) {
  Begin(b);
  b.Send(OtherProbe(b).Set(ipv6::kHopLimit, 254));
  ExpectInUse(b);
}
CONFORM(137, MUST, "RFC 4861 7.1.1", "A probe with a link address does not end the address's use.",
        {.needs = kAddresses}) {
  Begin(b);
  b.Send(OtherProbe(b) / Raw(ndp_option::SourceLinkAddress(b.peer.mac)));
  ExpectInUse(b);
}
CONFORM(138, MUST, "RFC 4861 7.1.2",
        "An advertisement with a hop limit other than 255 does not end "
        "the address's use.",
        {.needs = kAddresses}) {
  Begin(b);
  b.Send(Claim(b).Set(ipv6::kHopLimit, 254));
  ExpectInUse(b);
}
CONFORM(139, MUST, "RFC 4862 5.4.3; 5.4.4",
        "Probes and advertisements of another address do not end the address's use.",
        {.needs = kAddresses}) {
  Begin(b);
  b.Send(OtherProbe(b).Set(icmp6::kTarget, Ip("2001:db8::dad:2")));
  b.Send(Claim(b).Set(icmp6::kTarget, Ip("2001:db8::dad:2")));
  ExpectInUse(b);
}
CONFORM(140, MUST, "RFC 4862 5.4.3",
        "Another node's probe for an address in use is answered to all "
        "nodes, and the address stays in use.",
        {.needs = kAddresses}) {
  Begin(b);
  b.Wait(3s);
  b.Send(OtherProbe(b));
  b.Expect(Advertises(New()) && To("ff02::1") && Is(icmp6::kSolicitedFlag, 0));
  ExpectInUse(b);
}
CONFORM(141, MUST, "RFC 6980 5", "A probe behind a fragment header does not end the address's use.",
        {.needs = kAddresses}) {
  Begin(b);
  const std::vector<Layer> layers = OtherProbe(b).layers();
  b.Send(layers[0] / layers[1] / FragmentHeader(0, false) / layers[2]);
  ExpectInUse(b);
}

}  // namespace
}  // namespace moat::conform
