// Reassembly and fragmentation.
#include "conform/bench/case.h"
#include "conform/bench/reassemble.h"
#include "conform/bench/socket.h"

#include <algorithm>

namespace moat::conform {
namespace {

CONFORM_SUITE("ipv4");

void ExpectAlive(Bench& b) {
  b.Send(Ping4(b.other, b.device, 8, 99));
  b.Expect(EchoReply4() && Is(icmp4::kSequence, 99));
}

void ExpectWhole(Bench& b, size_t size) { b.Expect(EchoReply4() && PayloadIs(Pattern(size))); }

CONFORM(20, MUST, "RFC 1122 3.3.2", "A datagram in two fragments is reassembled.") {
  b.SendAll(FragmentIpv4(Ping4(b.peer, b.device, 100), {64}));
  ExpectWhole(b, 100);
}

CONFORM(21, MUST, "RFC 791 3.2", "Fragments are reassembled in whatever order they come.") {
  std::vector<Frame> fragments = FragmentIpv4(Ping4(b.peer, b.device, 400), {80, 80, 80, 80});
  std::swap(fragments[0], fragments[3]);
  std::swap(fragments[1], fragments[4]);
  b.SendAll(fragments);
  ExpectWhole(b, 400);
}

CONFORM(22, MUST, "RFC 791 3.2", "A fragment that comes twice does no harm.") {
  const std::vector<Frame> fragments = FragmentIpv4(Ping4(b.peer, b.device, 200), {80, 80});
  for (const size_t i : {0, 0, 1, 1, 2}) b.Send(fragments[i]);
  ExpectWhole(b, 200);
}

CONFORM(23, MUST, "RFC 791 3.2",
        "Fragments of datagrams with another identification, source or protocol are not mixed.") {
  const std::vector<Frame> right = FragmentIpv4(Ping4(b.peer, b.device, 100), {64});
  b.Send(right[0]);
  b.Send(right[1].Set(ipv4::kId, 0x4321));
  b.Send(right[1].Set(ipv4::kSource, b.other.ip4));
  b.Send(right[1].Set(ipv4::kProtocol, proto::kUdp));
  b.ExpectNothing(EchoReply4());
  b.Send(right[1]);
  ExpectWhole(b, 100);
}

CONFORM(24, MUST, "RFC 1122 3.3.2",
        "Datagrams of 576 octets can be reassembled, however small the fragments are.") {
  b.SendAll(FragmentIpv4(Ping4(b.peer, b.device, 548), std::vector<size_t>(70, 8)));
  ExpectWhole(b, 548);
}

CONFORM(25, SHOULD, "RFC 1122 3.3.2",
        "Datagrams larger than the network's MTU can be reassembled.", {.needs = kUdp}) {
  Socket socket = b.OpenUdp();
  socket.Bind(5000);
  b.SendAll(FragmentIpv4(Udp4(b.peer, b.device, 4000, 5000, Pattern(60000)),
                         std::vector<size_t>(50, 1480)));
  b.Check(socket.Receive().data == Pattern(60000), "the datagram is not what was sent");
}

CONFORM(26, MUST, "RFC 791 3.1; RFC 1122 1.2.2",
        "Fragments that would make a datagram of more than 65535 octets are discarded.") {
  const Frame first = FragmentIpv4(Ping4(b.peer, b.device, 1500), {1480})[0];
  b.Send(first);
  b.Send(Ip4(b.peer, b.device)
             .Set(ipv4::kProtocol, proto::kIcmp)
             .Set(ipv4::kFragmentOffset, 8189) / Raw(100));
  b.ExpectNothing(EchoReply4());
  ExpectAlive(b);
}

CONFORM(27, MUST, "RFC 1122 3.3.2",
        "An incomplete datagram is given up after a time: what comes much later does not complete "
        "it.") {
  const std::vector<Frame> fragments = FragmentIpv4(Ping4(b.peer, b.device, 100), {64});
  b.Send(fragments[0]);
  b.Wait(125s);
  b.Send(fragments[1]);
  b.ExpectNothing(EchoReply4());
  ExpectAlive(b);
}

CONFORM(28, SHOULD, "RFC 791 3.1",
        "A fragment with more to follow whose length is no multiple of 8 is not used.") {
  const std::vector<Frame> fragments = FragmentIpv4(Ping4(b.peer, b.device, 100), {64});
  const Frame odd = Ip4(b.peer, b.device)
                        .Set(ipv4::kProtocol, proto::kIcmp)
                        .Set(ipv4::kMoreFragments, 1) /
                    Raw(fragments[0].layers()[2].bytes()) / Raw(3);
  b.Send(odd);
  b.Send(fragments[1]);
  b.ExpectNothing(EchoReply4());
  ExpectAlive(b);
}

CONFORM(29, MUST, "RFC 1122 3.3.3; RFC 791 3.2",
        "A datagram that is larger than the MTU is sent in fragments that fit together exactly.",
        {.needs = kUdp}) {
  Socket socket = b.OpenUdp();
  socket.Set(Option::kMtuDiscover, 0);
  socket.SendTo({b.peer.ip4, 4000}, Pattern(5000));
  const std::vector<Packet> fragments =
      b.Collect(To(b.peer.ip4) && Is(ipv4::kProtocol, proto::kUdp), 500ms);
  b.Check(fragments.size() >= 4, "there are fewer than four fragments");
  for (const Packet& fragment : fragments) {
    b.CheckPacket(fragment, AtMost(ipv4::kTotalLength, 1500) && Is(ipv4::kDontFragment, 0));
  }
  b.CheckPacket(ReassembleIpv4(b, fragments), UdpTo(4000) && PayloadIs(Pattern(5000)));
}

CONFORM(30, MUST, "RFC 791 3.2; RFC 6864 4.2",
        "Datagrams that are sent in fragments one after the other have different identifications.",
        {.needs = kUdp}) {
  Socket socket = b.OpenUdp();
  socket.Set(Option::kMtuDiscover, 0);
  std::vector<uint64_t> ids;
  for (int i = 0; i < 20; ++i) {
    socket.SendTo({b.peer.ip4, 4000}, Pattern(2000));
    ids.push_back(b.Expect(UdpTo(4000) && Is(ipv4::kMoreFragments, 1)).Get(ipv4::kId));
  }
  std::sort(ids.begin(), ids.end());
  if (b.ok())
    b.Check(std::unique(ids.begin(), ids.end()) == ids.end(), "an identification is repeated");
}

CONFORM(31, MUST, "RFC 1122 3.2.1.7",
        "Datagrams are sent with a TTL that is not zero, and that the program can set.",
        {.needs = kUdp}) {
  Socket socket = b.OpenUdp();
  socket.SendTo({b.peer.ip4, 4000}, Pattern(10));
  b.Expect(UdpTo(4000) && AtLeast(ipv4::kTtl, 32));
  socket.Set(Option::kTtl, 7);
  socket.SendTo({b.peer.ip4, 4001}, Pattern(10));
  b.Expect(UdpTo(4001) && Is(ipv4::kTtl, 7));
}

CONFORM(32, MUST, "RFC 1122 3.2.1.6; 3.2.1.3",
        "Datagrams are sent with the type of service that the program sets, and from the device's "
        "address.",
        {.needs = kUdp}) {
  Socket socket = b.OpenUdp();
  socket.Set(Option::kTos, 0x28);
  socket.SendTo({b.peer.ip4, 4000}, Pattern(10));
  b.Expect(UdpTo(4000) && Is(ipv4::kTos, 0x28) && From(b.device.ip4) && Is(ipv4::kVersion, 4) &&
           Is(ipv4::kReservedFlag, 0));
}

CONFORM(33, SHOULD, "RFC 1122 3.3.4.2; 3.3.1.2",
        "Of two interfaces, a datagram leaves by the one whose network its destination is on, with "
        "its address.",
        {.needs = kUdp | kTwoPorts}) {
  Socket socket = b.OpenUdp();
  socket.SendTo({b.peer1.ip4, 4000}, Pattern(10));
  b.Expect(UdpTo(4000) && OnPort(1) && From(b.device1.ip4));
  socket.SendTo({b.peer.ip4, 4001}, Pattern(10));
  b.Expect(UdpTo(4001) && OnPort(0) && From(b.device.ip4));
}

CONFORM(34, MUST, "RFC 1122 3.3.1.2",
        "A datagram with nowhere to go is not sent, and the program is told.",
        {.needs = kUdp, .setup = Setup::kNoRouter}) {
  Socket socket = b.OpenUdp();
  b.CheckEqual(socket.TrySend(Pattern(10), Endpoint{b.remote.ip4, 4000}), -ENETUNREACH,
               "what sendto returned");
  b.ExpectNothing(UdpTo(4000));
}

CONFORM(62, MUST, "RFC 791 3.1; RFC 1122 1.2.2",
        "Fragments that are complete, but have more than 65535 octets in all, are not received.") {
  constexpr size_t kPiece = 1456;
  for (const size_t size : {size_t{65535 - 20 + 1}, size_t{65600}}) {
    Bytes message(size);
    message[0] = icmp4::kEcho;
    const Bytes sum = Be16(FoldSum(SumWords(message.data(), message.size())));
    std::copy(sum.begin(), sum.end(), message.begin() + 2);
    for (size_t at = 0; at < size; at += kPiece) {
      const size_t end = std::min(at + kPiece, size);
      b.Send(Ip4(b.peer, b.device)
                 .Set(ipv4::kProtocol, proto::kIcmp)
                 .Set(ipv4::kId, static_cast<int>(size & 0xffff))
                 .Set(ipv4::kFragmentOffset, static_cast<int>(at / 8))
                 .Set(ipv4::kMoreFragments, end < size ? 1 : 0) /
             Raw(Bytes(message.begin() + static_cast<ptrdiff_t>(at),
                       message.begin() + static_cast<ptrdiff_t>(end))));
    }
    b.ExpectNothing(To(b.peer.ip4) && Has(Kind::kIpv4), 300ms);
    ExpectAlive(b);
  }
}

}  // namespace
}  // namespace moat::conform
