// Errors that the device sends: which, what is in them, and when there must be none.
#include <algorithm>

#include "conform/bench/case.h"
#include "conform/bench/socket.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("icmpv6");

constexpr uint8_t kReport = 0x9e;  // an option that must be reported
constexpr int kClosed = 9999;      // a UDP port without a socket

Match AnyError() { return AtMost(icmp6::kType, 127); }
Match PortUnreachable() { return Icmp6Error(icmp6::kUnreachable, icmp6::kPort); }

// A datagram that must be reported with port unreachable.
Frame ToClosed(const Bench& b, size_t size = 20) {
  return Udp6(b.peer, b.device, 4000, kClosed, Pattern(size));
}

// A header whose option must be reported, whatever follows.
Frame WithBadOption(const Bench& b) {
  return Ip6(b.peer, b.device) / DestinationOptions(ip6_option::Unknown(kReport));
}

// The frame is not reported, although `b` does report what is right.
void IsNotReported(Bench& b, const Frame& frame) {
  b.Send(frame);
  b.ExpectNothing(AnyError());
  b.Send(Udp6(b.other, b.device, 4000, kClosed, Pattern(8)));
  b.Expect(PortUnreachable() && To(b.other.ip6));
}

// What the error quotes, as bytes.
Bytes QuotedBytes(const Packet& error) {
  Bytes message = error.From(Kind::kIcmp6);
  message.erase(message.begin(),
                message.begin() + static_cast<ptrdiff_t>(std::min<size_t>(8, message.size())));
  return message;
}

// --- Contents ----------------------------------------------------------------------------------

CONFORM(26, SHOULD, "RFC 4443 3.1", "A datagram to a closed UDP port is reported with code 4.",
        {.needs = kUdp}) {
  b.Send(ToClosed(b));
  b.Expect(PortUnreachable());
}

CONFORM(27, MUST, "RFC 4443 2.2 (a)",
        "An error comes from the address that the packet was sent to.",
        {.needs = kUdp | kAddresses}) {
  b.AddAddress({"2001:db8::77", 64});
  for (const Ip& address : {b.device.ip6, Ip("2001:db8::77"), b.device.link_local}) {
    b.Send(ToClosed(b).Set(ipv6::kDestination, address));
    b.Expect(PortUnreachable() && From(address));
  }
}

CONFORM(28, MUST, "RFC 4443 3.1", "An error goes to the source of the packet.", {.needs = kUdp}) {
  b.Send(ToClosed(b));
  b.Expect(PortUnreachable() && To(b.peer.ip6) && Is(eth::kDestination, b.peer.mac));
  b.Send(Udp6(b.remote, b.device, 4000, kClosed, Pattern(8)));
  b.Expect(PortUnreachable() && To(b.remote.ip6) && Is(eth::kDestination, b.router.mac));
}

CONFORM(29, MUST, "RFC 4443 2.4 (c)", "An error quotes the whole packet when that fits.",
        {.needs = kUdp}) {
  const Frame frame = ToClosed(b, 500);
  b.Send(frame);
  b.Check(QuotedBytes(b.Expect(PortUnreachable())) == frame.Inner().Build(),
          "what is quoted is not the packet as it was sent");
}

CONFORM(30, MUST, "RFC 4443 2.4 (c)", "An error is never longer than 1280 bytes.",
        {.needs = kUdp}) {
  b.Send(ToClosed(b, 1452));
  const Packet error = b.Expect(PortUnreachable());
  b.Check(error.From(Kind::kIpv6).size() <= 1280, "the error is longer than 1280 bytes");
}

CONFORM(31, MUST, "RFC 4443 2.4 (c)", "An error quotes as much of the packet as fits.",
        {.needs = kUdp}) {
  const Frame frame = ToClosed(b, 1452);
  b.Send(frame);
  const Packet error = b.Expect(PortUnreachable());
  b.CheckEqual(static_cast<int64_t>(error.From(Kind::kIpv6).size()), 1280, "length of the error");
  Bytes sent = frame.Inner().Build();
  sent.resize(1280 - 48);
  b.Check(QuotedBytes(error) == sent, "what is quoted is not the packet's beginning");
}

CONFORM(32, MUST, "RFC 4443 3.1", "The unused field of destination unreachable is 0.",
        {.needs = kUdp}) {
  b.Send(ToClosed(b));
  b.Expect(PortUnreachable() && Is(icmp6::kRest, 0));
}

CONFORM(33, MUST, "RFC 4443 2.4 (c)", "An error quotes the packet with its extension headers.",
        {.needs = kUdp}) {
  const Frame frame = Ip6(b.peer, b.device) / DestinationOptions() / Udp(4000, kClosed) / Raw(20);
  b.Send(frame);
  b.Check(QuotedBytes(b.Expect(PortUnreachable())) == frame.Inner().Build(),
          "what is quoted is not the packet as it was sent");
}

CONFORM(34, MUST, "RFC 4443 3.4", "A parameter problem quotes the packet, and points into it.") {
  const Frame frame = WithBadOption(b) / EchoRequest6(1, 1) / Raw(40);
  b.Send(frame);
  const Packet error = b.Expect(Icmp6Error(icmp6::kParameterProblem, 2));
  const Bytes quoted = QuotedBytes(error);
  b.Check(quoted == frame.Inner().Build(), "what is quoted is not the packet as it was sent");
  const uint64_t pointer = error.Get(icmp6::kPointer).u64();
  b.Check(pointer < quoted.size() && quoted[pointer] == kReport,
          "the pointer is not at the unknown option");
}

CONFORM(35, MUST, "RFC 4443 2.2; 3.4",
        "An error about a link-local packet comes from the link-local address.") {
  b.Send((WithBadOption(b) / EchoRequest6(1, 1))
             .Set(ipv6::kSource, b.peer.link_local)
             .Set(ipv6::kDestination, b.device.link_local));
  b.Expect(Icmp6Error(icmp6::kParameterProblem, 2) && From(b.device.link_local) &&
           To(b.peer.link_local));
}

CONFORM(36, MUST, "RFC 4443 2.2 (b)",
        "An error about a packet to a group comes from a unicast address of the interface.") {
  b.Send(Ip6ToGroup(b.peer, "ff02::1") / DestinationOptions(ip6_option::Unknown(kReport)) /
         EchoRequest6(1, 1));
  b.Expect(Icmp6Error(icmp6::kParameterProblem, 2) && From(b.device.link_local));
}

CONFORM(37, MUST, "RFC 4443 2.4 (d); 3.4",
        "The next header that is unknown is reported with code 1.") {
  b.Send((Ip6(b.peer, b.device) / Raw(20)).Set(ipv6::kNextHeader, 253));
  b.Expect(Icmp6Error(icmp6::kParameterProblem, 1) && Is(icmp6::kPointer, 6));
}

CONFORM(38, MUST, "RFC 4443 1", "ICMP for IPv4 in an IPv6 packet is an unknown protocol.") {
  b.Send((Ip6(b.peer, b.device) / Icmp4(icmp4::kEcho, 0, 1) / Raw(20)));
  b.ExpectNothing(Is(icmp4::kType, icmp4::kEchoReply) || EchoReply6());
  b.Send(Ping6(b.peer, b.device));
  b.Expect(EchoReply6());
}

// --- When there must be none -------------------------------------------------------------------

CONFORM(39, MUST, "RFC 4443 2.4 (e.1)", "A destination unreachable is not reported.",
        {.needs = kUdp}) {
  IsNotReported(b, WithBadOption(b) / Icmp6(icmp6::kUnreachable) / Raw(60));
}
CONFORM(40, MUST, "RFC 4443 2.4 (e.1)", "A packet too big is not reported.", {.needs = kUdp}) {
  IsNotReported(b, WithBadOption(b) / Icmp6(icmp6::kPacketTooBig, 0, 1400) / Raw(60));
}
CONFORM(41, MUST, "RFC 4443 2.4 (e.1)", "A time exceeded is not reported.", {.needs = kUdp}) {
  IsNotReported(b, WithBadOption(b) / Icmp6(icmp6::kTimeExceeded) / Raw(60));
}
CONFORM(42, MUST, "RFC 4443 2.4 (e.1)", "A parameter problem is not reported.", {.needs = kUdp}) {
  IsNotReported(b, WithBadOption(b) / Icmp6(icmp6::kParameterProblem) / Raw(60));
}
CONFORM(43, MUST, "RFC 4443 2.4 (e.1)", "An error of unknown type is not reported.",
        {.needs = kUdp}) {
  IsNotReported(b, WithBadOption(b) / Icmp6(100) / Raw(60));
  IsNotReported(b, WithBadOption(b) / Icmp6(127) / Raw(60));
}
CONFORM(44, MUST, "RFC 4443 2.4 (e.2)", "A redirect is not reported.", {.needs = kUdp}) {
  IsNotReported(b,
                (WithBadOption(b) / Icmp6(icmp6::kRedirect) / Raw(32)).Set(ipv6::kHopLimit, 255));
}
CONFORM(45, MUST, "RFC 4443 2.4 (e.3)", "A datagram to a closed port of a group is not reported.",
        {.needs = kUdp}) {
  IsNotReported(b, Ip6ToGroup(b.peer, "ff02::1") / Udp(4000, kClosed) / Raw(20));
}
CONFORM(46, MUST, "RFC 4443 2.4 (e.3)",
        "An unknown next header in a packet to a group is not reported.", {.needs = kUdp}) {
  IsNotReported(b, (Ip6ToGroup(b.peer, "ff02::1") / Raw(20)).Set(ipv6::kNextHeader, 253));
}
CONFORM(47, MUST, "RFC 4443 2.4 (e.3)",
        "A routing header with segments left in a packet to a group is not reported.",
        {.needs = kUdp}) {
  IsNotReported(b, Ip6ToGroup(b.peer, "ff02::1") / Routing(253, 1) / EchoRequest6(1, 1));
}
CONFORM(48, MUST, "RFC 4443 2.4 (e.4)",
        "A packet in a frame to a link-layer group is not reported.", {.needs = kUdp}) {
  IsNotReported(b, ToClosed(b).Set(eth::kDestination, Mac("33:33:00:00:00:01")));
}
CONFORM(49, MUST, "RFC 4443 2.4 (e.5)", "A packet in a broadcast frame is not reported.",
        {.needs = kUdp}) {
  IsNotReported(b, ToClosed(b).Set(eth::kDestination, Mac::Broadcast()));
}
CONFORM(50, MUST, "RFC 4443 2.4 (e.6)", "A packet from the unspecified address is not reported.",
        {.needs = kUdp}) {
  IsNotReported(b, ToClosed(b).Set(ipv6::kSource, Ip("::")));
}
CONFORM(51, MUST, "RFC 4443 2.4 (e.6)", "A packet from a multicast address is not reported.",
        {.needs = kUdp}) {
  IsNotReported(b, ToClosed(b).Set(ipv6::kSource, Ip("ff02::99")));
}
CONFORM(52, MUST, "RFC 4443 2.4 (e.3); RFC 8200 4.2",
        "The exception for groups is for unknown options: type 10 is reported, to a group too.") {
  b.Send(Ip6ToGroup(b.peer, "ff02::1") / HopByHop(ip6_option::Unknown(kReport)) /
         EchoRequest6(1, 1));
  b.Expect(Icmp6Error(icmp6::kParameterProblem, 2) && To(b.peer.link_local));
}

CONFORM(86, MUST, "RFC 4443 2.4 (e.6); RFC 4291 2.6.1",
        "A packet from the anycast address of the subnet's routers is not reported.",
        {.needs = kUdp}) {
  const Ip anycast = "2001:db8::";
  b.StartAnswering(0, anycast, b.router.mac);
  IsNotReported(b, ToClosed(b).Set(ipv6::kSource, anycast));
}

// --- Rate --------------------------------------------------------------------------------------

CONFORM(53, MUST, "RFC 4443 2.4 (f)", "The rate of errors is limited.", {.needs = kUdp}) {
  for (int i = 0; i < 200; ++i) b.Send(ToClosed(b));
  const size_t errors = b.Collect(PortUnreachable(), 1s).size();
  b.Check(errors > 0, "there was no error at all");
  b.Check(errors <= 100, "more than half of the packets were reported");
}

CONFORM(54, SHOULD, "RFC 4443 2.4 (f)", "A short burst, as traceroute's, is reported in full.",
        {.needs = kUdp}) {
  for (int i = 0; i < 3; ++i) b.Send(ToClosed(b));
  b.CheckEqual(static_cast<int64_t>(b.Collect(PortUnreachable(), 1s).size()), 3,
               "number of errors");
}

CONFORM(55, MUST, "RFC 4443 2.4 (f)", "After a flood has ended, errors are sent again.",
        {.needs = kUdp}) {
  for (int i = 0; i < 200; ++i) b.Send(ToClosed(b));
  b.Wait(5s);
  b.Forget();
  b.Send(ToClosed(b));
  b.Expect(PortUnreachable());
}

CONFORM(56, MUST, "RFC 4443 2.4 (f); 4.2", "A flood that is not reported does not stop echo.",
        {.needs = kUdp}) {
  for (int i = 0; i < 200; ++i) b.Send(ToClosed(b));
  b.Send(Ping6(b.peer, b.device));
  b.Expect(EchoReply6());
}

}  // namespace
}  // namespace moat::conform
