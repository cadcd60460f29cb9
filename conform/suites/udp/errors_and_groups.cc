// ICMP errors to sockets (RFC 1122 4.1.3.3, RFC 4443 2.4), broadcast and multicast (RFC
// 1122 4.1.3.5, RFC 1112), and source addresses that are no host's (4.1.3.6).
#include "conform/bench/both_versions.h"
#include "conform/bench/socket.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("udp");

constexpr int kPeerPort = 4000;
constexpr int kPort = 5000;

// --- ICMP errors ---------------------------------------------------------------------------------

Layer Unreachable(bool v6, int code4, int code6) {
  return v6 ? Icmp6(icmp6::kUnreachable, code6) : Icmp4(icmp4::kUnreachable, code4);
}

Frame About(Bench& b, bool v6, const Layer& error, const Bytes& quoted) {
  return IpOf(v6, b.peer, b.device) / error / Raw(quoted);
}

// What the device sent from a connected socket, as an error quotes it.
Bytes SendFrom(Bench& b, bool v6, Socket& socket) {
  socket.Connect({b.peer.ip(v6), kPeerPort});
  socket.Send(Pattern(10));
  return b.Expect(UdpTo(kPeerPort)).From(v6 ? Kind::kIpv6 : Kind::kIpv4);
}

CONFORM_BOTH(31, MUST, "RFC 1122 4.1.3.3; RFC 4443 2.4 (d)",
             "Port unreachable is given to the program of a connected socket.", {.needs = kUdp}) {
  Socket socket = b.OpenUdp(v6);
  const Bytes sent = SendFrom(b, v6, socket);
  b.Send(About(b, v6, Unreachable(v6, icmp4::kPort, icmp6::kPort), sent));
  socket.ExpectError(ECONNREFUSED);
}
CONFORM_BOTH(32, MUST, "RFC 1122 4.1.3.3; RFC 4443 2.4 (d)",
             "Host (address) unreachable is given to a program that asks for all errors.",
             {.needs = kUdp}) {
  Socket socket = b.OpenUdp(v6);
  socket.Set(Option::kReceiveErrors, 1);
  const Bytes sent = SendFrom(b, v6, socket);
  b.Send(About(b, v6, Unreachable(v6, icmp4::kHost, icmp6::kAddress), sent));
  b.Check(socket.Error() != 0, "the program is told nothing");
}
CONFORM_BOTH(
    33, MUST, "RFC 1122 4.1.3.3; RFC 4443 2.4 (d)",
    "Protocol unreachable (unknown next header) is given to a program that asks for all errors.",
    {.needs = kUdp}) {
  Socket socket = b.OpenUdp(v6);
  socket.Set(Option::kReceiveErrors, 1);
  const Bytes sent = SendFrom(b, v6, socket);
  const Layer error = v6 ? Icmp6(icmp6::kParameterProblem, 1) : Icmp4(icmp4::kUnreachable, 2);
  b.Send(About(b, v6, error, sent));
  b.Check(socket.Error() != 0, "the program is told nothing");
}
CONFORM_BOTH(34, MUST, "RFC 1122 3.2.2; RFC 4443 2.4 (d)",
             "An error that quotes another port reaches no program.", {.needs = kUdp}) {
  Socket socket = b.OpenUdp(v6);
  Bytes sent = SendFrom(b, v6, socket);
  if (sent.size() >= 38) sent[v6 ? 41 : 21] ^= 1;  // the source port
  b.Send(About(b, v6, Unreachable(v6, icmp4::kPort, icmp6::kPort), sent));
  b.CheckEqual(socket.Error(200ms), 0, "the socket's error");
}
CONFORM_BOTH(35, MUST, "RFC 1122 3.2.2; RFC 4443 2.4 (d)",
             "An error that quotes another destination reaches no connected socket.",
             {.needs = kUdp}) {
  Socket socket = b.OpenUdp(v6);
  Bytes sent = SendFrom(b, v6, socket);
  if (sent.size() >= 38) sent[v6 ? 43 : 23] ^= 1;  // the destination port
  b.Send(About(b, v6, Unreachable(v6, icmp4::kPort, icmp6::kPort), sent));
  b.CheckEqual(socket.Error(200ms), 0, "the socket's error");
}
CONFORM_BOTH(36, MUST, "RFC 1122 3.2.2; RFC 4443 2.4",
             "An error with a wrong checksum reaches no program.", {.needs = kUdp}) {
  Socket socket = b.OpenUdp(v6);
  const Bytes sent = SendFrom(b, v6, socket);
  b.Send(About(b, v6, Unreachable(v6, icmp4::kPort, icmp6::kPort), sent)
             .Set(v6 ? icmp6::kChecksum : icmp4::kChecksum, 0x1234));
  b.CheckEqual(socket.Error(200ms), 0, "the socket's error");
}
CONFORM_BOTH(37, SHOULD, "RFC 1122 4.1.3.3",
             "An error does not keep a socket from being used further.", {.needs = kUdp}) {
  Socket socket = b.OpenUdp(v6);
  const Bytes sent = SendFrom(b, v6, socket);
  b.Send(About(b, v6, Unreachable(v6, icmp4::kPort, icmp6::kPort), sent));
  socket.ExpectError(ECONNREFUSED);
  socket.Send(Pattern(12));
  b.Expect(UdpTo(kPeerPort) && PayloadIs(Pattern(12)));
}
CONFORM_BOTH(38, MUST, "RFC 1191 6.2; RFC 8201 5.5",
             "After packet too big, larger datagrams are sent in fragments that fit, or refused.",
             {.needs = kUdp}) {
  Socket socket = b.OpenUdp(v6);
  socket.Connect({b.peer.ip(v6), kPeerPort});
  socket.Send(Pattern(1400));
  const Packet big = b.Expect(UdpTo(kPeerPort));
  const Layer error = v6 ? Icmp6(icmp6::kPacketTooBig, 0, 1300)
                         : Icmp4(icmp4::kUnreachable, icmp4::kFragmentationNeeded, 1300);
  b.Send(About(b, v6, error, big.From(v6 ? Kind::kIpv6 : Kind::kIpv4)));
  b.Wait(50ms);
  b.Forget();
  socket.Error(0s);
  (void)socket.TrySend(Pattern(1400));
  for (const Packet& p : b.Collect(From(b.device.ip(v6)), 300ms)) {
    if (!v6 && p.Get(ipv4::kProtocol) != proto::kUdp) continue;
    const uint64_t size =
        v6 ? p.Get(ipv6::kPayloadLength).u64() + 40 : p.Get(ipv4::kTotalLength).u64();
    b.Check(size <= 1300, "a packet of " + std::to_string(size) + " octets was sent");
  }
}

// --- Groups, both versions -----------------------------------------------------------------------

Ip Group(bool v6) { return v6 ? "ff02::4321" : "239.1.2.3"; }

Frame ToGroup(Bench& b, bool v6, const Ip& group, const Bytes& data) {
  const Frame head = v6 ? Ip6ToGroup(b.peer, group) : Ip4ToGroup(b.peer, group);
  return head / Udp(kPeerPort, kPort) / Raw(data);
}

CONFORM_BOTH(39, MUST, "RFC 1112 7.1; RFC 4291 2.7", "A member of a group gets its datagrams.",
             {.needs = kUdp | kMulticast}) {
  Socket socket = b.OpenUdp(v6);
  socket.Bind(kPort);
  socket.Join(Group(v6));
  b.Send(ToGroup(b, v6, Group(v6), Pattern(10)));
  b.CheckEqual(static_cast<int64_t>(socket.Receive().data.size()), 10, "octets received");
}
CONFORM_BOTH(40, MUST, "RFC 1112 7.2; RFC 4291 2.7",
             "Datagrams to a group that nobody joined reach no socket.", {.needs = kUdp}) {
  Socket socket = b.OpenUdp(v6);
  socket.Bind(kPort);
  b.Send(ToGroup(b, v6, Group(v6), Pattern(10)));
  socket.ExpectNoData(200ms);
}
CONFORM_BOTH(41, MUST, "RFC 1112 7.1", "Who left a group gets its datagrams no more.",
             {.needs = kUdp | kMulticast}) {
  Socket socket = b.OpenUdp(v6);
  socket.Bind(kPort);
  socket.Join(Group(v6));
  socket.Leave(Group(v6));
  b.Send(ToGroup(b, v6, Group(v6), Pattern(10)));
  socket.ExpectNoData(200ms);
}
CONFORM_BOTH(42, MUST, "RFC 1122 4.1.3.5; 3.3.6 (copies)",
             "Every socket of the port that joined gets a copy.", {.needs = kUdp | kMulticast}) {
  Socket first = b.OpenUdp(v6);
  Socket second = b.OpenUdp(v6);
  for (Socket* socket : {&first, &second}) {
    socket->Set(Option::kReuseAddress, 1);
    socket->Bind(kPort);
    socket->Join(Group(v6));
  }
  b.Send(ToGroup(b, v6, Group(v6), Pattern(10)));
  b.CheckEqual(static_cast<int64_t>(first.Receive().data.size()), 10, "octets at the first");
  b.CheckEqual(static_cast<int64_t>(second.Receive().data.size()), 10, "octets at the second");
}
CONFORM_BOTH(43, MUST, "RFC 1122 3.2.2; RFC 4443 2.4 (e.3)",
             "A datagram to a group, for a port that nobody has, is not answered.") {
  b.Send(ToGroup(b, v6, v6 ? "ff02::1" : "224.0.0.1", Pattern(10)));
  b.ExpectNothing((v6 ? Icmp6Error(icmp6::kUnreachable, icmp6::kPort)
                      : Icmp4Error(icmp4::kUnreachable, icmp4::kPort)));
  b.Send(IpOf(v6, b.peer, b.device) / Udp(kPeerPort, kPort) / Raw(10));
  b.Expect(v6 ? Icmp6Error(icmp6::kUnreachable, icmp6::kPort)
              : Icmp4Error(icmp4::kUnreachable, icmp4::kPort));
}
CONFORM_BOTH(
    44, MUST, "RFC 1112 6.1; RFC 2464 7",
    "A datagram to a group goes to its link address, with a hop limit of 1 unless told otherwise.",
    {.needs = kUdp | kMulticast}) {
  Socket socket = b.OpenUdp(v6);
  socket.Set(Option::kMulticastPort, 0);
  socket.SendTo({Group(v6), kPeerPort}, Pattern(10));
  b.Expect(UdpTo(kPeerPort) && To(Group(v6)) && Is(eth::kDestination, GroupMac(Group(v6))) &&
           Is(v6 ? ipv6::kHopLimit : ipv4::kTtl, 1));
}
CONFORM_BOTH(45, MUST, "RFC 1112 6.1",
             "The program can choose the hop limit of datagrams to groups.",
             {.needs = kUdp | kMulticast}) {
  Socket socket = b.OpenUdp(v6);
  socket.Set(Option::kMulticastPort, 0);
  socket.Set(v6 ? Option::kMulticastHops : Option::kMulticastTtl, 9);
  socket.SendTo({Group(v6), kPeerPort}, Pattern(10));
  b.Expect(UdpTo(kPeerPort) && Is(v6 ? ipv6::kHopLimit : ipv4::kTtl, 9));
}
CONFORM_BOTH(46, MUST, "RFC 1122 4.1.3.6; RFC 4291 2.7",
             "A datagram whose source address is a group is discarded.", {.needs = kUdp}) {
  Socket socket = b.OpenUdp(v6);
  socket.Bind(kPort);
  b.Send((IpOf(v6, b.peer, b.device) / Udp(kPeerPort, kPort) / Raw(10))
             .Set(v6 ? ipv6::kSource : ipv4::kSource, Ip(v6 ? "ff02::9" : "224.0.0.9")));
  socket.ExpectNoData(200ms);
}
CONFORM_BOTH(47, MUST, "RFC 1122 3.2.1.3 (g); RFC 4291 2.5.3",
             "A datagram from the loopback address, off the wire, is discarded.", {.needs = kUdp}) {
  Socket socket = b.OpenUdp(v6);
  socket.Bind(kPort);
  b.Send((IpOf(v6, b.peer, b.device) / Udp(kPeerPort, kPort) / Raw(10))
             .Set(v6 ? ipv6::kSource : ipv4::kSource, Ip(v6 ? "::1" : "127.0.0.1")));
  socket.ExpectNoData(200ms);
}

// --- Broadcast: IPv4 -----------------------------------------------------------------------------

CONFORM(48, MUST, "RFC 1122 4.1.3.5; 3.3.6",
        "A datagram to the limited broadcast address is delivered.", {.needs = kUdp}) {
  Socket socket = b.OpenUdp();
  socket.Bind(kPort);
  b.Send(Ip4ToGroup(b.peer, "255.255.255.255") / Udp(kPeerPort, kPort) / Raw(10));
  b.CheckEqual(static_cast<int64_t>(socket.Receive().data.size()), 10, "octets received");
}
CONFORM(49, MUST, "RFC 1122 3.3.6", "A datagram to the subnet's broadcast address is delivered.",
        {.needs = kUdp}) {
  Socket socket = b.OpenUdp();
  socket.Bind(kPort);
  b.Send(Ip4ToGroup(b.peer, "192.0.2.255") / Udp(kPeerPort, kPort) / Raw(10));
  b.CheckEqual(static_cast<int64_t>(socket.Receive().data.size()), 10, "octets received");
}
CONFORM(50, MUST, "RFC 1122 3.2.2",
        "A broadcast datagram for a port that nobody has is not answered.") {
  b.Send(Ip4ToGroup(b.peer, "192.0.2.255") / Udp(kPeerPort, kPort) / Raw(10));
  b.Send(Ip4ToGroup(b.peer, "255.255.255.255") / Udp(kPeerPort, kPort) / Raw(10));
  b.ExpectNothing(Has(Kind::kIcmp4));
  b.Send(Ip4(b.peer, b.device) / Udp(kPeerPort, kPort) / Raw(10));
  b.Expect(Icmp4Error(icmp4::kUnreachable, icmp4::kPort));
}
CONFORM(51, MUST, "RFC 1122 3.2.2",
        "A datagram that came as a link broadcast, for a port that nobody has, is not answered.") {
  b.Send((Ip4(b.peer, b.device) / Udp(kPeerPort, kPort) / Raw(10))
             .Set(eth::kDestination, Mac::Broadcast()));
  b.ExpectNothing(Has(Kind::kIcmp4));
}
CONFORM(52, MUST, "RFC 1122 3.2.1.3; 3.3.6",
        "Broadcast datagrams of the program go to the link broadcast address.", {.needs = kUdp}) {
  Socket socket = b.OpenUdp();
  socket.Set(Option::kBroadcast, 1);
  socket.SendTo({"192.0.2.255", kPeerPort}, Pattern(10));
  b.Expect(UdpTo(kPeerPort) && To("192.0.2.255") && Is(eth::kDestination, Mac::Broadcast()));
}
CONFORM(53, MUST, "RFC 1122 4.1.3.5; POSIX SO_BROADCAST",
        "A program that did not ask for it cannot send broadcasts.", {.needs = kUdp}) {
  Socket socket = b.OpenUdp();
  b.CheckEqual(socket.TrySend(Pattern(10), Endpoint{"192.0.2.255", kPeerPort}), -EACCES,
               "the error");
  b.ExpectNothing(UdpTo(kPeerPort));
}
CONFORM(54, MUST, "RFC 1122 4.1.3.6; 3.2.1.3", "A datagram from a broadcast address is discarded.",
        {.needs = kUdp}) {
  Socket socket = b.OpenUdp();
  socket.Bind(kPort);
  for (const char* source : {"255.255.255.255", "192.0.2.255"}) {
    b.Send(
        (Ip4(b.peer, b.device) / Udp(kPeerPort, kPort) / Raw(10)).Set(ipv4::kSource, Ip(source)));
  }
  socket.ExpectNoData(200ms);
}
CONFORM(55, MUST, "RFC 1122 4.1.3.2; 3.2.1.8",
        "A datagram with IPv4 options is delivered as one without.", {.needs = kUdp}) {
  Socket socket = b.OpenUdp();
  socket.Bind(kPort);
  b.Send(Eth(b.device.mac, b.peer.mac) /
         Ipv4(b.peer.ip4, b.device.ip4).Options(ip_option::RecordRoute(3)) / Udp(kPeerPort, kPort) /
         Raw(10));
  b.CheckEqual(static_cast<int64_t>(socket.Receive().data.size()), 10, "octets received");
}
CONFORM(56, MUST, "RFC 791; RFC 1122 3.2.1.4",
        "A datagram for another host's address is not delivered.", {.needs = kUdp}) {
  Socket socket = b.OpenUdp();
  socket.Bind(kPort);
  b.Send((Ip4(b.peer, b.device) / Udp(kPeerPort, kPort) / Raw(10))
             .Set(ipv4::kDestination, Ip("192.0.2.200")));
  socket.ExpectNoData(200ms);
}

}  // namespace
}  // namespace moat::conform
