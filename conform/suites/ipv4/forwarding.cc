// A device that forwards: RFC 1812, as far as one frame in and one frame out show it.
#include "conform/bench/case.h"
#include "conform/bench/reassemble.h"
#include "conform/bench/socket.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("ipv4");

constexpr CaseOptions kForwards = {.needs = kForwarding4 | kTwoPorts};

// From the peer on port 0 to the one on port 1, by the device.
Frame Through(Bench& b, const Bytes& options = {}) {
  return Eth(b.device.mac, b.peer.mac) / Ipv4(b.peer.ip4, b.peer1.ip4).Options(options);
}
Frame Datagram(Bench& b, size_t size = 32) { return Through(b) / Udp(4000, 5000) / Raw(size); }

Match Forwarded() { return OnPort(1) && UdpTo(5000); }

// The device is a router, and forwards: what follows differs from this in one thing.
void BeRouter(Bench& b) {
  b.SetForwarding4(true);
  b.Send(Datagram(b));
  b.Expect(Forwarded());
}

Match AnError() {
  return Has(Kind::kIcmp4) && Where("an ICMP error", [](const Packet& p) {
           const uint64_t type = p.Get(icmp4::kType);
           return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
         });
}

CONFORM(37, MUST, "RFC 1812 5.3.1",
        "A packet is forwarded with a TTL that is one less, otherwise as it was.", kForwards) {
  BeRouter(b);
  b.Send(Datagram(b).Set(ipv4::kTtl, 9).Set(ipv4::kTos, 0x2a).Set(ipv4::kId, 0x1234));
  b.Expect(Forwarded() && Is(ipv4::kTtl, 8) && Is(ipv4::kTos, 0x2a) && Is(ipv4::kId, 0x1234) &&
           From(b.peer.ip4) && To(b.peer1.ip4) && Is(eth::kSource, b.device1.mac) &&
           PayloadIs(Pattern(32)));
}

CONFORM(38, MUST, "RFC 1812 5.3.1; 5.2.7.3",
        "A packet whose TTL comes to zero is discarded and told, with code 0.", kForwards) {
  BeRouter(b);
  for (const int ttl : {1, 0}) {
    b.Send(Datagram(b).Set(ipv4::kTtl, ttl));
    b.Expect(Icmp4Error(icmp4::kTimeExceeded, 0) && To(b.peer.ip4) && Quotes(UdpTo(5000)));
  }
  b.ExpectNothing(Forwarded());
}

CONFORM(39, MUST, "RFC 1812 4.2.2.9",
        "A packet for the router itself is received with a TTL of 1, for its other interface too.",
        kForwards) {
  BeRouter(b);
  b.Send(Ping4(b.peer, b.device).Set(ipv4::kTtl, 1));
  b.Expect(EchoReply4() && From(b.device.ip4));
  b.Send(Ping4(b.peer, b.device).Set(ipv4::kDestination, b.device1.ip4).Set(ipv4::kTtl, 1));
  b.Expect(EchoReply4() && From(b.device1.ip4));
}

CONFORM(40, MUST, "RFC 1812 5.2.7.1", "Without a route the sender is told: network unreachable.",
        {.needs = kForwarding4 | kTwoPorts, .setup = Setup::kNoRouter}) {
  BeRouter(b);
  b.Send(Datagram(b).Set(ipv4::kDestination, Ip("203.0.113.9")));
  b.Expect(Icmp4Error(icmp4::kUnreachable, icmp4::kNetwork) && To(b.peer.ip4));
}

CONFORM(41, MUST, "RFC 1812 5.2.7.1",
        "When a host of the next network does not answer, the sender is told: host unreachable.",
        kForwards) {
  BeRouter(b);
  b.Send(Datagram(b).Set(ipv4::kDestination, Ip("198.51.100.77")));
  b.Expect(Icmp4Error(icmp4::kUnreachable, icmp4::kHost) && To(b.peer.ip4), 10s);
}

CONFORM(42, MUST, "RFC 1812 4.2.2.7; RFC 791 3.2",
        "A packet that exceeds the next MTU is fragmented.",
        {.needs = kForwarding4 | kTwoPorts | kMtu}) {
  BeRouter(b);
  b.SetMtu(600, 1);
  b.Forget();
  b.Send(Datagram(b, 1400).Set(ipv4::kDontFragment, 0));
  const std::vector<Packet> pieces = b.Collect(OnPort(1) && To(b.peer1.ip4), kSoon);
  for (const Packet& p : pieces) b.CheckPacket(p, AtMost(ipv4::kTotalLength, 600));
  b.Check(pieces.size() == 3, std::to_string(pieces.size()) + " fragments instead of 3");
  b.CheckPacket(ReassembleIpv4(b, pieces), UdpTo(5000) && PayloadIs(Pattern(1400)));
}

CONFORM(43, MUST, "RFC 1191 4; RFC 1812 5.2.7.1",
        "What must not be fragmented is told instead, with the next MTU.",
        {.needs = kForwarding4 | kTwoPorts | kMtu}) {
  BeRouter(b);
  b.SetMtu(1300, 1);
  b.Send(Datagram(b, 1400).Set(ipv4::kDontFragment, 1));
  b.Expect(Icmp4Error(icmp4::kUnreachable, icmp4::kFragmentationNeeded) && To(b.peer.ip4) &&
           Is(icmp4::kRest, 1300) && Quotes(UdpTo(5000)));
  b.ExpectNothing(OnPort(1) && To(b.peer1.ip4));
}

CONFORM(44, MUST, "RFC 1812 4.2.2.6; 5.3.13.1",
        "An option that the router does not know passes through unchanged.", kForwards) {
  BeRouter(b);
  const Bytes option = Tlv(0x5e, Bytes(6, 0x77));
  b.Send(Through(b, option) / Udp(4000, 5000) / Raw(8));
  const Packet out = b.Expect(Forwarded());
  b.Check(out.Options(Kind::kIpv4) == option, "the option was changed");
}

CONFORM(45, MUST, "RFC 1812 5.3.13.5; 4.2.2.2",
        "Record route gets the address of the interface that the packet leaves by.", kForwards) {
  BeRouter(b);
  b.Send(Through(b, ip_option::RecordRoute(3)) / Udp(4000, 5000) / Raw(8));
  const auto route = FindTlv(b.Expect(Forwarded()).Options(Kind::kIpv4), ip_option::kRecordRoute);
  b.Check(route.has_value() && route->size() == 13, "the packet has no such option");
  if (!b.ok()) return;
  b.CheckEqual(route->at(0), 8, "the pointer");
  b.Check(Ip::From(route->data() + 1, false) == b.device1.ip4, "the address is another one");
}

CONFORM(46, MUST, "RFC 1812 5.3.13.6; 4.2.2.2",
        "A timestamp option gets the router's address and time.", kForwards) {
  BeRouter(b);
  b.Send(Through(b, ip_option::Timestamp(1, 2)) / Udp(4000, 5000) / Raw(8));
  const auto stamps = FindTlv(b.Expect(Forwarded()).Options(Kind::kIpv4), ip_option::kTimestamp);
  b.Check(stamps.has_value() && stamps->size() == 18, "the packet has no such option");
  if (!b.ok()) return;
  b.CheckEqual(stamps->at(0), 13, "the pointer");
  b.Check(Ip::From(stamps->data() + 2, false) == b.device1.ip4, "the address is another one");
}

CONFORM(47, MUST, "RFC 1812 5.3.4; 5.3.5.1",
        "What came as a link broadcast, and the limited broadcast, is not forwarded.", kForwards) {
  BeRouter(b);
  b.Send(Datagram(b).Set(eth::kDestination, Mac::Broadcast()));
  b.Send(Datagram(b)
             .Set(ipv4::kDestination, Ip("255.255.255.255"))
             .Set(eth::kDestination, Mac::Broadcast()));
  b.ExpectNothing(OnPort(1) && Has(Kind::kIpv4));
  b.ExpectNothing(AnError());
}

CONFORM(48, SHOULD, "RFC 1812 5.3.7",
        "Packets from and to addresses that are no host's are not forwarded.", kForwards) {
  BeRouter(b);
  for (const char* source : {"127.0.0.1", "0.0.0.0", "224.0.0.5", "240.0.0.1", "255.255.255.255"}) {
    b.Send(Datagram(b).Set(ipv4::kSource, Ip(source)));
  }
  for (const char* destination : {"127.0.0.1", "0.0.0.1", "240.0.0.1"}) {
    b.Send(Datagram(b).Set(ipv4::kDestination, Ip(destination)));
  }
  b.ExpectNothing(UdpTo(5000));
}

CONFORM(49, MUST, "RFC 1812 5.2.2",
        "What fails the checks of the header is discarded silently, not forwarded.", kForwards) {
  BeRouter(b);
  b.Send(Datagram(b).Set(ipv4::kChecksum, 0x1234));
  b.Send(Datagram(b).Set(ipv4::kVersion, 5));
  b.Send(Datagram(b).Set(ipv4::kHeaderLength, 4));
  b.Send(Datagram(b).Set(ipv4::kTotalLength, 19));
  b.ExpectNothing(Has(Kind::kIpv4));
}

CONFORM(50, MUST, "RFC 1812 5.2.6", "Fragments are forwarded as they are, each by itself.",
        kForwards) {
  BeRouter(b);
  const std::vector<Frame> pieces = FragmentIpv4(Datagram(b, 1000), {504});
  b.Send(pieces.at(1));
  b.Expect(OnPort(1) && To(b.peer1.ip4) && Is(ipv4::kFragmentOffset, 63));
  b.Send(pieces.at(0));
  b.Expect(OnPort(1) && To(b.peer1.ip4) && Is(ipv4::kFragmentOffset, 0) &&
           Is(ipv4::kMoreFragments, 1));
}

CONFORM(51, SHOULD, "RFC 1812 5.2.7.2",
        "Who sends by the router to a neighbour of its own is told so, with code 1; the packet is "
        "forwarded.",
        kForwards) {
  BeRouter(b);
  b.Send(Datagram(b).Set(ipv4::kDestination, b.other.ip4));
  b.Expect(Icmp4Error(icmp4::kRedirect, 1) && To(b.peer.ip4) && From(b.device.ip4) &&
           Is(icmp4::kGateway, b.other.ip4));
  b.Expect(OnPort(0) && UdpTo(5000) && To(b.other.ip4));
}

CONFORM(52, MUST, "RFC 1812 5.2.7.2",
        "Who is not on the network of the next hop is not redirected.", kForwards) {
  BeRouter(b);
  b.Send(Datagram(b).Set(ipv4::kSource, b.remote.ip4).Set(ipv4::kDestination, b.other.ip4));
  b.ExpectNothing(Is(icmp4::kType, icmp4::kRedirect));
}

CONFORM(53, MUST, "RFC 1812 4.3.2.2",
        "The TTL of an error is not the one of the packet it is about.", kForwards) {
  BeRouter(b);
  b.Send(Datagram(b).Set(ipv4::kTtl, 1));
  b.Expect(Icmp4Error(icmp4::kTimeExceeded, 0) && AtLeast(ipv4::kTtl, 32));
}

CONFORM(54, MUST, "RFC 1812 4.3.2.7",
        "No error about an error, a later fragment, or a packet from no host.", kForwards) {
  BeRouter(b);
  const Bytes quoted = Frame(Ipv4(b.peer1.ip4, b.peer.ip4) / Udp(1, 2)).Build();
  b.Send(Frame(Through(b) / Icmp4(icmp4::kUnreachable, icmp4::kPort) / Raw(quoted))
             .Set(ipv4::kTtl, 1));
  b.Send(Frame(FragmentIpv4(Datagram(b, 1000), {504}).at(1)).Set(ipv4::kTtl, 1));
  b.Send(Datagram(b).Set(ipv4::kTtl, 1).Set(ipv4::kSource, Ip("0.0.0.0")));
  b.Send(Datagram(b).Set(ipv4::kTtl, 1).Set(ipv4::kSource, Ip("224.0.0.5")));
  b.ExpectNothing(AnError());
  b.Send(Datagram(b).Set(ipv4::kTtl, 1));
  b.Expect(Icmp4Error(icmp4::kTimeExceeded, 0));
}

CONFORM(55, MUST, "RFC 1812 5.2.4.3",
        "Of two routes that match, the one with the longer prefix is used.",
        {.needs = kForwarding4 | kTwoPorts | kRoutes}) {
  BeRouter(b);
  b.AddRoute({"203.0.113.0", 24}, b.router.ip4);
  b.AddRoute({"203.0.113.8", 30}, b.router1.ip4, 1);
  b.Send(Datagram(b).Set(ipv4::kDestination, Ip("203.0.113.9")));
  b.Expect(OnPort(1) && UdpTo(5000) && Is(eth::kDestination, b.router1.mac));
  b.Send(Datagram(b).Set(ipv4::kDestination, Ip("203.0.113.77")).Set(ipv4::kSource, b.peer1.ip4));
  b.Expect(OnPort(0) && UdpTo(5000) && Is(eth::kDestination, b.router.mac));
}

CONFORM(56, MUST, "RFC 1812 4.2.2.3", "The reserved bit of the flags passes through unchanged.",
        kForwards) {
  BeRouter(b);
  for (const int bit : {1, 0}) {
    b.Send(Datagram(b).Set(ipv4::kReservedFlag, bit));
    b.Expect(Forwarded() && Is(ipv4::kReservedFlag, bit));
  }
}

CONFORM(58, MUST, "RFC 2644 4; RFC 1812 5.3.5.2",
        "A directed broadcast is not forwarded unless that was configured.", kForwards) {
  BeRouter(b);
  b.Send(Datagram(b).Set(ipv4::kDestination, Ip("198.51.100.255")));
  b.ExpectNothing(Forwarded() || AnError());
}

CONFORM(59, MUST, "RFC 3927 2.7; 7", "Packets from and to link-local addresses are not forwarded.",
        {.needs = kForwarding4 | kTwoPorts | kRoutes}) {
  BeRouter(b);
  b.AddRoute({"169.254.0.0", 16}, b.router1.ip4, 1);
  b.Send(Datagram(b).Set(ipv4::kSource, Ip("169.254.7.7")));
  b.Send(Datagram(b).Set(ipv4::kDestination, Ip("169.254.7.7")));
  b.ExpectNothing(Forwarded());
}

CONFORM(60, MUST, "RFC 1812 5.3.12.3; 5.3.12.4",
        "A route by an interface that is down is not used, and the sender told; when it is up "
        "again it is used again.",
        {.needs = kForwarding4 | kTwoPorts | kLinkState, .setup = Setup::kNoRouter}) {
  BeRouter(b);
  b.SetLinkUp(false, 1);
  b.Wait(200ms);
  b.Send(Datagram(b));
  b.Expect(Is(icmp4::kType, icmp4::kUnreachable) && To(b.peer.ip4) && Quotes(UdpTo(5000)));
  b.SetLinkUp(true, 1);
  b.Wait(1s);
  b.Send(Datagram(b));
  b.Expect(Forwarded(), 3s);
}

CONFORM(61, SHOULD, "RFC 1812 5.3.11",
        "Where forwarding is off for an interface, what comes in by it is discarded silently.",
        {.needs = kForwarding4 | kTwoPorts | kSysctls}) {
  BeRouter(b);
  b.SetSysctl("ipv4.conf.eth0.forwarding", "0");
  b.Send(Datagram(b));
  b.ExpectNothing(Forwarded() || AnError());
  b.Send(Eth(b.device1.mac, b.peer1.mac) / Ipv4(b.peer1.ip4, b.peer.ip4) / Udp(4000, 6000) / Raw(9),
         1);
  b.Expect(OnPort(0) && UdpTo(6000));
}

}  // namespace
}  // namespace moat::conform
