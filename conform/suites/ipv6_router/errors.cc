// What a router tells the sender: RFC 4443, RFC 8200 5.
#include "conform/suites/ipv6_router/router.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("ipv6-router");

Match TooBig() { return Icmp6Error(icmp6::kPacketTooBig, 0); }
Match Expired() { return Icmp6Error(icmp6::kTimeExceeded, 0); }
Frame Dying(const Bench& b) { return Datagram(b).Set(ipv6::kHopLimit, 1); }
Match AnyError() { return AtMost(icmp6::kType, 127) && AtLeast(icmp6::kType, 1); }

// What is quoted are the sent packet's first bytes; the hop limit may be the one behind the
// decrement.
void QuotesWell(Bench& b, const Packet& error, const Frame& sent) {
  if (!b.ok()) return;
  Bytes quoted = error.Payload();
  Bytes wanted = IpBytes(sent);
  b.Check(quoted.size() >= 40, "less than a header is quoted");
  if (!b.ok()) return;
  const size_t most = 1280 - 48;
  b.Check(quoted.size() >= std::min(wanted.size(), most - 8), "less is quoted than would fit");
  wanted.resize(std::min(wanted.size(), quoted.size()));
  quoted.resize(wanted.size());
  quoted[7] = wanted[7];
  b.Check(quoted == wanted, "other bytes than the packet's are quoted");
}

// --- Packet too big ------------------------------------------------------------------------------

CONFORM(96, MUST, "RFC 4443 3.2",
        "A packet longer than the next link's MTU is told as too big, with that MTU.",
        kForwardsMtu) {
  b.SetMtu(1400, 1);
  BeRouter(b);
  b.Send(Datagram(b, 1401 - 48));
  b.Expect(TooBig() && Is(icmp6::kMtu, 1400) && To(b.peer.ip6));
}
CONFORM(97, MUST, "RFC 8200 5; 4.5", "A packet that is too long is not cut by the router.",
        kForwardsMtu) {
  b.SetMtu(1400, 1);
  IsNotForwarded(b, Datagram(b, 1401 - 48));
}
CONFORM(98, MUST, "RFC 4443 3.2", "A packet as long as the next link's MTU is forwarded.",
        kForwardsMtu) {
  b.SetMtu(1400, 1);
  IsForwarded(b, Datagram(b, 1400 - 48));
}
CONFORM(99, MUST, "RFC 8200 5; RFC 4443 3.2",
        "The smallest MTU is 1280: a byte more is told as too big.", kForwardsMtu) {
  b.SetMtu(1280, 1);
  BeRouter(b);
  b.Send(Datagram(b, 1281 - 48));
  b.Expect(TooBig() && Is(icmp6::kMtu, 1280));
  Passes(b, Datagram(b, 1280 - 48));
}
CONFORM(100, MUST, "RFC 4443 3.2; 2.4 c",
        "Packet too big quotes the packet, as much as fits into 1280 bytes.", kForwardsMtu) {
  b.SetMtu(1300, 1);
  BeRouter(b);
  const Frame sent = Datagram(b, 1400);
  b.Send(sent);
  const Packet error = b.Expect(TooBig());
  QuotesWell(b, error, sent);
  b.Check(error.From(Kind::kIpv6).size() <= 1280, "the error has more than 1280 bytes");
}
CONFORM(101, MUST, "RFC 4443 3.2",
        "A fragment that is too long is told as too big, and not cut again.", kForwardsMtu) {
  b.SetMtu(1300, 1);
  BeRouter(b);
  b.Send(Through(b) / FragmentHeader(0, true) / Udp(4000, 5000) / Raw(1344 - 8));
  b.Expect(TooBig() && Is(icmp6::kMtu, 1300));
  b.ExpectNothing(OnPort(1) && Has(Kind::kFragment));
}
CONFORM(102, MUST, "RFC 4443 3.2; RFC 8201 3",
        "The MTU of a link that is changed while running counts at once.", kForwardsMtu) {
  BeRouter(b);
  Passes(b, Datagram(b, 1400));
  b.SetMtu(1300, 1);
  b.Wait(100ms);
  b.Send(Datagram(b, 1400));
  b.Expect(TooBig() && Is(icmp6::kMtu, 1300));
}
CONFORM(103, MUST, "RFC 4443 2.4 (e.1)", "No error is told about an error that is too big.",
        kForwardsMtu) {
  b.SetMtu(1300, 1);
  BeRouter(b);
  b.Send(Through(b) / Icmp6(icmp6::kUnreachable, icmp6::kPort) / Raw(1400));
  b.ExpectNothing(TooBig());
  b.Send(Datagram(b, 1400));
  b.Expect(TooBig());
}

// --- Time exceeded -------------------------------------------------------------------------------

CONFORM(104, MUST, "RFC 4443 3.3", "A packet whose hop limit is used up is told, with code 0.",
        kForwards) {
  BeRouter(b);
  b.Send(Dying(b));
  b.Expect(Expired() && To(b.peer.ip6));
}
CONFORM(105, MUST, "RFC 4443 3.3", "A packet that arrives with hop limit 0 is told as well.",
        kForwards) {
  BeRouter(b);
  b.Send(Datagram(b).Set(ipv6::kHopLimit, 0));
  b.Expect(Expired() && To(b.peer.ip6));
}
CONFORM(106, MUST, "RFC 4443 3.3", "The unused field is 0.", kForwards) {
  BeRouter(b);
  b.Send(Dying(b));
  b.Expect(Expired() && Is(icmp6::kRest, 0));
}
CONFORM(107, MUST, "RFC 4443 3.3; 2.4 c", "The packet is quoted, all of it when it is small.",
        kForwards) {
  BeRouter(b);
  const Frame sent = Dying(b);
  b.Send(sent);
  QuotesWell(b, b.Expect(Expired()), sent);
}
CONFORM(108, MUST, "RFC 4443 2.2", "The error comes from an address of the router.", kForwards) {
  BeRouter(b);
  b.Send(Dying(b));
  b.Expect(Expired() && (From(b.device.ip6) || From(b.device1.ip6) || From(b.device.link_local)));
}
CONFORM(109, MUST, "RFC 4443 3.3",
        "An echo request whose hop limit is used up is told: so is a path traced.", kForwards) {
  BeRouter(b);
  b.Send((Through(b) / EchoRequest6(7, 1) / Raw(20)).Set(ipv6::kHopLimit, 1));
  b.Expect(Expired());
}
CONFORM(110, MUST, "RFC 4443 3.3; RFC 8200 4",
        "The hop limit counts before the destination's headers.", kForwards) {
  BeRouter(b);
  b.Send((Through(b) / DestinationOptions(ip6_option::Unknown(0x9e)) / Udp(1, 2))
             .Set(ipv6::kHopLimit, 1));
  b.Expect(Expired());
}
CONFORM(111, MUST, "RFC 4443 2.4 (c)", "An error is at most 1280 bytes long.", kForwards) {
  BeRouter(b);
  b.Send(Datagram(b, 1400).Set(ipv6::kHopLimit, 1));
  const Packet error = b.Expect(Expired());
  b.Check(error.From(Kind::kIpv6).size() <= 1280, "it has more than 1280 bytes");
}

// --- Destination unreachable ---------------------------------------------------------------------

CONFORM(112, SHOULD, "RFC 4443 3.1", "Without a route the sender is told: code 0.",
        kForwardsNoDefault) {
  BeRouter(b);
  b.Send(DatagramTo(b, "2001:db8:77::9"));
  b.Expect(Icmp6Error(icmp6::kUnreachable, icmp6::kNoRoute) && To(b.peer.ip6));
}
CONFORM(113, MUST, "RFC 4443 3.1", "Without a route the packet is not forwarded.",
        kForwardsNoDefault) {
  IsNotForwarded(b, DatagramTo(b, "2001:db8:77::9"));
}
CONFORM(114, SHOULD, "RFC 4443 3.1; RFC 4861 7.2.2",
        "When the next hop does not answer, the sender is told: code 3.", kForwards) {
  BeRouter(b);
  b.Send(DatagramTo(b, "2001:db8:1::77"));
  b.Expect(Icmp6Error(icmp6::kUnreachable, icmp6::kAddress) && To(b.peer.ip6), 6s);
}
CONFORM(115, SHOULD, "RFC 4443 3.1; RFC 4861 7.2.2", "Every sender whose packet waited is told.",
        kForwards) {
  BeRouter(b);
  b.Send(DatagramTo(b, "2001:db8:1::77"));
  b.Send(DatagramTo(b, "2001:db8:1::77")
             .Set(ipv6::kSource, b.other.ip6)
             .Set(eth::kSource, b.other.mac));
  b.Wait(5s);
  b.Expect(Icmp6Error(icmp6::kUnreachable, icmp6::kAddress) && To(b.other.ip6));
}
CONFORM(116, MUST, "RFC 4443 3.1", "The unused field of destination unreachable is 0.",
        kForwardsNoDefault) {
  BeRouter(b);
  b.Send(DatagramTo(b, "2001:db8:77::9"));
  b.Expect(Icmp6Error(icmp6::kUnreachable, icmp6::kNoRoute) && Is(icmp6::kRest, 0));
}
CONFORM(117, SHOULD, "RFC 4443 3.1; RFC 4291 2.5.6",
        "A packet beyond the scope of its source is told: code 2.", kForwards) {
  BeRouter(b);
  b.Send(Datagram(b).Set(ipv6::kSource, b.peer.link_local));
  b.Expect(Icmp6Error(icmp6::kUnreachable, icmp6::kBeyondScope) && To(b.peer.link_local));
}
CONFORM(118, MUST, "RFC 4443 3.1; 2.4 c", "Destination unreachable quotes the packet.",
        kForwardsNoDefault) {
  BeRouter(b);
  const Frame sent = DatagramTo(b, "2001:db8:77::9", 300);
  b.Send(sent);
  QuotesWell(b, b.Expect(Icmp6Error(icmp6::kUnreachable, icmp6::kNoRoute)), sent);
}

// --- When no error is sent -----------------------------------------------------------------------

// About this packet nothing is told; about an ordinary one that dies it is.
void IsNotTold(Bench& b, const Frame& frame) {
  BeRouter(b);
  b.Send(frame);
  b.ExpectNothing(AnyError());
  b.Send(Dying(b));
  b.Expect(Expired());
}

CONFORM(119, MUST, "RFC 4443 2.4 (e.1)", "No error is sent about an error.", kForwards) {
  IsNotTold(b, (Through(b) / Icmp6(icmp6::kTimeExceeded) / Raw(60)).Set(ipv6::kHopLimit, 1));
}
CONFORM(120, MUST, "RFC 4443 2.4 (e.1)", "No error is sent about an error of an unknown type.",
        kForwards) {
  IsNotTold(b, (Through(b) / Icmp6(100) / Raw(60)).Set(ipv6::kHopLimit, 1));
}
CONFORM(121, MUST, "RFC 4443 2.4 (e.2)", "No error is sent about a redirect.", kForwards) {
  IsNotTold(b, (Through(b) / Icmp6(icmp6::kRedirect) / Raw(60)).Set(ipv6::kHopLimit, 1));
}
CONFORM(122, MUST, "RFC 4443 2.4 (e.3)", "No error is sent about a packet to a group.", kForwards) {
  IsNotTold(b, DatagramTo(b, "ff0e::77")
                   .Set(eth::kDestination, GroupMac("ff0e::77"))
                   .Set(ipv6::kHopLimit, 1));
}
CONFORM(123, MUST, "RFC 4443 2.4 (e.4)", "No error is sent about a packet in a frame to a group.",
        kForwards) {
  IsNotTold(b, Dying(b).Set(eth::kDestination, GroupMac("ff02::1")));
}
CONFORM(124, MUST, "RFC 4443 2.4 (e.5)", "No error is sent about a packet in a frame to everybody.",
        kForwards) {
  IsNotTold(b, Dying(b).Set(eth::kDestination, Mac::Broadcast()));
}
CONFORM(125, MUST, "RFC 4443 2.4 (e.6)", "No error is sent to the unspecified address.",
        kForwards) {
  IsNotTold(b, Dying(b).Set(ipv6::kSource, Ip("::")));
}
CONFORM(126, MUST, "RFC 4443 2.4 (e.6)", "No error is sent to a group.", kForwards) {
  IsNotTold(b, Dying(b).Set(ipv6::kSource, Ip("ff0e::77")));
}
CONFORM(127, MUST, "RFC 4443 2.4 (f)", "The rate of errors is limited.", kForwards) {
  BeRouter(b);
  b.Send(Dying(b));
  b.Expect(Expired());
  for (int i = 0; i < 300; ++i) b.Send(Dying(b));
  b.CheckBetween(static_cast<double>(b.Collect(Expired(), 500ms).size()), 0, 200,
                 "errors for 300 packets");
}
CONFORM(128, MUST, "RFC 4443 2.4 (f)", "Packets are forwarded while errors are limited.",
        kForwards) {
  BeRouter(b);
  for (int i = 0; i < 300; ++i) b.Send(Dying(b));
  b.Wait(100ms);
  Passes(b, Datagram(b));
}

}  // namespace
}  // namespace moat::conform
