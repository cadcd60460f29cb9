// Errors: when they are sent, when they must not be, and what is done with those that come.
#include "conform/bench/case.h"
#include "conform/bench/socket.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("icmpv4");

constexpr int kClosedPort = 7777;

Match AnyError() {
  return Has(Kind::kIcmp4) && Where("an ICMP error", [](const Packet& p) {
           const uint64_t type = p.Get(icmp4::kType);
           return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
         });
}

void ExpectAlive(Bench& b) {
  b.Send(Ping4(b.other, b.device, 8, 99));
  b.Expect(EchoReply4() && Is(icmp4::kSequence, 99));
}

CONFORM(15, SHOULD, "RFC 1122 3.2.2.1; 4.1.3.1",
        "A datagram to a UDP port that nobody listens on gets port unreachable.") {
  b.Send(Udp4(b.peer, b.device, 4000, kClosedPort, Pattern(30)));
  b.Expect(Icmp4Error(icmp4::kUnreachable, icmp4::kPort) && To(b.peer.ip4) &&
           From(b.device.ip4) && Quotes(UdpTo(kClosedPort)));
}

CONFORM(16, SHOULD, "RFC 1122 3.2.2.1",
        "A datagram of a transport protocol that the device does not have gets protocol "
        "unreachable.") {
  b.Send(Ip4(b.peer, b.device).Set(ipv4::kProtocol, 200) / Raw(30));
  b.Expect(Icmp4Error(icmp4::kUnreachable, icmp4::kProtocol) && To(b.peer.ip4) &&
           Quotes(Is(ipv4::kProtocol, 200)));
}

CONFORM(17, MUST, "RFC 1122 3.2.2",
        "An error quotes the header and at least 8 octets of the datagram, unchanged.") {
  const Frame datagram = Udp4(b.peer, b.device, 4000, kClosedPort, Pattern(30))
                             .Set(ipv4::kId, 0xabcd).Set(ipv4::kTos, 0x10);
  b.Send(datagram);
  const Packet error = b.Expect(Icmp4Error(icmp4::kUnreachable, icmp4::kPort));
  const Bytes sent = datagram.Inner().Build();
  const Bytes quoted = error.Payload();
  b.Check(quoted.size() >= 28, "less is quoted than the header and 8 octets");
  if (!b.ok()) return;
  b.Check(std::equal(quoted.begin(), quoted.begin() + 28, sent.begin()),
          "what is quoted is not what was sent");
}

CONFORM(18, MUST, "RFC 792, Destination Unreachable",
        "The unused part of destination unreachable is zero.") {
  b.Send(Udp4(b.peer, b.device, 4000, kClosedPort, Pattern(30)));
  b.Expect(Icmp4Error(icmp4::kUnreachable, icmp4::kPort) && Is(icmp4::kRest, 0));
}

CONFORM(19, MUST, "RFC 1122 3.2.2", "No error is sent about an ICMP error.") {
  const Bytes quoted = Frame(Ipv4(b.device.ip4, b.peer.ip4) / Udp(1, 2)).Build();
  for (const int type : {icmp4::kUnreachable, icmp4::kTimeExceeded, icmp4::kParameterProblem}) {
    b.Send(Ip4(b.peer, b.device) / Icmp4(type, 99) / Raw(quoted));
    b.Send(Ip4(b.peer, b.device) / Icmp4(type) / Raw(Bytes(3)));
  }
  b.ExpectNothing(AnyError());
  ExpectAlive(b);
}

CONFORM(20, MUST, "RFC 1122 3.2.2",
        "No error is sent about a datagram to a broadcast or multicast address.") {
  for (const char* group : {"192.0.2.255", "255.255.255.255", "224.0.0.1"}) {
    b.Send(Ip4ToGroup(b.peer, group) / Udp(4000, kClosedPort) / Raw(8));
    b.Send(Ip4ToGroup(b.peer, group).Set(ipv4::kProtocol, 200) / Raw(8));
  }
  b.ExpectNothing(AnyError());
  ExpectAlive(b);
}

CONFORM(21, MUST, "RFC 1122 3.2.2",
        "No error is sent about a datagram that came as a link-layer broadcast.") {
  b.Send(Udp4(b.peer, b.device, 4000, kClosedPort, Pattern(8))
             .Set(eth::kDestination, Mac::Broadcast()));
  b.ExpectNothing(AnyError());
  ExpectAlive(b);
}

CONFORM(22, MUST, "RFC 1122 3.2.2", "No error is sent about a fragment that is not the first.") {
  b.Send(Ip4(b.peer, b.device).Set(ipv4::kProtocol, 200).Set(ipv4::kFragmentOffset, 100) /
         Raw(64));
  b.ExpectNothing(AnyError(), 2s);
  ExpectAlive(b);
}

CONFORM(23, MUST, "RFC 1122 3.2.2",
        "No error is sent about a datagram whose source is not one host: unspecified, loopback, "
        "broadcast, multicast or class E.") {
  for (const char* source :
       {"0.0.0.0", "127.0.0.1", "255.255.255.255", "192.0.2.255", "224.0.0.1", "240.0.0.1"}) {
    b.Send(Udp4(b.peer, b.device, 4000, kClosedPort, Pattern(8)).Set(ipv4::kSource, Ip(source)));
  }
  b.ExpectNothing(AnyError());
  ExpectAlive(b);
}

CONFORM(24, MUST, "RFC 1122 3.3.2",
        "When reassembly times out and the first fragment is there, time exceeded is sent.") {
  const std::vector<Frame> fragments =
      FragmentIpv4(Udp4(b.peer, b.device, 4000, kClosedPort, Pattern(100)), {48, 40});
  b.Send(fragments[0]);
  b.Expect(Icmp4Error(icmp4::kTimeExceeded, 1) && To(b.peer.ip4) && Quotes(UdpTo(kClosedPort)),
           130s);
}

CONFORM(25, MUST, "RFC 792, Time Exceeded",
        "When reassembly times out and the first fragment is not there, nothing is sent.") {
  const std::vector<Frame> fragments =
      FragmentIpv4(Udp4(b.peer, b.device, 4000, kClosedPort, Pattern(100)), {48, 40});
  b.Send(fragments[1]);
  b.ExpectNothing(AnyError(), 130s);
  ExpectAlive(b);
}

CONFORM(26, MUST, "RFC 1122 3.2.2.1; 4.1.3.3",
        "Port unreachable about a datagram of a program reaches that program.", {.needs = kUdp}) {
  Socket socket = b.OpenUdp();
  socket.Connect({b.peer.ip4, 4000});
  socket.Send(Pattern(10));
  const Packet sent = b.Expect(UdpTo(4000));
  b.Send(Ip4(b.peer, b.device) / Icmp4(icmp4::kUnreachable, icmp4::kPort) /
         Raw(sent.From(Kind::kIpv4)));
  socket.ExpectError(ECONNREFUSED);
}

CONFORM(27, MUST, "RFC 1122 3.2.2.1; RFC 5927 4.1",
        "Port unreachable about something that the device did not send reaches no program.",
        {.needs = kUdp}) {
  Socket socket = b.OpenUdp();
  socket.Connect({b.peer.ip4, 4000});
  socket.Send(Pattern(10));
  const Packet sent = b.Expect(UdpTo(4000));
  Bytes quoted = sent.From(Kind::kIpv4);
  quoted.resize(28);
  quoted[21] ^= 1;  // another source port
  b.Send(Ip4(b.peer, b.device) / Icmp4(icmp4::kUnreachable, icmp4::kPort) / Raw(quoted));
  b.CheckEqual(socket.Error(500ms), 0, "the socket's error");
}

CONFORM(28, SHOULD, "RFC 1812 4.3.2.8; RFC 1122 3.2.2",
        "Errors are limited in rate: a flood of bad datagrams is not answered one by one.") {
  for (int i = 0; i < 3000; ++i) {
    b.Send(Udp4(b.peer, b.device, 4000, kClosedPort, Pattern(8)));
  }
  const size_t errors = b.Collect(AnyError(), 500ms).size();
  b.Check(errors >= 1, "there was no error at all");
  b.Check(errors < 1500, "there were " + std::to_string(errors) + " errors for 3000 datagrams");
}

CONFORM(29, MUST, "RFC 6633 3", "A source quench is silently discarded.", {.needs = kUdp}) {
  Socket socket = b.OpenUdp();
  socket.Connect({b.peer.ip4, 4000});
  socket.Send(Pattern(10));
  const Packet sent = b.Expect(UdpTo(4000));
  b.Send(Ip4(b.peer, b.device) / Icmp4(icmp4::kSourceQuench) / Raw(sent.From(Kind::kIpv4)));
  b.CheckEqual(socket.Error(300ms), 0, "the socket's error");
  b.ExpectNothing(Has(Kind::kIcmp4));
}

CONFORM(34, SHOULD, "RFC 1122 3.2.2",
        "An error has normal type of service bits, whatever the datagram had.") {
  b.Send(Udp4(b.peer, b.device, 4000, kClosedPort, Pattern(30)).Set(ipv4::kTos, 0x14));
  b.Expect(Icmp4Error(icmp4::kUnreachable, icmp4::kPort) &&
           Where("type of service bits of 0",
                 [](const Packet& p) { return (p.Get(ipv4::kTos) & 0x1f) == 0; }));
}

// What a program that asks for all errors gets of an ICMP message about its datagram.
int ErrorOf(Bench& b, int type, int code) {
  Socket socket = b.OpenUdp();
  socket.Set(Option::kReceiveErrors, 1);
  socket.Connect({b.peer.ip4, 4000});
  socket.Send(Pattern(10));
  const Packet sent = b.Expect(UdpTo(4000));
  b.Send(Ip4(b.peer, b.device) / Icmp4(type, code) / Raw(sent.From(Kind::kIpv4)));
  return socket.Error();
}

CONFORM(35, MUST, "RFC 1122 3.2.2.4",
        "Time exceeded is passed up to the program, with either code.", {.needs = kUdp}) {
  b.Check(ErrorOf(b, icmp4::kTimeExceeded, 0) > 0, "there is no error after code 0");
  b.Check(ErrorOf(b, icmp4::kTimeExceeded, 1) > 0, "there is no error after code 1");
}

CONFORM(36, MUST, "RFC 1122 3.2.2.5", "A parameter problem is passed up to the program.",
        {.needs = kUdp}) {
  b.Check(ErrorOf(b, icmp4::kParameterProblem, 0) > 0, "there is no error");
}

}  // namespace
}  // namespace moat::conform
