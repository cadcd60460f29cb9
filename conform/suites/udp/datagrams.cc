// The header, the checksum, ports and addresses: what is delivered to whom (RFC 768, RFC 1122 4.1,
// RFC 8200 8.1).
#include "conform/bench/both_versions.h"
#include "conform/bench/socket.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("udp");

constexpr int kPeerPort = 4000;
constexpr int kPort = 5000;

Frame Datagram(Bench& b, bool v6, const Bytes& data, int to = kPort) {
  return IpOf(v6, b.peer, b.device) / Udp(kPeerPort, to) / Raw(data);
}

Socket Bound(Bench& b, bool v6, int port = kPort) {
  Socket socket = b.OpenUdp(v6);
  socket.Bind(port);
  return socket;
}

void Delivers(Bench& b, Socket& socket, const Bytes& data) {
  b.Check(socket.Receive().data == data, "the program got something else");
}

// The frame does not reach the program, while a right one does; nothing is said about it.
void IsDiscarded(Bench& b, bool v6, const Frame& frame) {
  Socket socket = Bound(b, v6);
  b.Send(frame);
  socket.ExpectNoData(200ms);
  b.ExpectNothing(Has(v6 ? Kind::kIcmp6 : Kind::kIcmp4) && To(b.peer.ip(v6)) &&
                      Where("an error",
                            [v6](const Packet& p) {
                              return v6 ? p.Get(icmp6::kType) < 128 : p.Get(icmp4::kType) == 3;
                            }),
                  100ms);
  b.Send(Datagram(b, v6, Pattern(7)));
  Delivers(b, socket, Pattern(7));
}

Match PortUnreachable(bool v6) {
  return v6 ? Icmp6Error(icmp6::kUnreachable, icmp6::kPort)
            : Icmp4Error(icmp4::kUnreachable, icmp4::kPort);
}

// --- Sending -------------------------------------------------------------------------------------

CONFORM_BOTH(1, MUST, "RFC 768",
             "A datagram that the program sends has its ports, length and data.", {.needs = kUdp}) {
  Socket socket = Bound(b, v6);
  socket.SendTo({b.peer.ip(v6), kPeerPort}, Pattern(100));
  b.Expect(UdpTo(kPeerPort) && Is(udp::kSourcePort, kPort) && Is(udp::kLength, 108) &&
           PayloadIs(Pattern(100)));
}
CONFORM_BOTH(2, MUST, "RFC 768; RFC 1122 4.1.3.4 (checksums by default)",
             "Datagrams are sent with a right checksum, which is not zero.", {.needs = kUdp}) {
  Socket socket = Bound(b, v6);
  for (const size_t size : {1, 2, 77, 1000}) {
    socket.SendTo({b.peer.ip(v6), kPeerPort}, Pattern(size));
    b.Expect(UdpTo(kPeerPort) && IsNot(udp::kChecksum, 0));
  }
}
CONFORM_BOTH(3, MUST, "RFC 768, Checksum; RFC 8200 8.1",
             "A checksum that is computed as zero is sent as 0xffff.", {.needs = kUdp}) {
  Socket socket = Bound(b, v6);
  socket.SendTo({b.peer.ip(v6), kPeerPort}, Bytes{0, 0});
  const Packet first = b.Expect(UdpTo(kPeerPort));
  // Data that equals the checksum of zeros makes the sum 0xffff, and its complement zero.
  const auto sum = static_cast<uint16_t>(first.Get(udp::kChecksum));
  socket.SendTo({b.peer.ip(v6), kPeerPort}, Be16(sum));
  b.Expect(UdpTo(kPeerPort) && PayloadIs(Be16(sum)) && Is(udp::kChecksum, 0xffff));
}
CONFORM_BOTH(4, MUST, "RFC 768, Length", "A datagram without data has the length 8.",
             {.needs = kUdp}) {
  Socket socket = Bound(b, v6);
  socket.SendTo({b.peer.ip(v6), kPeerPort}, {});
  b.Expect(UdpTo(kPeerPort) && Is(udp::kLength, 8));
}
CONFORM_BOTH(5, MUST, "RFC 1122 4.1.3.6; 4.1.4",
             "The source address is one of the device's own, of the interface that is used.",
             {.needs = kUdp}) {
  Socket socket = b.OpenUdp(v6);
  socket.SendTo({b.peer.ip(v6), kPeerPort}, Pattern(10));
  b.Expect(UdpTo(kPeerPort) && From(b.device.ip(v6)));
}
CONFORM_BOTH(6, MUST, "RFC 1122 4.1.4", "The program can choose the source address.",
             {.needs = kUdp | kAddresses}) {
  const Prefix second = v6 ? Prefix{"2001:db8::77", 64} : Prefix{"192.0.2.77", 24};
  b.AddAddress(second);
  Socket socket = b.OpenUdp(v6);
  socket.Bind(Endpoint{second.address, kPort});
  socket.SendTo({b.peer.ip(v6), kPeerPort}, Pattern(10));
  b.Expect(UdpTo(kPeerPort) && From(second.address));
}
CONFORM_BOTH(7, MUST, "RFC 1122 4.1.4", "The program can choose the time to live (hop limit).",
             {.needs = kUdp}) {
  Socket socket = b.OpenUdp(v6);
  socket.Set(v6 ? Option::kHopLimit : Option::kTtl, 17);
  socket.SendTo({b.peer.ip(v6), kPeerPort}, Pattern(10));
  b.Expect(UdpTo(kPeerPort) && Is(v6 ? ipv6::kHopLimit : ipv4::kTtl, 17));
}
CONFORM_BOTH(8, MUST, "RFC 1122 4.1.4",
             "The program can choose the type of service (traffic class).", {.needs = kUdp}) {
  Socket socket = b.OpenUdp(v6);
  socket.Set(v6 ? Option::kTrafficClass : Option::kTos, 0x48);
  socket.SendTo({b.peer.ip(v6), kPeerPort}, Pattern(10));
  b.Expect(UdpTo(kPeerPort) && Is(v6 ? ipv6::kTrafficClass : ipv4::kTos, 0x48));
}
CONFORM_BOTH(9, MUST, "RFC 768; RFC 8085 3.2 (effective MTU)",
             "A datagram that exceeds the link is sent in fragments, or refused; never cut.",
             {.needs = kUdp}) {
  Socket socket = Bound(b, v6);
  const int result = socket.TrySend(Pattern(3000), Endpoint{b.peer.ip(v6), kPeerPort});
  if (result < 0) return b.CheckEqual(result, -EMSGSIZE, "the error");
  size_t bytes = 0;
  for (const Packet& p : b.Collect(From(b.device.ip(v6)), 300ms)) {
    if (v6 && p.Has(Kind::kFragment)) bytes += p.Get(ipv6::kPayloadLength) - 8;
    if (!v6 && p.Get(ipv4::kProtocol) == proto::kUdp) bytes += p.Get(ipv4::kTotalLength) - 20;
  }
  b.CheckEqual(static_cast<int64_t>(bytes), 3008, "octets in all fragments");
}
CONFORM_BOTH(10, MUST, "RFC 768, Length", "More than 65535 octets in all are refused.",
             {.needs = kUdp}) {
  Socket socket = Bound(b, v6);
  const int result = socket.TrySend(Pattern(65530), Endpoint{b.peer.ip(v6), kPeerPort});
  b.CheckEqual(result, -EMSGSIZE, "the error");
}

// --- Receiving -----------------------------------------------------------------------------------

CONFORM_BOTH(11, MUST, "RFC 768, User Interface",
             "The program gets the data, and the sender's address and port.", {.needs = kUdp}) {
  Socket socket = Bound(b, v6);
  b.Send(Datagram(b, v6, Pattern(100)));
  const Received received = socket.Receive();
  b.Check(received.data == Pattern(100), "the data are not what was sent");
  b.Check(received.from.ip == b.peer.ip(v6) && received.from.port == kPeerPort,
          "the sender is not who sent it");
}
CONFORM_BOTH(12, MUST, "RFC 768", "A datagram without data reaches the program.", {.needs = kUdp}) {
  Socket socket = Bound(b, v6);
  b.Send(Datagram(b, v6, {}));
  const Received received = socket.Receive();
  b.CheckEqual(received.from.port, kPeerPort, "the sender's port");
}
CONFORM_BOTH(13, MUST, "RFC 768", "A datagram from port 0 (no answer wanted) reaches the program.",
             {.needs = kUdp}) {
  Socket socket = Bound(b, v6);
  b.Send(IpOf(v6, b.peer, b.device) / Udp(0, kPort) / Raw(10));
  Delivers(b, socket, Pattern(10));
}
CONFORM_BOTH(14, MUST, "RFC 768", "Each datagram is delivered by itself, in the order of arrival.",
             {.needs = kUdp}) {
  Socket socket = Bound(b, v6);
  for (const uint8_t first : {1, 2, 3}) b.Send(Datagram(b, v6, Pattern(10, first)));
  for (const uint8_t first : {1, 2, 3}) Delivers(b, socket, Pattern(10, first));
}
CONFORM_BOTH(15, MUST, "RFC 768", "A datagram goes to the socket of its destination port only.",
             {.needs = kUdp}) {
  Socket right = Bound(b, v6, kPort);
  Socket wrong = Bound(b, v6, kPort + 1);
  b.Send(Datagram(b, v6, Pattern(10)));
  Delivers(b, right, Pattern(10));
  wrong.ExpectNoData(100ms);
}
CONFORM_BOTH(16, MUST, "RFC 1122 4.1.3.5",
             "A socket that is bound to an address gets only what was sent to it.",
             {.needs = kUdp | kAddresses}) {
  const Prefix second = v6 ? Prefix{"2001:db8::77", 64} : Prefix{"192.0.2.77", 24};
  b.AddAddress(second);
  Socket socket = b.OpenUdp(v6);
  socket.Bind(Endpoint{second.address, kPort});
  b.Send(Datagram(b, v6, Pattern(10)));
  socket.ExpectNoData(100ms);
  b.Send(Datagram(b, v6, Pattern(11))
             .Set(v6 ? ipv6::kDestination : ipv4::kDestination, second.address));
  Delivers(b, socket, Pattern(11));
}
CONFORM_BOTH(17, MUST, "RFC 1122 4.1.3.5; POSIX connect()",
             "A connected socket gets datagrams from its peer only.", {.needs = kUdp}) {
  Socket socket = Bound(b, v6);
  socket.Connect({b.peer.ip(v6), kPeerPort});
  b.Send(IpOf(v6, b.other, b.device) / Udp(kPeerPort, kPort) / Raw(10));
  b.Send(IpOf(v6, b.peer, b.device) / Udp(kPeerPort + 1, kPort) / Raw(11));
  b.Send(Datagram(b, v6, Pattern(12)));
  Delivers(b, socket, Pattern(12));
  socket.ExpectNoData(100ms);
}
CONFORM_BOTH(18, MUST, "RFC 1122 3.3.2; RFC 8200 4.5",
             "A datagram that came in fragments is delivered whole.", {.needs = kUdp}) {
  Socket socket = Bound(b, v6);
  const Frame whole = Datagram(b, v6, Pattern(4000));
  b.SendAll(v6 ? FragmentIpv6(whole, {1232, 1232, 1232}) : FragmentIpv4(whole, {1480, 1480}));
  Delivers(b, socket, Pattern(4000));
}
CONFORM_BOTH(19, MUST, "RFC 768, Length",
             "What lies behind the length in the UDP header is not delivered.", {.needs = kUdp}) {
  // The checksum is over the length that the header has.
  Socket socket = Bound(b, v6);
  const Packet small = Packet::OfFrame(Datagram(b, v6, Pattern(10)).Build());
  b.Send(Datagram(b, v6, Pattern(20))
             .Set(udp::kLength, 18)
             .Set(udp::kChecksum, small.Get(udp::kChecksum)));
  b.Send(Datagram(b, v6, Pattern(5)));
  const Received received = socket.Receive();
  b.Check(received.data == Pattern(10) || received.data == Pattern(5),
          "octets behind the length were delivered");
}

// --- What is wrong -------------------------------------------------------------------------------

CONFORM_BOTH(20, MUST, "RFC 1122 4.1.3.4; RFC 8200 8.1",
             "A datagram with a wrong checksum is discarded silently.", {.needs = kUdp}) {
  IsDiscarded(b, v6, Datagram(b, v6, Pattern(10)).Set(udp::kChecksum, 0x1234));
}
CONFORM_BOTH(21, MUST, "RFC 768, Checksum",
             "The checksum covers the addresses (the pseudo-header).", {.needs = kUdp}) {
  const Frame others = IpOf(v6, b.other, b.device) / Udp(kPeerPort, kPort) / Raw(10);
  const auto sum = Packet::OfFrame(others.Build()).Get(udp::kChecksum);
  IsDiscarded(b, v6, Datagram(b, v6, Pattern(10)).Set(udp::kChecksum, sum));
}
CONFORM_BOTH(22, MUST, "RFC 768, Checksum",
             "The checksum covers data of an odd number of octets to the last.", {.needs = kUdp}) {
  Bytes wrong = Pattern(11);
  wrong.back() ^= 1;
  const auto sum = Packet::OfFrame(Datagram(b, v6, Pattern(11)).Build()).Get(udp::kChecksum);
  IsDiscarded(b, v6, Datagram(b, v6, wrong).Set(udp::kChecksum, sum));
}
CONFORM_BOTH(23, MUST, "RFC 768, Length", "A length of less than 8 is discarded.",
             {.needs = kUdp}) {
  IsDiscarded(b, v6, Datagram(b, v6, Pattern(10)).Set(udp::kLength, 7));
}
CONFORM_BOTH(24, MUST, "RFC 768, Length; RFC 1122 1.2.2",
             "A length that exceeds the packet is discarded.", {.needs = kUdp}) {
  IsDiscarded(b, v6, Datagram(b, v6, Pattern(10)).Set(udp::kLength, 200));
}
CONFORM_BOTH(25, MUST, "RFC 768; RFC 1122 1.2.2",
             "A packet that is shorter than the UDP header is discarded.", {.needs = kUdp}) {
  const Frame whole = Datagram(b, v6, {});
  IsDiscarded(b, v6, whole.layers()[0] / whole.layers()[1] / whole.layers()[2].Truncate(6));
}
CONFORM(26, MUST, "RFC 1122 4.1.3.4", "Without a checksum (zero) a datagram is taken over IPv4.",
        {.needs = kUdp}) {
  Socket socket = Bound(b, false);
  b.Send(Datagram(b, false, Pattern(10)).Set(udp::kChecksum, 0));
  Delivers(b, socket, Pattern(10));
}

// --- Nobody there --------------------------------------------------------------------------------

CONFORM_BOTH(27, SHOULD, "RFC 1122 4.1.3.1; RFC 4443 3.1",
             "A datagram to a port that nobody has is answered by port unreachable.") {
  b.Send(Datagram(b, v6, Pattern(10)));
  b.Expect(PortUnreachable(v6) && To(b.peer.ip(v6)));
}
CONFORM_BOTH(28, MUST, "RFC 1122 3.2.2; RFC 4443 3.1", "Port unreachable quotes the datagram.") {
  b.Send(Datagram(b, v6, Pattern(10)));
  b.Expect(PortUnreachable(v6) && Quotes(UdpTo(kPort) && Is(udp::kSourcePort, kPeerPort)));
}
CONFORM_BOTH(29, MUST, "RFC 1122 4.1.3.4",
             "A wrong checksum to a port that nobody has is not answered.") {
  b.Send(Datagram(b, v6, Pattern(10)).Set(udp::kChecksum, 0x1234));
  b.ExpectNothing(PortUnreachable(v6));
  b.Send(Datagram(b, v6, Pattern(10)));
  b.Expect(PortUnreachable(v6));
}
CONFORM_BOTH(30, SHOULD, "RFC 1122 4.1.3.1", "A port whose socket was closed is nobody's again.",
             {.needs = kUdp}) {
  Socket socket = Bound(b, v6);
  b.Send(Datagram(b, v6, Pattern(10)));
  Delivers(b, socket, Pattern(10));
  b.ExpectNothing(PortUnreachable(v6), 100ms);
  socket.Close();
  b.Send(Datagram(b, v6, Pattern(10)));
  b.Expect(PortUnreachable(v6));
}

}  // namespace
}  // namespace moat::conform
