// What is IPv6's own (RFC 8200, RFC 6935): in the suite of IPv6, its numbers behind the common
// ones.
#include "conform/bench/case.h"
#include "conform/bench/socket.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("udp-v6");

constexpr int kPeerPort = 4000;
constexpr int kPort = 5000;

Socket Bound(Bench& b) {
  Socket socket = b.OpenUdp(/*v6=*/true);
  socket.Bind(kPort);
  return socket;
}

void IsDelivered(Bench& b, const Frame& frame) {
  Socket socket = Bound(b);
  b.Send(frame);
  b.CheckEqual(static_cast<int64_t>(socket.Receive().data.size()), 10, "octets received");
}

CONFORM(101, MUST, "RFC 8200 8.1; RFC 6935 5", "A datagram without a checksum (zero) is discarded.",
        {.needs = kUdp | kIpv6}) {
  Socket socket = Bound(b);
  b.Send((Ip6(b.peer, b.device) / Udp(kPeerPort, kPort) / Raw(10)).Set(udp::kChecksum, 0));
  socket.ExpectNoData(200ms);
  b.Send(Udp6(b.peer, b.device, kPeerPort, kPort, Pattern(11)));
  b.CheckEqual(static_cast<int64_t>(socket.Receive().data.size()), 11, "octets received");
}
CONFORM(102, MUST, "RFC 8200 8.1",
        "A datagram without a checksum, for a port that nobody has, is not answered.",
        {.needs = kIpv6}) {
  b.Send((Ip6(b.peer, b.device) / Udp(kPeerPort, kPort) / Raw(10)).Set(udp::kChecksum, 0));
  b.ExpectNothing(Icmp6Error(icmp6::kUnreachable, icmp6::kPort));
}
CONFORM(103, MUST, "RFC 8200 4.1", "A datagram behind a destination options header is delivered.",
        {.needs = kUdp | kIpv6}) {
  IsDelivered(b, Ip6(b.peer, b.device) / DestinationOptions() / Udp(kPeerPort, kPort) / Raw(10));
}
CONFORM(104, MUST, "RFC 8200 4.1", "A datagram behind a hop-by-hop options header is delivered.",
        {.needs = kUdp | kIpv6}) {
  IsDelivered(b, Ip6(b.peer, b.device) / HopByHop() / Udp(kPeerPort, kPort) / Raw(10));
}
CONFORM(105, MUST, "RFC 6946 4", "A datagram in an atomic fragment is delivered.",
        {.needs = kUdp | kIpv6}) {
  IsDelivered(b,
              Ip6(b.peer, b.device) / FragmentHeader(0, false) / Udp(kPeerPort, kPort) / Raw(10));
}
CONFORM(106, MUST, "RFC 4291 2.5.6", "A datagram between link-local addresses is delivered.",
        {.needs = kUdp | kIpv6}) {
  IsDelivered(b, Eth(b.device.mac, b.peer.mac) / Ipv6(b.peer.link_local, b.device.link_local) /
                     Udp(kPeerPort, kPort) / Raw(10));
}
CONFORM(107, MUST, "RFC 4291 2.5.2; RFC 4443 2.4 (e.6)",
        "A datagram from the unspecified address, for a port that nobody has, is not answered.",
        {.needs = kIpv6}) {
  b.Send((Ip6(b.peer, b.device) / Udp(kPeerPort, kPort) / Raw(10)).Set(ipv6::kSource, Ip("::")));
  b.ExpectNothing(Icmp6Error(icmp6::kUnreachable, icmp6::kPort));
}
CONFORM(108, MUST, "RFC 8200 8.1",
        "The pseudo-header has the next header of UDP, whatever stands before it.",
        {.needs = kUdp | kIpv6}) {
  const Frame plain = Ip6(b.peer, b.device) / Udp(kPeerPort, kPort) / Raw(10);
  const auto sum = Packet::OfFrame(plain.Build()).Get(udp::kChecksum);
  IsDelivered(b, (Ip6(b.peer, b.device) / DestinationOptions() / Udp(kPeerPort, kPort) / Raw(10))
                     .Set(udp::kChecksum, sum));
}

}  // namespace
}  // namespace moat::conform
