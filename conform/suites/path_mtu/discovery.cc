// Path MTU discovery of a sender: what a packet too big message changes, and what it must not.
#include <algorithm>

#include "conform/bench/case.h"
#include "conform/bench/socket.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("path-mtu");

// The device's next datagram of 1400 bytes to the remote node.
Packet SentWhole(Bench& b, Socket& socket) {
  socket.SendTo({b.remote.ip6, 4000}, Pattern(1400));
  return b.Expect(UdpTo(4000) && !Has(Kind::kFragment));
}

// The router's message about a packet of the device.
Frame TooBig(const Bench& b, const Packet& sent, uint32_t mtu) {
  Bytes quoted = sent.From(Kind::kIpv6);
  quoted.resize(std::min<size_t>(quoted.size(), 1232));
  return Ip6(b.router, b.device) / Icmp6(icmp6::kPacketTooBig, 0, mtu) / Raw(quoted);
}

// Lengths of the packets that carry the next datagram of 1400 bytes to `to`.
std::vector<size_t> NextLengths(Bench& b, Socket& socket, const Ip& to) {
  b.Forget();
  (void)socket.TrySend(Pattern(1400), Endpoint{to, 4000});  // may tell of the message first
  std::vector<Packet> sent = b.Collect(To(to) && (UdpTo(4000) || Has(Kind::kFragment)), 500ms);
  if (sent.empty()) {
    (void)socket.TrySend(Pattern(1400), Endpoint{to, 4000});
    sent = b.Collect(To(to) && (UdpTo(4000) || Has(Kind::kFragment)), 500ms);
  }
  b.Check(!sent.empty(), "the datagram was not sent");
  std::vector<size_t> lengths;
  for (const Packet& p : sent) lengths.push_back(p.From(Kind::kIpv6).size());
  return lengths;
}

void ExpectAtMost(Bench& b, const std::vector<size_t>& lengths, size_t mtu) {
  b.Check(lengths.size() >= 2, "the datagram was not cut");
  for (const size_t length : lengths) {
    b.CheckBetween(static_cast<double>(length), 48, static_cast<double>(mtu), "length");
  }
}
void ExpectWhole(Bench& b, const std::vector<size_t>& lengths) {
  b.Check(lengths.size() == 1 && lengths[0] == 1448, "the datagram was not sent whole");
}

CONFORM(1, MUST, "RFC 8201 4",
        "After packet too big, packets are not longer than the MTU reported.", {.needs = kUdp}) {
  Socket socket = b.OpenUdp(true);
  b.Send(TooBig(b, SentWhole(b, socket), 1320));
  b.Wait(100ms);
  ExpectAtMost(b, NextLengths(b, socket, b.remote.ip6), 1320);
}

CONFORM(2, MUST, "RFC 8201 4", "The path MTU is not taken below 1280.", {.needs = kUdp}) {
  Socket socket = b.OpenUdp(true);
  b.Send(TooBig(b, SentWhole(b, socket), 600));
  b.Wait(100ms);
  const std::vector<size_t> lengths = NextLengths(b, socket, b.remote.ip6);
  b.Check(!lengths.empty() && lengths[0] > 1200, "packets became shorter than 1280 asks for");
}

CONFORM(3, MUST, "RFC 8201 4; RFC 8200 5",
        "An MTU below 1280 does not make the device put a fragment header into short packets.",
        {.needs = kUdp}) {
  Socket socket = b.OpenUdp(true);
  b.Send(TooBig(b, SentWhole(b, socket), 600));
  b.Wait(100ms);
  b.Forget();
  if (socket.TrySend(Pattern(100), Endpoint{b.remote.ip6, 4000}) < 0) {
    socket.SendTo({b.remote.ip6, 4000}, Pattern(100));
  }
  b.Expect(UdpTo(4000) && !Has(Kind::kFragment) && PayloadIs(Pattern(100)));
}

CONFORM(4, MUST, "RFC 8201 4", "A message with an MTU above the present one changes nothing.",
        {.needs = kUdp}) {
  Socket socket = b.OpenUdp(true);
  const Packet sent = SentWhole(b, socket);
  b.Send(TooBig(b, sent, 1320));
  b.Send(TooBig(b, sent, 9000));
  b.Wait(100ms);
  ExpectAtMost(b, NextLengths(b, socket, b.remote.ip6), 1320);
}

CONFORM(5, MUST, "RFC 8201 5.2", "The MTU of one path does not bind packets to other destinations.",
        {.needs = kUdp}) {
  Socket socket = b.OpenUdp(true);
  b.Send(TooBig(b, SentWhole(b, socket), 1320));
  b.Wait(100ms);
  ExpectWhole(b, NextLengths(b, socket, "2001:db8:9::77"));
}

CONFORM(6, MUST, "RFC 8201 4; RFC 4443 2.4 (d)",
        "A message about a packet that another node has sent changes nothing.", {.needs = kUdp}) {
  Socket socket = b.OpenUdp(true);
  const Packet sent = SentWhole(b, socket);
  Bytes quoted = Join({sent.From(Kind::kIpv6)});
  quoted.resize(std::min<size_t>(quoted.size(), 1232));
  if (quoted.size() > 40) quoted[23] ^= 2;  // the source address
  b.Send(Ip6(b.router, b.device) / Icmp6(icmp6::kPacketTooBig, 0, 1300) / Raw(quoted));
  b.Wait(100ms);
  ExpectWhole(b, NextLengths(b, socket, b.remote.ip6));
}

CONFORM(7, MUST, "RFC 4443 2.3", "A message with a wrong checksum changes nothing.",
        {.needs = kUdp}) {
  Socket socket = b.OpenUdp(true);
  b.Send(TooBig(b, SentWhole(b, socket), 1300).Set(icmp6::kChecksum, 0x1234));
  b.Wait(100ms);
  ExpectWhole(b, NextLengths(b, socket, b.remote.ip6));
}

// A connection of the device with the remote node.
struct Dialogue {
  Socket connection;
  uint32_t sequence;  // of the device's next text
};
Dialogue Talk(Bench& b) {
  Socket listener = b.OpenTcp(true);
  listener.Bind(5000);
  listener.Listen();
  b.Send(Ip6(b.remote, b.device) / Tcp(4000, 5000, tcp::kSyn, 100).Options(tcp_option::Mss(1440)));
  const Packet answer = b.Expect(TcpFlags(tcp::kSyn | tcp::kAck));
  const auto sequence = static_cast<uint32_t>(answer.Get(tcp::kSequence).u64()) + 1;
  b.Send(Ip6(b.remote, b.device) / Tcp(4000, 5000, tcp::kAck, 101, sequence));
  return {listener.Accept(), sequence};
}
Match Text() {
  return Has(Kind::kTcp) &&
         Where("with data", [](const Packet& p) { return !p.Payload().empty(); });
}

CONFORM(8, MUST, "RFC 8201 5.4", "TCP sends what was too big again, in segments that fit.",
        {.needs = kTcp}) {
  Dialogue d = Talk(b);
  d.connection.Send(Pattern(1440));
  const Packet big = b.Expect(Text());
  b.Check(big.From(Kind::kIpv6).size() > 1320, "the first segment was short already");
  b.Send(TooBig(b, big, 1320));
  const Packet again = b.Expect(Text() && Is(tcp::kSequence, d.sequence), 3s);
  b.Check(again.From(Kind::kIpv6).size() <= 1320, "the segment is still too big");
}

CONFORM(9, MUST, "RFC 8201 4", "A message with an MTU below 1280 is discarded.", {.needs = kUdp}) {
  Socket socket = b.OpenUdp(true);
  const Packet sent = SentWhole(b, socket);
  for (const uint32_t mtu : {0U, 68U, 600U, 1279U}) b.Send(TooBig(b, sent, mtu));
  b.Wait(100ms);
  ExpectWhole(b, NextLengths(b, socket, b.remote.ip6));
}

CONFORM(10, MUST, "RFC 4443 3.2", "The code of packet too big means nothing to its receiver.",
        {.needs = kUdp}) {
  Socket socket = b.OpenUdp(true);
  b.Send(TooBig(b, SentWhole(b, socket), 1320).Set(icmp6::kCode, 7));
  b.Wait(100ms);
  ExpectAtMost(b, NextLengths(b, socket, b.remote.ip6), 1320);
}

CONFORM(11, MUST, "RFC 8201 5.2",
        "What a datagram's message tells binds TCP's connections on that path as well.",
        {.needs = kUdp | kTcp}) {
  Dialogue d = Talk(b);
  Socket socket = b.OpenUdp(true);
  b.Send(TooBig(b, SentWhole(b, socket), 1320));
  b.Wait(100ms);
  d.connection.Send(Pattern(1440));
  const Packet first = b.Expect(Text() && Is(tcp::kSequence, d.sequence));
  b.Check(first.From(Kind::kIpv6).size() <= 1320, "the segment is longer than the path's MTU");
}

CONFORM(12, SHOULD, "RFC 8201 4; 6",
        "A message about a datagram that no program has sent changes nothing.", {.needs = kUdp}) {
  Socket socket = b.OpenUdp(true);
  const Packet sent = SentWhole(b, socket);
  Bytes quoted = sent.From(Kind::kIpv6);
  quoted.resize(std::min<size_t>(quoted.size(), 1232));
  if (quoted.size() > 41) quoted[41] ^= 1;  // the source port
  b.Send(Ip6(b.router, b.device) / Icmp6(icmp6::kPacketTooBig, 0, 1300) / Raw(quoted));
  b.Wait(100ms);
  ExpectWhole(b, NextLengths(b, socket, b.remote.ip6));
}

CONFORM(13, SHOULD, "RFC 8201 4; 6; RFC 5927 7",
        "A message about a segment that is not under way changes nothing.", {.needs = kTcp}) {
  Dialogue d = Talk(b);
  d.connection.Send(Pattern(1440));
  const Packet big = b.Expect(Text());
  Bytes quoted = big.From(Kind::kIpv6);
  quoted.resize(std::min<size_t>(quoted.size(), 1232));
  if (quoted.size() > 44) quoted[44] ^= 0x40;  // the sequence number
  b.Send(Ip6(b.router, b.device) / Icmp6(icmp6::kPacketTooBig, 0, 1300) / Raw(quoted));
  b.Send(Ip6(b.remote, b.device) / Tcp(4000, 5000, tcp::kAck, 101, d.sequence + 1440));
  b.Wait(100ms);
  b.Forget();
  d.connection.Send(Pattern(1440));
  const Packet next = b.Expect(Text() && Is(tcp::kSequence, d.sequence + 1440));
  b.Check(next.From(Kind::kIpv6).size() > 1320, "segments became shorter");
}

CONFORM(14, MUST, "RFC 8201 4; 5.2",
        "Packets to a group are not longer than the MTU that was reported for it.",
        {.needs = kUdp}) {
  const Ip group = "ff0e::77";
  Socket socket = b.OpenUdp(true);
  socket.Set(Option::kMulticastPort, 0);
  socket.SendTo({group, 4000}, Pattern(1400));
  const Packet sent = b.Expect(UdpTo(4000) && To(group) && !Has(Kind::kFragment));
  b.Send(TooBig(b, sent, 1320));
  b.Wait(100ms);
  ExpectAtMost(b, NextLengths(b, socket, group), 1320);
}

CONFORM(15, MUST, "RFC 8899 3; RFC 8201 5.5",
        "A program that asks for it can send probes, whole, that are bigger than the estimate; "
        "for others this holds on.",
        {.needs = kUdp}) {
  Socket socket = b.OpenUdp(true);
  b.Send(TooBig(b, SentWhole(b, socket), 1320));
  b.Wait(100ms);
  socket.Set(Option::kMtuDiscover, 3);  // IPV6_PMTUDISC_PROBE
  ExpectWhole(b, NextLengths(b, socket, b.remote.ip6));
  Socket other = b.OpenUdp(true);
  ExpectAtMost(b, NextLengths(b, other, b.remote.ip6), 1320);
}

}  // namespace
}  // namespace moat::conform
