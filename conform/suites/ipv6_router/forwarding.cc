// What is passed on, where, and unchanged but for the hop limit: RFC 8200 3, RFC 4291, RFC
// 4861 5.2.
#include "conform/suites/ipv6_router/router.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("ipv6-router");

// --- The header ----------------------------------------------------------------------------------

CONFORM(1, MUST, "RFC 8200 3",
        "A packet for another link is forwarded, with a hop limit that is one less.", kForwards) {
  IsForwarded(b, Datagram(b));
}
CONFORM(2, MUST, "RFC 8200 3", "The hop limit is decremented by 1, from 255 as well.", kForwards) {
  IsForwarded(b, Datagram(b).Set(ipv6::kHopLimit, 255));
}
CONFORM(3, MUST, "RFC 8200 3", "A packet with hop limit 2 is forwarded with 1.", kForwards) {
  IsForwarded(b, Datagram(b).Set(ipv6::kHopLimit, 2));
}
CONFORM(4, MUST, "RFC 8200 3", "A packet with hop limit 1 is not forwarded.", kForwards) {
  IsNotForwarded(b, Datagram(b).Set(ipv6::kHopLimit, 1));
}
CONFORM(5, MUST, "RFC 8200 3", "A packet that arrives with hop limit 0 is not forwarded.",
        kForwards) {
  IsNotForwarded(b, Datagram(b).Set(ipv6::kHopLimit, 0));
}
CONFORM(6, MUST, "RFC 8200 3", "A packet with hop limit 1 for the router itself is taken.",
        kForwards) {
  BeRouter(b);
  b.Send(Ping6(b.peer, b.device).Set(ipv6::kHopLimit, 1));
  b.Expect(EchoReply6());
}
CONFORM(7, MUST, "RFC 8200 3",
        "A packet with hop limit 1 for the router's address on the other link is taken.",
        kForwards) {
  BeRouter(b);
  b.Send(Ping6(b.peer, b.device).Set(ipv6::kDestination, b.device1.ip6).Set(ipv6::kHopLimit, 1));
  b.Expect(EchoReply6() && From(b.device1.ip6));
}
CONFORM(8, MUST, "RFC 6437 3", "A flow label that is not 0 is not changed.", kForwards) {
  IsForwarded(b, Datagram(b).Set(ipv6::kFlowLabel, 0xabcde));
}
CONFORM(9, SHOULD, "RFC 2474 3; RFC 8200 7",
        "A code point that the router does not know is not changed.", kForwards) {
  IsForwarded(b, Datagram(b).Set(ipv6::kTrafficClass, 0x2b << 2));
}
CONFORM(10, MUST, "RFC 3168 5",
        "That a sender is capable of ECN is not changed where there is no congestion.", kForwards) {
  BeRouter(b);
  for (const int ecn : {1, 2}) Passes(b, Datagram(b).Set(ipv6::kTrafficClass, ecn));
}
CONFORM(11, MUST, "RFC 3168 5", "The mark of congestion is not taken away.", kForwards) {
  IsForwarded(b, Datagram(b).Set(ipv6::kTrafficClass, 3));
}
CONFORM(12, MUST, "RFC 8200 3", "Neither address is changed.", kForwards) {
  BeRouter(b);
  b.Send(Datagram(b));
  b.Expect(OnPort(1) && UdpTo(5000) && From(b.peer.ip6) && To(b.peer1.ip6));
}
CONFORM(13, MUST, "RFC 8200 3", "A packet without payload is forwarded.", kForwards) {
  IsForwarded(b, Through(b).Set(ipv6::kNextHeader, proto::kNone));
}
CONFORM(14, MUST, "RFC 8200 3", "What a frame has behind the packet is not forwarded.", kForwards) {
  BeRouter(b);
  const Frame sent = Datagram(b, 4);
  Bytes frame = sent.Build();
  frame.resize(frame.size() + 10, 0xee);
  b.SendBytes(frame);
  b.Check(!b.Poll(IsPassedOn(sent)).empty(), "the packet was not passed on as it was");
}
CONFORM(15, MUST, "RFC 8200 3",
        "A packet whose payload length is more than the frame has is not forwarded.", kForwards) {
  IsNotForwarded(b, Datagram(b).Set(ipv6::kPayloadLength, 200));
}
CONFORM(16, MUST, "RFC 8200 3", "A packet of another version than 6 is not forwarded.", kForwards) {
  IsNotForwarded(b, Datagram(b).Set(ipv6::kVersion, 5));
}
CONFORM(17, MUST, "RFC 8200 3", "A packet of less than 40 bytes is not forwarded.", kForwards) {
  BeRouter(b);
  Bytes frame = Through(b).Build();
  frame.resize(14 + 39);
  b.SendBytes(frame);
  b.ExpectNothing(AnythingOfThePeer());
  Passes(b, Datagram(b));
}
CONFORM(18, MUST, "RFC 8200 5", "A packet of the link's whole MTU is forwarded.", kForwards) {
  IsForwarded(b, Datagram(b, 1500 - 48));
}
CONFORM(19, MUST, "RFC 8200 5", "A packet of 1280 bytes is forwarded.", kForwards) {
  IsForwarded(b, Datagram(b, 1280 - 48));
}

// --- The payload is not the router's -------------------------------------------------------------

CONFORM(20, MUST, "RFC 8200 4", "A payload of an unknown protocol is forwarded.", kForwards) {
  IsForwarded(b, Through(b).Set(ipv6::kNextHeader, 253) / Raw(50));
}
CONFORM(21, MUST, "RFC 8200 4.7",
        "What follows a header that says that nothing does is forwarded unchanged.", kForwards) {
  IsForwarded(b, Through(b).Set(ipv6::kNextHeader, proto::kNone) / Raw(24));
}
CONFORM(22, MUST, "RFC 8200 4; 8.1",
        "A UDP datagram with a wrong checksum is the destination's business.", kForwards) {
  IsForwarded(b, Datagram(b).Set(udp::kChecksum, 0x1234));
}
CONFORM(23, MUST, "RFC 8200 4; 8.1", "A UDP datagram without checksum is forwarded.", kForwards) {
  IsForwarded(b, Datagram(b).Set(udp::kChecksum, 0));
}
CONFORM(24, MUST, "RFC 8200 4", "A TCP segment is forwarded.", kForwards) {
  IsForwarded(b, Through(b) / Tcp(4000, 5000, tcp::kSyn, 1) / Raw(0));
}
CONFORM(25, MUST, "RFC 8200 4", "A TCP segment with a wrong checksum is forwarded.", kForwards) {
  IsForwarded(b, Through(b) / Tcp(4000, 5000, tcp::kSyn, 1).Set(tcp::kChecksum, 0x1234));
}
CONFORM(26, MUST, "RFC 8200 4", "An echo request is forwarded.", kForwards) {
  IsForwarded(b, Through(b) / EchoRequest6(7, 1) / Raw(50));
}
CONFORM(27, MUST, "RFC 8200 4", "An echo request with a wrong checksum is forwarded.", kForwards) {
  IsForwarded(b, Through(b) / EchoRequest6(7, 1).Set(icmp6::kChecksum, 0x1234) / Raw(50));
}
CONFORM(28, MUST, "RFC 8200 4", "An ICMPv6 error is forwarded.", kForwards) {
  IsForwarded(b, Through(b) / Icmp6(icmp6::kUnreachable, icmp6::kPort) / Raw(60));
}
CONFORM(29, MUST, "RFC 8200 4", "An ICMPv6 message of an unknown type is forwarded.", kForwards) {
  IsForwarded(b, Through(b) / Icmp6(200) / Raw(20));
}
CONFORM(30, MUST, "RFC 8200 4", "A tunnelled packet is forwarded.", kForwards) {
  IsForwarded(b, Through(b) / Ipv6("2001:db8:a::1", "2001:db8:b::1") / Udp(1, 2) / Raw(10));
}
CONFORM(31, MUST, "RFC 8200 4; RFC 4303", "An encrypted payload is forwarded.", kForwards) {
  IsForwarded(b, Through(b).Set(ipv6::kNextHeader, 50) / Raw(64));
}
CONFORM(32, MUST, "RFC 8200 4; RFC 4302", "A packet with an authentication header is forwarded.",
        kForwards) {
  IsForwarded(b, Through(b).Set(ipv6::kNextHeader, 51) /
                     Raw(Join({{proto::kUdp, 4, 0, 0}, Bytes(20, 7), Pattern(20)})));
}

// --- Where to ------------------------------------------------------------------------------------

CONFORM(33, MUST, "RFC 8200 2", "A node that is no router does not forward.", {.needs = kRouter}) {
  b.Send(Datagram(b));
  b.ExpectNothing(AnythingOfThePeer());
  BeRouter(b);
  Passes(b, Datagram(b));
}
CONFORM(34, MUST, "RFC 8200 2", "Who ceases to be a router ceases to forward.", kForwards) {
  BeRouter(b);
  Passes(b, Datagram(b));
  b.SetForwarding6(false);
  b.Wait(200ms);
  b.Send(Datagram(b, 30));
  b.ExpectNothing(AnythingOfThePeer());
  b.Send(Ping6(b.peer, b.device));
  b.Expect(EchoReply6());
}
CONFORM(35, MUST, "RFC 8200 2", "Packets are forwarded in the other direction as well.",
        kForwards) {
  BeRouter(b);
  Passes(b, Eth(b.device1.mac, b.peer1.mac) / Ipv6(b.peer1.ip6, b.peer.ip6) / Udp(1, 2) / Raw(20),
         0);
}
CONFORM(36, MUST, "RFC 4861 5.2; RFC 2464 3",
        "The frame goes from the router's link address to the next hop's.", kForwards) {
  BeRouter(b);
  b.Send(Datagram(b));
  b.Expect(OnPort(1) && UdpTo(5000) && Is(eth::kSource, b.device1.mac) &&
           Is(eth::kDestination, b.peer1.mac) && Is(eth::kType, eth::kTypeIpv6));
}
CONFORM(37, MUST, "RFC 4861 5.2", "The next hop is asked for on the link that it is on.",
        kForwards) {
  BeRouter(b);
  b.Send(Datagram(b));
  b.Expect(NeighborSolicitationFor(b.peer1.ip6) && OnPort(1));
}
CONFORM(38, MUST, "RFC 4861 7.2.2",
        "The packet that waits for an answer is forwarded when it comes.", kForwards) {
  BeRouter(b);
  b.StopAnswering(b.peer1);
  const Frame sent = Datagram(b);
  b.Send(sent);
  b.Expect(NeighborSolicitationFor(b.peer1.ip6) && OnPort(1));
  b.ExpectNothing(OnPort(1) && UdpTo(5000), 300ms);
  b.StartAnswering(b.peer1);
  b.Expect(IsPassedOn(sent), 3s);
}
CONFORM(39, MUST, "RFC 4861 5.2; 7.2.2", "Later packets are forwarded without asking again.",
        kForwards) {
  BeRouter(b);
  Passes(b, Datagram(b));
  b.Forget();
  Passes(b, Datagram(b, 30));
  b.ExpectNothing(NeighborSolicitationFor(b.peer1.ip6) && To(SolicitedNode(b.peer1.ip6)));
}
CONFORM(40, MUST, "RFC 4861 5.2", "Behind a gateway the frame goes to the gateway.",
        kForwardsRoutes) {
  b.AddRoute({"2001:db8:77::", 48}, b.router1.ip6, 1);
  BeRouter(b);
  b.Send(DatagramTo(b, "2001:db8:77::9"));
  b.Expect(OnPort(1) && To("2001:db8:77::9") && Is(eth::kDestination, b.router1.mac));
}
CONFORM(41, MUST, "RFC 4861 5.2; 7.2.2",
        "Behind a gateway the gateway is asked for, not the destination.", kForwardsRoutes) {
  b.AddRoute({"2001:db8:77::", 48}, b.router1.ip6, 1);
  BeRouter(b);
  b.Send(DatagramTo(b, "2001:db8:77::9"));
  b.Expect(NeighborSolicitationFor(b.router1.ip6) && OnPort(1));
}
CONFORM(42, MUST, "RFC 4861 5.2", "A gateway may be named by its link-local address.",
        kForwardsRoutes) {
  b.AddRoute({"2001:db8:77::", 48}, b.router1.link_local, 1);
  BeRouter(b);
  b.Send(DatagramTo(b, "2001:db8:77::9"));
  b.Expect(OnPort(1) && To("2001:db8:77::9") && Is(eth::kDestination, b.router1.mac));
}
CONFORM(43, MUST, "RFC 4861 5.2; RFC 1812 5.2.4.3",
        "Of two routes the one with the longer prefix counts.", kForwardsRoutes) {
  b.AddRoute({"2001:db8:77::", 48}, b.router1.ip6, 1);
  b.AddRoute({"2001:db8:77:1::", 64}, b.other1.ip6, 1);
  BeRouter(b);
  b.Send(DatagramTo(b, "2001:db8:77:1::9"));
  b.Expect(OnPort(1) && To("2001:db8:77:1::9") && Is(eth::kDestination, b.other1.mac));
  b.Send(DatagramTo(b, "2001:db8:77:2::9"));
  b.Expect(OnPort(1) && To("2001:db8:77:2::9") && Is(eth::kDestination, b.router1.mac));
}
CONFORM(44, MUST, "RFC 4861 5.2; RFC 4291 2.3", "A route may have any length, as 61 bits.",
        kForwardsRoutes) {
  b.AddRoute({"2001:db8:77:8::", 61}, b.router1.ip6, 1);
  BeRouter(b);
  b.Send(DatagramTo(b, "2001:db8:77:f::9"));
  b.Expect(OnPort(1) && To("2001:db8:77:f::9"));
  b.Send(DatagramTo(b, "2001:db8:77:10::9"));
  b.ExpectNothing(OnPort(1) && To("2001:db8:77:10::9"));
}
CONFORM(45, MUST, "RFC 4861 5.2", "A route for one address counts before its link's prefix.",
        kForwardsRoutes) {
  b.AddRoute({b.peer1.ip6, 128}, b.other1.ip6, 1);
  BeRouter(b);
  b.Send(Datagram(b));
  b.Expect(OnPort(1) && To(b.peer1.ip6) && UdpTo(5000) && Is(eth::kDestination, b.other1.mac));
}
CONFORM(46, MUST, "RFC 4861 5.2", "Without a more specific route the default route counts.",
        kForwards) {
  BeRouter(b);
  const Frame sent =
      Eth(b.device1.mac, b.peer1.mac) / Ipv6(b.peer1.ip6, b.remote.ip6) / Udp(1, 2) / Raw(9);
  b.Send(sent, 1);
  b.Expect(IsPassedOn(sent, 0) && Is(eth::kDestination, b.router.mac));
}
CONFORM(47, MUST, "RFC 4861 5.2", "A new route counts for the next packet.", kForwardsRoutes) {
  b.AddRoute({"2001:db8:77::", 48}, b.router1.ip6, 1);
  BeRouter(b);
  b.Send(DatagramTo(b, "2001:db8:77::9"));
  b.Expect(OnPort(1) && To("2001:db8:77::9") && Is(eth::kDestination, b.router1.mac));
  b.AddRoute({"2001:db8:77::9", 128}, b.other1.ip6, 1);
  b.Send(DatagramTo(b, "2001:db8:77::9"));
  b.Expect(OnPort(1) && To("2001:db8:77::9") && Is(eth::kDestination, b.other1.mac));
}
CONFORM(48, MUST, "RFC 4861 5.2", "A route that is removed does not count any more.",
        kForwardsRoutes) {
  b.AddRoute({"2001:db8:77::", 48}, b.router1.ip6, 1);
  b.AddRoute({"2001:db8:77:1::", 64}, b.other1.ip6, 1);
  BeRouter(b);
  b.RemoveRoute({"2001:db8:77:1::", 64}, b.other1.ip6, 1);
  b.Send(DatagramTo(b, "2001:db8:77:1::9"));
  b.Expect(OnPort(1) && To("2001:db8:77:1::9") && Is(eth::kDestination, b.router1.mac));
}
CONFORM(49, MUST, "RFC 4861 5.2", "Of two equal routes the one with the smaller metric counts.",
        kForwardsRoutes) {
  b.AddRoute({"2001:db8:77::", 48}, b.router1.ip6, 1, 200);
  b.AddRoute({"2001:db8:77::", 48}, b.other1.ip6, 1, 100);
  BeRouter(b);
  b.Send(DatagramTo(b, "2001:db8:77::9"));
  b.Expect(OnPort(1) && To("2001:db8:77::9") && Is(eth::kDestination, b.other1.mac));
}
CONFORM(50, MUST, "RFC 8200 3", "Packets for the router itself are not forwarded.", kForwards) {
  BeRouter(b);
  b.Send(Ping6(b.peer, b.device).Set(ipv6::kDestination, b.device1.ip6));
  b.Expect(EchoReply6() && OnPort(0) && From(b.device1.ip6));
  b.ExpectNothing(OnPort(1) && Has(Kind::kIcmp6) && To(b.device1.ip6));
}
CONFORM(51, MUST, "RFC 8200 3",
        "Packets go back out of the link that they came from where the route leads.", kForwards) {
  BeRouter(b);
  b.Send(Eth(b.device.mac, b.peer.mac) / Ipv6(b.peer.ip6, b.other.ip6) / Udp(1, 2) / Raw(9));
  b.Expect(OnPort(0) && To(b.other.ip6) && Is(udp::kDestinationPort, 2) &&
           Is(eth::kDestination, b.other.mac) && Is(ipv6::kHopLimit, 63));
}
CONFORM(52, MUST, "RFC 8200 3", "A burst of packets is forwarded completely.", kForwards) {
  BeRouter(b);
  Passes(b, Datagram(b, 19));
  for (int i = 0; i < 50; ++i) b.Send(Datagram(b, 100 + static_cast<size_t>(i)));
  b.CheckEqual(static_cast<int64_t>(b.Collect(OnPort(1) && UdpTo(5000), 1s).size()), 50, "packets");
}

// --- Scopes --------------------------------------------------------------------------------------

CONFORM(53, MUST, "RFC 4291 2.5.6", "A packet from a link-local address stays on its link.",
        kForwards) {
  IsNotForwarded(b, Datagram(b).Set(ipv6::kSource, b.peer.link_local));
}
CONFORM(54, MUST, "RFC 4291 2.5.6",
        "A packet to a link-local address is not forwarded to another link.", kForwards) {
  IsNotForwarded(b, DatagramTo(b, b.peer1.link_local));
}
CONFORM(55, MUST, "RFC 4291 2.5.2", "A packet from the unspecified address is not forwarded.",
        kForwards) {
  IsNotForwarded(b, Datagram(b).Set(ipv6::kSource, Ip("::")));
}
CONFORM(56, MUST, "RFC 4291 2.5.2", "A packet to the unspecified address is not forwarded.",
        kForwards) {
  IsNotForwarded(b, DatagramTo(b, "::"));
}
CONFORM(57, MUST, "RFC 4291 2.5.3", "A packet from the loopback address is not forwarded.",
        kForwards) {
  IsNotForwarded(b, Datagram(b).Set(ipv6::kSource, Ip("::1")));
}
CONFORM(58, MUST, "RFC 4291 2.5.3", "A packet to the loopback address is not forwarded.",
        kForwards) {
  IsNotForwarded(b, DatagramTo(b, "::1"));
}
CONFORM(59, MUST, "RFC 4291 2.7", "A packet from a multicast address is not forwarded.",
        kForwards) {
  IsNotForwarded(b, Datagram(b).Set(ipv6::kSource, Ip("ff0e::5")));
}
CONFORM(60, MUST, "RFC 4291 2.7", "A packet to a group of link-local scope is not forwarded.",
        kForwards) {
  IsNotForwarded(b, DatagramTo(b, "ff02::1").Set(eth::kDestination, GroupMac("ff02::1")));
}
CONFORM(61, MUST, "RFC 4291 2.7", "A packet to a group of interface-local scope is not forwarded.",
        kForwards) {
  IsNotForwarded(b, DatagramTo(b, "ff01::1").Set(eth::kDestination, GroupMac("ff01::1")));
}
CONFORM(62, MUST, "RFC 4291 2.7", "A packet to a group of the reserved scope 0 is not forwarded.",
        kForwards) {
  IsNotForwarded(b, DatagramTo(b, "ff00::5").Set(eth::kDestination, GroupMac("ff00::5")));
}
CONFORM(63, MUST, "RFC 4291 2.5.6",
        "Between nodes of one link, link-local addresses stay where they are.", kForwards) {
  BeRouter(b);
  b.Send(DatagramTo(b, b.other.link_local).Set(ipv6::kSource, b.peer.link_local));
  b.ExpectNothing(OnPort(1) && UdpTo(5000));
  Passes(b, Datagram(b));
}

}  // namespace
}  // namespace moat::conform
