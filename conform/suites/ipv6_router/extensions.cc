// Extension headers: hop-by-hop options are the router's, nothing else is. RFC 8200 4, RFC 7045,
// RFC 5095.
#include "conform/suites/ipv6_router/router.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("ipv6-router");

Frame WithOptions(const Bench& b, const Bytes& options) {
  return Through(b) / HopByHop(options) / Udp(4000, 5000) / Raw(20);
}
Frame WithDestinationOptions(const Bench& b, const Bytes& options) {
  return Through(b) / DestinationOptions(options) / Udp(4000, 5000) / Raw(20);
}
Match ParameterProblem(int code) { return Icmp6Error(icmp6::kParameterProblem, code); }

// --- Hop-by-hop options --------------------------------------------------------------------------

CONFORM(64, MUST, "RFC 8200 4.2", "A hop-by-hop header of padding is passed over, and forwarded.",
        kForwards) {
  IsForwarded(b, WithOptions(b, ip6_option::PadN(6)));
}
CONFORM(65, MUST, "RFC 8200 4.2", "Single bytes of padding are passed over.", kForwards) {
  IsForwarded(b, WithOptions(b, Bytes(6)));
}
CONFORM(66, MUST, "RFC 8200 4.2", "An unknown option that may be passed over (00) is.", kForwards) {
  IsForwarded(b, WithOptions(b, ip6_option::Unknown(0x1e)));
}
CONFORM(67, MUST, "RFC 8200 4.2",
        "An unknown option that may change on the way (001) is not changed.", kForwards) {
  IsForwarded(b, WithOptions(b, ip6_option::Unknown(0x3e)));
}
CONFORM(68, MUST, "RFC 8200 4.2", "An unknown option of 01 discards the packet.", kForwards) {
  IsNotForwarded(b, WithOptions(b, ip6_option::Unknown(0x5e)));
}
CONFORM(69, MUST, "RFC 8200 4.2", "An unknown option of 01 discards in silence.", kForwards) {
  BeRouter(b);
  b.Send(WithOptions(b, ip6_option::Unknown(0x5e)));
  b.ExpectNothing(Is(icmp6::kType, icmp6::kParameterProblem));
  b.Send(WithOptions(b, ip6_option::Unknown(0x9e)));
  b.Expect(ParameterProblem(2));
}
CONFORM(70, MUST, "RFC 8200 4.2", "An unknown option of 10 discards the packet.", kForwards) {
  IsNotForwarded(b, WithOptions(b, ip6_option::Unknown(0x9e)));
}
CONFORM(71, MUST, "RFC 8200 4.2; RFC 4443 3.4",
        "An unknown option of 10 is told, with code 2 and where it is.", kForwards) {
  BeRouter(b);
  b.Send(WithOptions(b, ip6_option::Unknown(0x9e)));
  b.Expect(ParameterProblem(2) && Is(icmp6::kPointer, 42) && To(b.peer.ip6));
}
CONFORM(72, MUST, "RFC 8200 4.2; RFC 4443 3.4",
        "The pointer counts options in front of the unknown one.", kForwards) {
  BeRouter(b);
  b.Send(WithOptions(b, Join({ip6_option::PadN(6), ip6_option::Unknown(0x9e, Bytes(6))})));
  b.Expect(ParameterProblem(2) && Is(icmp6::kPointer, 48));
}
CONFORM(73, MUST, "RFC 8200 4.2", "An unknown option of 11 discards the packet.", kForwards) {
  IsNotForwarded(b, WithOptions(b, ip6_option::Unknown(0xde)));
}
CONFORM(74, MUST, "RFC 8200 4.2; RFC 4443 3.4",
        "An unknown option of 11 is told about a unicast packet.", kForwards) {
  BeRouter(b);
  b.Send(WithOptions(b, ip6_option::Unknown(0xde)));
  b.Expect(ParameterProblem(2) && Is(icmp6::kPointer, 42) && To(b.peer.ip6));
}
CONFORM(75, MUST, "RFC 8200 4.2",
        "Options are worked off in their order: the first that discards decides.", kForwards) {
  BeRouter(b);
  b.Send(WithOptions(b, Join({ip6_option::Unknown(0x5e), ip6_option::Unknown(0x9e)})));
  b.ExpectNothing(Is(icmp6::kType, icmp6::kParameterProblem));
  Passes(b, Datagram(b));
}
CONFORM(76, MUST, "RFC 2711 2.1",
        "A router alert of a value that the router does not know is forwarded.", kForwards) {
  IsForwarded(b, WithOptions(b, ip6_option::RouterAlert(7777)));
}
CONFORM(77, MUST, "RFC 2711 2.1",
        "A router alert for RSVP, which the router does not speak, is forwarded.", kForwards) {
  IsForwarded(b, WithOptions(b, ip6_option::RouterAlert(1)));
}
CONFORM(78, MUST, "RFC 8200 4.3", "A hop-by-hop header of 32 bytes is forwarded as it is.",
        kForwards) {
  IsForwarded(b, WithOptions(b, ip6_option::PadN(30)));
}
CONFORM(79, MUST, "RFC 8200 4; 4.1",
        "Hop-by-hop options that do not follow the IPv6 header are the destination's business.",
        kForwards) {
  IsForwarded(b, Through(b) / DestinationOptions() / HopByHop(ip6_option::Unknown(0x9e)) /
                     Udp(1, 2) / Raw(9));
}

// --- Headers that are the destination's ----------------------------------------------------------

CONFORM(80, MUST, "RFC 8200 4", "Destination options are forwarded.", kForwards) {
  IsForwarded(b, WithDestinationOptions(b, ip6_option::PadN(6)));
}
CONFORM(81, MUST, "RFC 8200 4", "An unknown destination option of 01 does not discard on the way.",
        kForwards) {
  IsForwarded(b, WithDestinationOptions(b, ip6_option::Unknown(0x5e)));
}
CONFORM(82, MUST, "RFC 8200 4", "An unknown destination option of 10 does not discard on the way.",
        kForwards) {
  IsForwarded(b, WithDestinationOptions(b, ip6_option::Unknown(0x9e)));
}
CONFORM(83, MUST, "RFC 8200 4", "An unknown destination option of 11 does not discard on the way.",
        kForwards) {
  IsForwarded(b, WithDestinationOptions(b, ip6_option::Unknown(0xde)));
}
CONFORM(84, MUST, "RFC 8200 4; RFC 7045 2.1",
        "An unknown next header behind hop-by-hop options is forwarded.", kForwards) {
  IsForwarded(
      b, Through(b) / HopByHop(ip6_option::PadN(6)).Set(hop_by_hop::kNextHeader, 254) / Raw(20));
}
CONFORM(85, MUST, "RFC 8200 4.4", "A routing header that has no segments left is forwarded.",
        kForwards) {
  IsForwarded(b, Through(b) / Routing(0, 0, Bytes(20)) / Udp(1, 2) / Raw(9));
}
CONFORM(86, MUST, "RFC 8200 4; 4.4; RFC 5095 4.2",
        "A routing header in a packet for another node is not looked at, whatever its type.",
        kForwards) {
  BeRouter(b);
  for (const int type : {2, 3, 4, 200}) {
    Passes(b,
           Through(b) / Routing(type, 1, Bytes(20)) / Udp(1, 2) / Raw(static_cast<size_t>(type)));
  }
}
CONFORM(87, MUST, "RFC 5095 3",
        "A routing header of type 0 that sends a packet through the router is refused.",
        kForwards) {
  BeRouter(b);
  Bytes data(4);
  data.insert(data.end(), b.peer1.ip6.data(), b.peer1.ip6.data() + 16);
  b.Send(Eth(b.device.mac, b.peer.mac) / Ipv6(b.peer.ip6, b.device.ip6) / Routing(0, 1, data) /
         Udp(1, 2) / Raw(9));
  b.Expect(ParameterProblem(0) && Is(icmp6::kPointer, 42) && To(b.peer.ip6));
}
CONFORM(88, MUST, "RFC 5095 3", "What a routing header of type 0 would send on is not forwarded.",
        kForwards) {
  Bytes data(4);
  data.insert(data.end(), b.peer1.ip6.data(), b.peer1.ip6.data() + 16);
  IsNotForwarded(b, Eth(b.device.mac, b.peer.mac) / Ipv6(b.peer.ip6, b.device.ip6) /
                        Routing(0, 1, data) / Udp(1, 2) / Raw(9));
}
CONFORM(89, MUST, "RFC 8200 4; 4.5", "A first fragment is forwarded as it is.", kForwards) {
  IsForwarded(b, Through(b) / FragmentHeader(0, true) / Udp(4000, 5000) / Raw(48));
}
CONFORM(90, MUST, "RFC 8200 4; 4.5", "A later fragment is forwarded as it is, alone.", kForwards) {
  IsForwarded(
      b, Through(b) / FragmentHeader(56, false).Set(fragment::kNextHeader, proto::kUdp) / Raw(20));
}
CONFORM(91, MUST, "RFC 8200 4.5", "Fragments are not put together on the way.", kForwards) {
  BeRouter(b);
  const std::vector<Frame> fragments = FragmentIpv6(Datagram(b, 2000), {1000});
  for (const Frame& fragment : fragments) Passes(b, fragment);
}
CONFORM(92, MUST, "RFC 8200 4.5",
        "A fragment whose length is no multiple of 8 is the destination's business.", kForwards) {
  IsForwarded(b, Through(b) / FragmentHeader(0, true) / Udp(4000, 5000) / Raw(45));
}
CONFORM(93, MUST, "RFC 8200 4.5; RFC 5722 4",
        "Overlapping fragments are the destination's business.", kForwards) {
  BeRouter(b);
  Passes(b, Through(b) / FragmentHeader(0, true) / Udp(4000, 5000) / Raw(48));
  Passes(b,
         Through(b) / FragmentHeader(40, false).Set(fragment::kNextHeader, proto::kUdp) / Raw(20));
}
CONFORM(94, MUST, "RFC 6946 4; RFC 8200 4.5", "An atomic fragment is forwarded as it is.",
        kForwards) {
  IsForwarded(b, Through(b) / FragmentHeader(0, false) / Udp(4000, 5000) / Raw(20));
}
CONFORM(95, MUST, "RFC 8200 4.1", "All headers in their order are forwarded unchanged.",
        kForwards) {
  IsForwarded(b, Through(b) / HopByHop(ip6_option::PadN(6)) /
                     DestinationOptions(ip6_option::PadN(6)) / Routing(0, 0, Bytes(20)) /
                     FragmentHeader(0, true) / DestinationOptions() / Udp(4000, 5000) / Raw(24));
}

}  // namespace
}  // namespace moat::conform
