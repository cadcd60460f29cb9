// Errors of a device that forwards.
#include "conform/bench/case.h"
#include "conform/bench/socket.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("icmpv6");

constexpr uint32_t kRouter = kTwoPorts | kForwarding6;

// A datagram of the peer on port 0, to be forwarded to `to` behind port 1.
Frame Through(Bench& b, const Ip& to, size_t size = 20) {
  b.SetForwarding6(true);
  b.Wait(100ms);
  return Eth(b.device.mac, b.peer.mac) / Ipv6(b.peer.ip6, to) / Udp(4000, 5000) / Raw(size);
}

CONFORM(57, MUST, "RFC 4443 3.1; RFC 4861 7.2.2",
        "After address resolution has failed, the error has code 3 (address).",
        {.needs = kRouter}) {
  b.Send(Through(b, "2001:db8:1::99"));
  b.Expect(Icmp6Error(icmp6::kUnreachable, icmp6::kAddress) && To(b.peer.ip6) &&
               Quotes(To("2001:db8:1::99")),
           8s);
}

CONFORM(58, SHOULD, "RFC 4443 3.1", "Without a route to the destination the error has code 0.",
        {.needs = kRouter, .setup = Setup::kNoRouter}) {
  b.Send(Through(b, "2001:db8:77::1"));
  b.Expect(Icmp6Error(icmp6::kUnreachable, icmp6::kNoRoute) && To(b.peer.ip6));
}

CONFORM(59, SHOULD, "RFC 4443 3.1; RFC 4291 2.5.6",
        "A packet from a link-local address that would leave its link is reported with code 2.",
        {.needs = kRouter}) {
  b.Send(Through(b, b.peer1.ip6).Set(ipv6::kSource, b.peer.link_local));
  b.Expect(Icmp6Error(icmp6::kUnreachable, icmp6::kBeyondScope) && To(b.peer.link_local));
}

CONFORM(60, MUST, "RFC 4443 3.2",
        "A packet longer than the next link's MTU is reported, with that MTU.",
        {.needs = kRouter | kMtu}) {
  b.SetMtu(1400, 1);
  b.Send(Through(b, b.peer1.ip6, 1400));
  b.Expect(Is(icmp6::kType, icmp6::kPacketTooBig) && Is(icmp6::kMtu, 1400) && To(b.peer.ip6));
}

CONFORM(61, MUST, "RFC 4443 3.2", "The code of packet too big is 0.", {.needs = kRouter | kMtu}) {
  b.SetMtu(1280, 1);
  b.Send(Through(b, b.peer1.ip6, 1400));
  b.Expect(Icmp6Error(icmp6::kPacketTooBig, 0));
}

CONFORM(62, MUST, "RFC 4443 3.3", "A packet whose hop limit ends here is reported with code 0.",
        {.needs = kRouter}) {
  b.Send(Through(b, b.peer1.ip6).Set(ipv6::kHopLimit, 1));
  b.Expect(Icmp6Error(icmp6::kTimeExceeded, 0) && To(b.peer.ip6) && Is(icmp6::kRest, 0));
  b.ExpectNothing(OnPort(1) && UdpTo(5000));
}

CONFORM(63, MUST, "RFC 4443 2.2 (b)",
        "An error about a forwarded packet comes from an address of "
        "the router.",
        {.needs = kRouter}) {
  b.Send(Through(b, b.peer1.ip6).Set(ipv6::kHopLimit, 1));
  b.Expect(Icmp6Error(icmp6::kTimeExceeded, 0) &&
           (From(b.device.ip6) || From(b.device1.ip6) || From(b.device.link_local)));
}

CONFORM(64, MUST, "RFC 4443 2.4 (e.1)", "An error message whose hop limit ends is not reported.",
        {.needs = kRouter}) {
  b.SetForwarding6(true);
  b.Wait(100ms);
  b.Send((Eth(b.device.mac, b.peer.mac) / Ipv6(b.peer.ip6, b.peer1.ip6).Set(ipv6::kHopLimit, 1)) /
         Icmp6(icmp6::kUnreachable) / Raw(60));
  b.ExpectNothing(Icmp6Error(icmp6::kTimeExceeded, 0));
  b.Send(Through(b, b.peer1.ip6).Set(ipv6::kHopLimit, 1));
  b.Expect(Icmp6Error(icmp6::kTimeExceeded, 0));
}

CONFORM(87, SHOULD, "RFC 4443 2.2 (b); RFC 6724 5",
        "An error about a forwarded packet of a global source comes from a global address.",
        {.needs = kRouter}) {
  b.Send(Through(b, b.peer1.ip6).Set(ipv6::kHopLimit, 1));
  b.Expect(Icmp6Error(icmp6::kTimeExceeded, 0) && (From(b.device.ip6) || From(b.device1.ip6)));
}

}  // namespace
}  // namespace moat::conform
