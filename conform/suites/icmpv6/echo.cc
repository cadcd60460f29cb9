// Echo, and messages that are wrong or unknown.
#include <set>

#include "conform/bench/case.h"
#include "conform/bench/socket.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("icmpv6");

Match AnyError() { return AtMost(icmp6::kType, 127); }
Frame LinkLocal(const Bench& b) {
  return Eth(b.device.mac, b.peer.mac) / Ipv6(b.peer.link_local, b.device.link_local);
}

void IsIgnored(Bench& b, const Frame& frame) {
  b.Send(frame);
  b.ExpectNothing(EchoReply6() || AnyError());
  b.Send(Ping6(b.other, b.device));
  b.Expect(EchoReply6() && To(b.other.ip6));
}

// --- The reply ---------------------------------------------------------------------------------

CONFORM(1, MUST, "RFC 4443 4.2", "An echo request is answered by an echo reply with code 0.") {
  b.Send(Ping6(b.peer, b.device));
  b.Expect(EchoReply6() && Is(icmp6::kCode, 0));
}

CONFORM(2, MUST, "RFC 4443 4.2", "The reply has the data of the request, all of it.") {
  for (const size_t size :
       {size_t{0}, size_t{1}, size_t{7}, size_t{56}, size_t{1451}, size_t{1452}}) {
    b.Send(Ping6(b.peer, b.device, size));
    b.Expect(EchoReply6() && PayloadIs(Pattern(size)));
  }
}

CONFORM(3, MUST, "RFC 4443 4.2", "The reply has the identifier of the request.") {
  for (const int id : {0, 1, 0x8000, 0xffff}) {
    b.Send(Ping6(b.peer, b.device).Set(icmp6::kId, id));
    b.Expect(EchoReply6() && Is(icmp6::kId, id));
  }
}

CONFORM(4, MUST, "RFC 4443 4.2", "The reply has the sequence number of the request.") {
  for (const int sequence : {0, 1, 0x8000, 0xffff}) {
    b.Send(Ping6(b.peer, b.device, 32, sequence));
    b.Expect(EchoReply6() && Is(icmp6::kSequence, sequence));
  }
}

CONFORM(5, MUST, "RFC 4443 4.2; 2.2 (a)", "The reply comes from the address that was asked.",
        {.needs = kAddresses}) {
  b.AddAddress({"2001:db8::77", 64});
  for (const Ip& asked : {b.device.ip6, Ip("2001:db8::77"), b.device.link_local}) {
    b.Send(Ping6(b.peer, b.device).Set(ipv6::kDestination, asked));
    b.Expect(EchoReply6() && From(asked));
  }
}

CONFORM(6, MUST, "RFC 4443 4.2", "The reply goes to the source of the request.") {
  b.Send(Ping6(b.other, b.device));
  b.Expect(EchoReply6() && To(b.other.ip6) && Is(eth::kDestination, b.other.mac));
  b.Send(LinkLocal(b) / EchoRequest6(1, 1));
  b.Expect(EchoReply6() && To(b.peer.link_local) && Is(eth::kDestination, b.peer.mac));
}

CONFORM(7, MUST, "RFC 4443 4.2", "The reply to a node behind the router goes by the router.") {
  b.Send(Ping6(b.remote, b.device));
  b.Expect(EchoReply6() && To(b.remote.ip6) && Is(eth::kDestination, b.router.mac));
}

CONFORM(8, SHOULD, "RFC 4443 4.2", "An echo request to a group is answered.") {
  b.Send(Ip6ToGroup(b.peer, "ff02::1") / EchoRequest6(7, 9) / Raw(20));
  b.Expect(EchoReply6() && To(b.peer.link_local) && Is(icmp6::kId, 7) && PayloadIs(Pattern(20)));
}

CONFORM(9, MUST, "RFC 4443 4.2",
        "The reply to a request to a group comes from an address of the "
        "interface that it came in by.",
        {.needs = kTwoPorts}) {
  b.Send(Ip6ToGroup(b.peer1, "ff02::1") / EchoRequest6(7, 9), 1);
  b.Expect(EchoReply6() && OnPort(1) && From(b.device1.link_local));
}

CONFORM(10, MUST, "RFC 4443 4.2; 2.2 (b)",
        "The reply to a request from a global address to a group comes from a global address.") {
  b.Send((Ip6ToGroup(b.peer, "ff02::1") / EchoRequest6(7, 9)).Set(ipv6::kSource, b.peer.ip6));
  b.Expect(EchoReply6() && From(b.device.ip6));
}

CONFORM(11, MUST, "RFC 4443 4.2", "One request gets one reply.") {
  b.Send(Ping6(b.peer, b.device));
  b.CheckEqual(static_cast<int64_t>(b.Collect(EchoReply6(), 2s).size()), 1, "number of replies");
}

CONFORM(12, MUST, "RFC 4443 4.2", "Each of many requests gets its reply.") {
  for (int i = 0; i < 30; ++i) b.Send(Ping6(b.peer, b.device, 16, i));
  std::set<uint64_t> sequences;
  for (const Packet& p : b.Collect(EchoReply6(), 1s)) sequences.insert(p.Get(icmp6::kSequence));
  b.CheckEqual(static_cast<int64_t>(sequences.size()), 30, "number of replies");
}

CONFORM(13, MUST, "RFC 4007 9",
        "The reply to a link-local address leaves by the interface that the "
        "request came in by.",
        {.needs = kTwoPorts}) {
  Node stranger = b.peer1;
  stranger.link_local = b.peer.link_local;  // the same address on another link
  b.StartAnswering(1, stranger.link_local, stranger.mac);
  b.Send(Eth(b.device1.mac, stranger.mac) / Ipv6(stranger.link_local, b.device1.link_local) /
             EchoRequest6(1, 2),
         1);
  b.Expect(EchoReply6() && OnPort(1) && Is(eth::kDestination, stranger.mac));
  b.Send(LinkLocal(b) / EchoRequest6(1, 3));
  b.Expect(EchoReply6() && OnPort(0) && Is(icmp6::kSequence, 3));
}

CONFORM(14, MUST, "RFC 4443 4.2", "A reply is given to the program that has sent the request.",
        {.needs = kPing}) {
  Socket ping(b, SocketType::kPing, true);
  ping.SendTo({b.peer.ip6, 0}, Join({{128, 0, 0, 0, 0, 0, 0, 1}, Pattern(20)}));
  const Packet request = b.Expect(EchoRequest6());
  b.Send(Ip6(b.peer, b.device) /
         Icmp6(icmp6::kEchoReply, 0, static_cast<uint32_t>(request.Get(icmp6::kRest).u64())) /
         Raw(20));
  const Bytes data = ping.Receive().data;
  b.Check(data.size() == 28 && data[0] == icmp6::kEchoReply, "the program received something else");
}

CONFORM(15, MUST, "RFC 4443 4.2", "A reply with another identifier is not given to the program.",
        {.needs = kPing}) {
  Socket ping(b, SocketType::kPing, true);
  ping.SendTo({b.peer.ip6, 0}, Join({{128, 0, 0, 0, 0, 0, 0, 1}, Pattern(20)}));
  const Packet request = b.Expect(EchoRequest6());
  const auto rest = static_cast<uint32_t>(request.Get(icmp6::kRest).u64());
  b.Send(Ip6(b.peer, b.device) / Icmp6(icmp6::kEchoReply, 0, rest ^ 0x10000) / Raw(20));
  ping.ExpectNoData();
  b.Send(Ip6(b.peer, b.device) / Icmp6(icmp6::kEchoReply, 0, rest) / Raw(20));
  ping.Receive();
}

CONFORM(16, MUST, "RFC 4443 4.1", "An echo request of the device has code 0 and a right checksum.",
        {.needs = kPing}) {
  b.Ping(b.peer.ip6, 33);
  b.Expect(EchoRequest6() && Is(icmp6::kCode, 0) && PayloadIs(Pattern(33)));
}

// --- Wrong messages ----------------------------------------------------------------------------

CONFORM(17, MUST, "RFC 4443 2.3", "A message with a wrong checksum is discarded.") {
  for (const int checksum : {0x0000, 0x1234, 0xffff}) {
    IsIgnored(b, Ping6(b.peer, b.device).Set(icmp6::kChecksum, checksum));
  }
}

CONFORM(18, MUST, "RFC 4443 2.3", "A checksum without the pseudo-header is wrong.") {
  const Frame request = Ping6(b.peer, b.device);
  Bytes message = Packet::OfFrame(request.Build()).From(Kind::kIcmp6);
  message[2] = message[3] = 0;
  IsIgnored(b, request.Set(icmp6::kChecksum, FoldSum(SumWords(message.data(), message.size()))));
}

CONFORM(19, MUST, "RFC 4443 2.3", "A checksum over another destination address is wrong.") {
  const Frame request = Ping6(b.peer, b.device);
  const Frame other = request.Set(ipv6::kDestination, b.device.link_local);
  const uint64_t checksum = Packet::OfFrame(other.Build()).Get(icmp6::kChecksum);
  IsIgnored(b, request.Set(icmp6::kChecksum, checksum));
}

CONFORM(20, MUST, "RFC 4443 4.1", "A message shorter than its header is discarded.") {
  for (const size_t size : {size_t{4}, size_t{6}, size_t{7}}) {
    Bytes message(size);
    message[0] = icmp6::kEcho;
    IsIgnored(b, Ip6(b.peer, b.device) / Layer(Kind::kIcmp6, message));
  }
  IsIgnored(b, Ip6(b.peer, b.device) / EchoRequest6(1, 1).Truncate(1));
}

CONFORM(21, MUST, "RFC 4443 2.4 (b)", "An informational message of unknown type is discarded.") {
  for (const int type : {150, 159, 200, 201, 255}) {
    IsIgnored(b, Ping6(b.peer, b.device).Set(icmp6::kType, type));
  }
}

CONFORM(22, MUST, "RFC 4443 2.4 (e.1)", "An error message of unknown type is not answered.") {
  for (const int type : {0, 5, 100, 101, 127}) {
    IsIgnored(b, Ping6(b.peer, b.device).Set(icmp6::kType, type));
  }
}

CONFORM(23, MUST, "RFC 4443 4.2", "An echo reply that nobody waits for is not answered.") {
  IsIgnored(b, Ip6(b.peer, b.device) / Icmp6(icmp6::kEchoReply, 0, 0x00010001) / Raw(32));
}

CONFORM(24, MUST, "RFC 4443 2.4 (e.1)",
        "An error about nothing that the device sent is not answered.") {
  const Bytes quoted = Udp6(b.device, b.peer, 9, 9, Pattern(8)).Inner().Build();
  for (const int type : {icmp6::kUnreachable, icmp6::kPacketTooBig, icmp6::kTimeExceeded,
                         icmp6::kParameterProblem}) {
    IsIgnored(b, Ip6(b.peer, b.device) / Icmp6(type, 0, 1280) / Raw(quoted));
  }
}

CONFORM(25, MUST, "RFC 4443 2.3; 4.2", "An echo request from a group is not answered.") {
  IsIgnored(b, Ping6(b.peer, b.device).Set(ipv6::kSource, Ip("ff02::1")));
}

}  // namespace
}  // namespace moat::conform
