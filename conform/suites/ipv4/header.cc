// The header's fields on arrival: what is accepted, what is silently discarded.
#include "conform/bench/case.h"
#include "conform/bench/socket.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("ipv4");

void ExpectAlive(Bench& b) {
  b.Send(Ping4(b.other, b.device, 8, 99));
  b.Expect(EchoReply4() && Is(icmp4::kSequence, 99));
}

// The frame gets no answer of any kind, and the device lives.
void IsDiscarded(Bench& b, const Frame& frame) {
  b.Send(frame);
  b.ExpectNothing(Has(Kind::kIpv4), 300ms);
  ExpectAlive(b);
}

CONFORM(1, MUST, "RFC 1122 3.2.1.1",
        "A datagram whose version is not 4 is silently discarded.") {
  for (const int version : {0, 5, 6, 15}) {
    IsDiscarded(b, Ping4(b.peer, b.device).Set(ipv4::kVersion, version));
  }
}

CONFORM(2, MUST, "RFC 1122 3.2.1.2",
        "A datagram whose header checksum is wrong is silently discarded.") {
  IsDiscarded(b, Ping4(b.peer, b.device).Set(ipv4::kChecksum, 0x1111));
}

CONFORM(3, MUST, "RFC 791 3.1; RFC 1122 1.2.2",
        "A datagram whose header length is below 5 words is silently discarded.") {
  for (const int words : {0, 4}) {
    IsDiscarded(b, Ping4(b.peer, b.device).Set(ipv4::kHeaderLength, words));
  }
}

CONFORM(4, MUST, "RFC 791 3.1; RFC 1122 1.2.2",
        "A datagram whose header length is more than the datagram has is silently discarded.") {
  const Frame datagram = Ip4(b.peer, b.device).Set(ipv4::kHeaderLength, 15) / EchoRequest4(1, 1);
  IsDiscarded(b, datagram);
}

CONFORM(5, MUST, "RFC 791 3.1; RFC 1122 1.2.2",
        "A datagram whose total length is less than its header is silently discarded.") {
  for (const int length : {0, 19}) {
    IsDiscarded(b, Ping4(b.peer, b.device).Set(ipv4::kTotalLength, length));
  }
}

CONFORM(6, MUST, "RFC 791 3.1; RFC 1122 1.2.2",
        "A datagram whose total length is more than the frame has is silently discarded.") {
  IsDiscarded(b, Ping4(b.peer, b.device, 32).Set(ipv4::kTotalLength, 61));
}

CONFORM(7, MUST, "RFC 894; RFC 791 3.1",
        "Bytes of the frame behind the total length are not part of the datagram.") {
  const Frame padded = Ip4(b.peer, b.device).Set(ipv4::kTotalLength, 20 + 8 + 5) /
                       EchoRequest4(1, 1).Set(icmp4::kChecksum, FoldSum(SumWords(
                           Frame(EchoRequest4(1, 1).Set(icmp4::kChecksum, 0) / Raw(5))
                               .Build().data(), 13))) /
                       Raw(Join({Pattern(5), Bytes(13, 0xaa)}));
  b.Send(padded);
  b.Expect(EchoReply4() && PayloadIs(Pattern(5)));
}

CONFORM(8, MUST, "RFC 1122 3.2.1.3; 3.3.1",
        "A datagram for another host is silently discarded by a host, and not forwarded.") {
  Node stray = b.device;
  stray.ip4 = b.other.ip4;
  b.StartAnswering(b.other);
  b.Send(Ping4(b.peer, stray));
  b.ExpectNothing(Has(Kind::kIpv4));
  ExpectAlive(b);
}

CONFORM(9, MUST, "RFC 1122 3.2.1.3 (g)",
        "A datagram from the network to a loopback address is silently discarded.") {
  Node loopback = b.device;
  loopback.ip4 = "127.0.0.1";
  IsDiscarded(b, Ping4(b.peer, loopback));
}

CONFORM(10, MUST, "RFC 1122 3.2.1.3",
        "A datagram with a loopback, broadcast or multicast source is silently discarded.") {
  for (const char* source : {"127.0.0.1", "255.255.255.255", "192.0.2.255", "224.0.0.5"}) {
    IsDiscarded(b, Ping4(b.peer, b.device).Set(ipv4::kSource, Ip(source)));
  }
}

CONFORM(11, MUST, "RFC 1122 3.2.1.3",
        "A datagram that claims to come from the device itself is not answered onto the network.") {
  b.Send(Ping4(b.peer, b.device).Set(ipv4::kSource, b.device.ip4));
  b.ExpectNothing(EchoReply4());
  ExpectAlive(b);
}

CONFORM(12, MUST, "RFC 1122 3.2.1.7",
        "A datagram for the device is accepted with a TTL of 1 and of 0.") {
  for (const int ttl : {1, 0}) {
    b.Send(Ping4(b.peer, b.device, 8, 50 + ttl).Set(ipv4::kTtl, ttl));
    b.Expect(EchoReply4() && Is(icmp4::kSequence, 50 + ttl));
  }
}

CONFORM(13, MUST, "RFC 791 3.1; RFC 3168 5",
        "Whatever the type of service and ECN bits are, a datagram is accepted.") {
  for (const int tos : {0x00, 0x01, 0x02, 0x03, 0x10, 0xb8, 0xff}) {
    b.Send(Ping4(b.peer, b.device, 8, 100 + tos).Set(ipv4::kTos, tos));
    b.Expect(EchoReply4() && Is(icmp4::kSequence, 100 + tos));
  }
}

CONFORM(14, SHOULD, "RFC 1122 3.3.6",
        "A datagram to the device's own address in a link-layer broadcast is silently discarded.") {
  b.Send(Ping4(b.peer, b.device).Set(eth::kDestination, Mac::Broadcast()));
  b.ExpectNothing(EchoReply4());
  ExpectAlive(b);
}

CONFORM(15, MUST, "RFC 1122 3.2.1.3",
        "Datagrams to the limited and to the network's broadcast address are received.",
        {.needs = kUdp}) {
  Socket socket = b.OpenUdp();
  socket.Bind(5000);
  for (const char* address : {"255.255.255.255", "192.0.2.255"}) {
    b.Send(Ip4ToGroup(b.peer, address) / Udp(4000, 5000) / Raw(10));
    b.Check(socket.Receive().data == Pattern(10), "the broadcast was not received");
  }
}

CONFORM(16, MUST, "RFC 1112 7.2; RFC 1122 3.2.3",
        "Datagrams to a group are received by who joined it, and not before.",
        {.needs = kUdp | kMulticast}) {
  Socket socket = b.OpenUdp();
  socket.Bind(5000);
  const Frame datagram = Ip4ToGroup(b.peer, "233.252.0.9") / Udp(4000, 5000) / Raw(10);
  b.Send(datagram);
  socket.ExpectNoData();
  socket.Join("233.252.0.9");
  b.Send(datagram);
  b.Check(socket.Receive().data == Pattern(10), "the datagram was not received");
}

// --- Options -----------------------------------------------------------------------------------

Frame PingWithOptions(Bench& b, const Bytes& options) {
  return Eth(b.device.mac, b.peer.mac) / Ipv4(b.peer.ip4, b.device.ip4).Options(options) /
         EchoRequest4(1, 1) / Raw(8);
}

CONFORM(17, MUST, "RFC 1122 3.2.1.8",
        "An option that is not known is ignored: the datagram is received.") {
  b.Send(PingWithOptions(b, Tlv(0x5e, Bytes(4, 0x77))));
  b.Expect(EchoReply4());
}

CONFORM(18, MUST, "RFC 791 3.1",
        "No operation and end of options are understood; what follows the end is ignored.") {
  b.Send(PingWithOptions(b, {1, 1, 1, 0, 0xff, 0xff, 0xff, 0xff}));
  b.Expect(EchoReply4());
}

CONFORM(19, SHOULD, "RFC 1122 3.2.2.5; RFC 791 3.1",
        "A datagram with an option that is longer than the header, or shorter than 2, is not "
        "received.") {
  for (const Bytes& options : {Bytes{7, 40, 4, 0}, Bytes{7, 1, 4, 0}, Bytes{7, 0, 4, 0}}) {
    b.Send(PingWithOptions(b, options));
    b.ExpectNothing(EchoReply4(), 300ms);
  }
  ExpectAlive(b);
}

// --- Hosts that have more than one interface, and groups -----------------------------------------

CONFORM(35, MUST, "RFC 1122 3.1",
        "A host with two interfaces does not become a router by itself.", {.needs = kTwoPorts}) {
  Node through = b.peer1;
  through.mac = b.device.mac;
  b.Send(Ping4(b.peer, through));
  b.ExpectNothing(EchoRequest4() && OnPort(1));
  ExpectAlive(b);
}

CONFORM(36, SHOULD, "RFC 1122 3.3.7; RFC 1112 7.2",
        "Every host is a member of the group of all hosts, from the start.", {.needs = kSysctls}) {
  b.SetSysctl("ipv4.icmp_echo_ignore_broadcasts", "0");
  b.Send(Ip4ToGroup(b.peer, "224.0.0.1") / EchoRequest4(1, 1) / Raw(8));
  b.Expect(EchoReply4() && From(b.device.ip4) && To(b.peer.ip4));
}

CONFORM(57, MUST, "RFC 6864 4.1",
        "Of datagrams that are not fragments the identification means nothing: all of one are "
        "received.") {
  for (const int sequence : {1, 2, 3}) {
    b.Send(Ping4(b.peer, b.device, 8, sequence).Set(ipv4::kId, 7).Set(ipv4::kDontFragment, 1));
    b.Expect(EchoReply4() && Is(icmp4::kSequence, sequence));
  }
}

}  // namespace
}  // namespace moat::conform
