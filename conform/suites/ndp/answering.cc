// Solicitations: which are answered, and how.
#include "conform/suites/ndp/neighbor.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("ndp");

Match Answer(const Bench& b) { return Advertises(b.device.ip6); }
Frame Right(const Bench& b) { return NeighborSolicitation(b.peer, b.device.ip6); }

// The solicitation is not answered, and a right one is.
void IsIgnored(Bench& b, const Frame& frame) {
  b.Send(frame);
  b.ExpectNothing(Answer(b));
  b.Send(NeighborSolicitation(b.other, b.device.ip6));
  b.Expect(Answer(b) && To(b.other.ip6));
}

// From the unspecified address, as in duplicate address detection.
Frame Probe(const Bench& b, const Ip& destination) {
  return Eth(GroupMac(destination), b.peer.mac) /
         Ipv6("::", destination).Set(ipv6::kHopLimit, 255) /
         Icmp6(icmp6::kNeighborSolicitation).Set(icmp6::kTarget, b.device.ip6);
}

CONFORM(51, MUST, "RFC 4861 7.2.4", "A solicitation for the device's address is answered.") {
  b.Send(Right(b));
  b.Expect(Answer(b) && Is(icmp6::kCode, 0));
}
CONFORM(52, MUST, "RFC 4861 7.2.4", "The answer goes to the source of the solicitation.") {
  b.Send(Right(b));
  b.Expect(Answer(b) && To(b.peer.ip6) && Is(eth::kDestination, b.peer.mac));
}
CONFORM(53, MUST, "RFC 4861 4.4", "The answer comes from an address of the interface.") {
  b.Send(Right(b));
  b.Expect(Answer(b) && (From(b.device.ip6) || From(b.device.link_local)));
}
CONFORM(54, MUST, "RFC 4861 7.2.4", "The answer has the solicited flag.") {
  b.Send(Right(b));
  b.Expect(Answer(b) && Is(icmp6::kSolicitedFlag, 1));
}
CONFORM(55, SHOULD, "RFC 4861 7.2.4", "The answer for a unicast address has the override flag.") {
  b.Send(Right(b));
  b.Expect(Answer(b) && Is(icmp6::kOverrideFlag, 1));
}
CONFORM(56, MUST, "RFC 4861 7.2.4", "The answer of a host does not have the router flag.") {
  b.Send(Right(b));
  b.Expect(Answer(b) && Is(icmp6::kRouterFlag, 0));
}
CONFORM(57, MUST, "RFC 4861 7.2.4", "The answer of a router has the router flag.",
        {.needs = kForwarding6}) {
  b.SetForwarding6(true);
  b.Wait(100ms);
  b.Forget();
  b.Send(Right(b));
  b.Expect(Answer(b) && Is(icmp6::kRouterFlag, 1));
}
CONFORM(58, MUST, "RFC 4861 7.2.4",
        "The answer to a solicitation that came by multicast has the target's link address.") {
  b.Send(Right(b));
  const Packet answer = b.Expect(Answer(b));
  b.Check(ndp_option::LinkAddressOf(answer, ndp_option::kTargetLinkAddress) == b.device.mac,
          "the target link-layer address option is not there, or wrong");
}
CONFORM(59, MUST, "RFC 4861 4.4", "The answer has hop limit 255.") {
  b.Send(Right(b));
  b.Expect(Answer(b) && Is(ipv6::kHopLimit, 255));
}
CONFORM(60, MUST, "RFC 4861 4.4", "The reserved bits of the answer are 0.") {
  b.Send(Right(b));
  const Packet answer = b.Expect(Answer(b));
  b.CheckEqual(static_cast<int64_t>(answer.Get(icmp6::kRest).u64() & 0x1fffffff), 0, "reserved");
}
CONFORM(61, MUST, "RFC 4861 7.2.4", "One solicitation gets one answer.") {
  b.Send(Right(b));
  b.CheckEqual(static_cast<int64_t>(b.Collect(Answer(b), 2s).size()), 1, "number of answers");
}
CONFORM(62, MUST, "RFC 4861 7.2.4", "A solicitation that came by unicast is answered.") {
  b.Send(BareSolicitation(b) / Raw(ndp_option::SourceLinkAddress(b.peer.mac)));
  b.Expect(Answer(b) && To(b.peer.ip6));
}
CONFORM(63, MUST, "RFC 4861 7.2.4; 4.3",
        "A solicitation that came by unicast without link address is answered.") {
  b.Send(BareSolicitation(b));
  b.Expect(Answer(b) && To(b.peer.ip6) && Is(eth::kDestination, b.peer.mac));
}
CONFORM(64, MUST, "RFC 4861 7.2.3", "The answer is sent to the link address in the option.") {
  b.Send(Right(b).Set(eth::kSource, b.other.mac));
  b.Expect(Answer(b) && Is(eth::kDestination, b.peer.mac));
}
CONFORM(65, MUST, "RFC 4861 7.2.4", "The link-local address is answered for.") {
  b.Send(NeighborSolicitation(b.peer, b.device.link_local));
  b.Expect(Advertises(b.device.link_local));
}
CONFORM(66, MUST, "RFC 4861 7.2.4",
        "A solicitation from the unspecified address is answered to all nodes, with S=0.") {
  b.Send(Probe(b, SolicitedNode(b.device.ip6)));
  b.Expect(Answer(b) && To("ff02::1") && Is(icmp6::kSolicitedFlag, 0) &&
           Is(eth::kDestination, GroupMac("ff02::1")));
}
CONFORM(67, MUST, "RFC 4861 7.2.3", "A solicitation for another node's address is not answered.") {
  b.StopAnswering();
  b.Send(NeighborSolicitation(b.peer, b.router.ip6));
  b.Send(Right(b).Set(icmp6::kTarget, b.router.ip6));
  b.ExpectNothing(Advertises(b.router.ip6));
}
CONFORM(68, MUST, "RFC 4861 7.2.4; RFC 4007 9",
        "The answer leaves by the interface that was asked, with its link address.",
        {.needs = kTwoPorts}) {
  b.Send(NeighborSolicitation(b.peer1, b.device1.ip6), 1);
  const Packet answer = b.Expect(Advertises(b.device1.ip6) && OnPort(1));
  b.Check(ndp_option::LinkAddressOf(answer, ndp_option::kTargetLinkAddress) == b.device1.mac,
          "the link address is not the interface's");
}
CONFORM(69, MUST, "RFC 4861 4.3", "What is in the reserved field of a solicitation is ignored.") {
  b.Send(Right(b).Set(icmp6::kRest, 0xffffffff));
  b.Expect(Answer(b));
}
CONFORM(70, MUST, "RFC 4861 7.1.1; 9", "Unknown options of a solicitation are ignored.") {
  b.Send(Right(b) / Raw(Join({ndp_option::Any(200, Bytes(14)), ndp_option::Any(253, Bytes(6))})));
  b.Expect(Answer(b) && Is(eth::kDestination, b.peer.mac));
}
CONFORM(71, MUST, "RFC 4861 7.1.1", "Options that have no place in a solicitation are ignored.") {
  b.Send(BareSolicitation(b) /
         Raw(Join({ndp_option::TargetLinkAddress(b.other.mac),
                   ndp_option::SourceLinkAddress(b.peer.mac), ndp_option::Mtu(1400)})));
  b.Expect(Answer(b) && Is(eth::kDestination, b.peer.mac));
}

// --- Invalid solicitations (7.1.1) ---------------------------------------------------------------

CONFORM(72, MUST, "RFC 4861 7.1.1",
        "A solicitation with a hop limit other than 255 is discarded.") {
  for (const int limit : {0, 1, 64, 254}) IsIgnored(b, Right(b).Set(ipv6::kHopLimit, limit));
}
CONFORM(73, MUST, "RFC 4861 7.1.1", "A solicitation with a wrong checksum is discarded.") {
  IsIgnored(b, Right(b).Set(icmp6::kChecksum, 0x1234));
}
CONFORM(74, MUST, "RFC 4861 7.1.1", "A solicitation with a code other than 0 is discarded.") {
  for (const int code : {1, 255}) IsIgnored(b, Right(b).Set(icmp6::kCode, code));
}
CONFORM(75, MUST, "RFC 4861 7.1.1", "A solicitation of less than 24 bytes is discarded.") {
  for (const size_t size : {size_t{8}, size_t{16}, size_t{23}}) {
    IsIgnored(b, Shortened(BareSolicitation(b), size));
  }
}
CONFORM(76, MUST, "RFC 4861 7.1.1", "A solicitation for a multicast address is discarded.") {
  b.Send(BareSolicitation(b).Set(icmp6::kTarget, Ip("ff02::1")));
  b.ExpectNothing(Is(icmp6::kType, icmp6::kNeighborAdvertisement));
  b.Send(Right(b));
  b.Expect(Answer(b));
}
CONFORM(77, MUST, "RFC 4861 7.1.1", "A solicitation with an option of length 0 is discarded.") {
  Bytes option = ndp_option::SourceLinkAddress(b.peer.mac);
  option[1] = 0;
  IsIgnored(b, BareSolicitation(b) / Raw(option));
  IsIgnored(b, Right(b) / Raw(Bytes{200, 0, 0, 0, 0, 0, 0, 0}));
}
CONFORM(78, MUST, "RFC 4861 7.1.1",
        "A solicitation from the unspecified address to another than a "
        "solicited-node group is discarded.") {
  b.Send(Probe(b, "ff02::1"));
  b.Send(Probe(b, b.device.ip6).Set(eth::kDestination, b.device.mac));
  b.ExpectNothing(Answer(b));
  b.Send(Probe(b, SolicitedNode(b.device.ip6)));
  b.Expect(Answer(b));
}
CONFORM(79, MUST, "RFC 4861 7.1.1",
        "A solicitation from the unspecified address with a link address is discarded.") {
  IsIgnored(b,
            Probe(b, SolicitedNode(b.device.ip6)) / Raw(ndp_option::SourceLinkAddress(b.peer.mac)));
}
CONFORM(80, MUST, "RFC 4861 6.1.1; 6.2.6", "A host does not answer router solicitations.") {
  b.Send(Ip6ToGroup(b.peer, "ff02::2").Set(ipv6::kHopLimit, 255) /
         Icmp6(icmp6::kRouterSolicitation));
  b.Send(Ip6ToGroup(b.peer, "ff02::1").Set(ipv6::kHopLimit, 255) /
         Icmp6(icmp6::kRouterSolicitation));
  b.ExpectNothing(Is(icmp6::kType, icmp6::kRouterAdvertisement), 1s);
  b.Send(Right(b));
  b.Expect(Answer(b));
}

// --- Invalid advertisements (7.1.2) --------------------------------------------------------------

// The advertisement does not end the resolution; a right one does.
void IsNotBelieved(Bench& b, const Frame& frame) {
  MakeIncomplete(b);
  b.Send(frame);
  b.ExpectNothing(EchoRequest6(), 300ms);
  b.Send(Advertisement(b, true, true, b.peer.mac));
  b.Expect(EchoTo(b.peer.mac));
}

CONFORM(81, MUST, "RFC 4861 7.1.2",
        "An advertisement with a hop limit other than 255 is discarded.", {.needs = kPing}) {
  IsNotBelieved(b, Advertisement(b, true, true, b.peer.mac).Set(ipv6::kHopLimit, 254));
}
CONFORM(82, MUST, "RFC 4861 7.1.2", "An advertisement with a wrong checksum is discarded.",
        {.needs = kPing}) {
  IsNotBelieved(b, Advertisement(b, true, true, b.peer.mac).Set(icmp6::kChecksum, 0x1234));
}
CONFORM(83, MUST, "RFC 4861 7.1.2", "An advertisement with a code other than 0 is discarded.",
        {.needs = kPing}) {
  IsNotBelieved(b, Advertisement(b, true, true, b.peer.mac).Set(icmp6::kCode, 1));
}
CONFORM(84, MUST, "RFC 4861 7.1.2", "An advertisement for a multicast address is discarded.",
        {.needs = kPing}) {
  IsNotBelieved(b, Advertisement(b, true, true, b.peer.mac).Set(icmp6::kTarget, Ip("ff02::2")));
}
CONFORM(85, MUST, "RFC 4861 7.1.2",
        "An advertisement to a group with the solicited flag is discarded.", {.needs = kPing}) {
  IsNotBelieved(b, Advertisement(b, true, true, b.peer.mac)
                       .Set(ipv6::kDestination, Ip("ff02::1"))
                       .Set(eth::kDestination, GroupMac("ff02::1")));
}
CONFORM(86, MUST, "RFC 4861 7.1.2", "An advertisement with an option of length 0 is discarded.",
        {.needs = kPing}) {
  IsNotBelieved(b, Advertisement(b, true, true, b.peer.mac) / Raw(Bytes{200, 0, 0, 0, 0, 0, 0, 0}));
}
CONFORM(87, MUST, "RFC 4861 7.1.2; 9", "Unknown options of an advertisement are ignored.",
        {.needs = kPing}) {
  MakeIncomplete(b);
  b.Send(BareAdvertisement(b, true, true) /
         Raw(Join({ndp_option::Any(200, Bytes(14)), ndp_option::TargetLinkAddress(b.peer.mac)})));
  b.Expect(EchoTo(b.peer.mac));
}
CONFORM(88, MUST, "RFC 4861 4.4", "What is in the reserved bits of an advertisement is ignored.",
        {.needs = kPing}) {
  MakeIncomplete(b);
  b.Send(Advertisement(b, true, true, b.peer.mac).Set(icmp6::kRest, 0x7fffffff));
  b.Expect(EchoTo(b.peer.mac));
}
CONFORM(89, MUST, "RFC 4861 7.2.5",
        "An advertisement for another target does not end a resolution.", {.needs = kPing}) {
  IsNotBelieved(b, Advertisement(b, true, true, b.peer.mac).Set(icmp6::kTarget, b.other.ip6));
}

// --- Fragments (RFC 6980) ------------------------------------------------------------------------

// The frame's message behind a fragment header.
Frame InFragment(const Frame& frame) {
  Frame out = frame.layers()[0] / frame.layers()[1] / FragmentHeader(0, false);
  for (size_t i = 2; i < frame.layers().size(); ++i) out = out / frame.layers()[i];
  return out;
}

CONFORM(90, MUST, "RFC 6980 5", "A solicitation in fragments is ignored.") {
  b.SendAll(FragmentIpv6(Right(b), {24}));
  b.ExpectNothing(Answer(b));
  b.Send(Right(b));
  b.Expect(Answer(b));
}
CONFORM(91, MUST, "RFC 6980 5",
        "A solicitation behind a fragment header, though whole, is ignored.") {
  IsIgnored(b, InFragment(Right(b)));
}
CONFORM(92, MUST, "RFC 6980 5", "An advertisement behind a fragment header is ignored.",
        {.needs = kPing}) {
  IsNotBelieved(b, InFragment(Advertisement(b, true, true, b.peer.mac)));
}

}  // namespace
}  // namespace moat::conform
