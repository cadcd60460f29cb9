// What ICMP errors do to a connection (RFC 9293 3.9.2.2, RFC 5927, RFC 1191).
#include <algorithm>

#include "conform/bench/tcp_peer.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("tcp-core");

struct Error {
  int type;
  int code;
};

// An ICMP error about `packet`, which the device sent, from the router.
Frame IcmpAbout(Bench& b, TcpPeer& t, const Packet& packet, Error error, uint32_t rest = 0) {
  const Layer header =
      t.v6() ? Icmp6(error.type, error.code, rest) : Icmp4(error.type, error.code, rest);
  // As much as an error may quote: RFC 4443 2.4 (c), RFC 1812 4.3.2.3.
  Bytes quoted = packet.From(t.v6() ? Kind::kIpv6 : Kind::kIpv4);
  quoted.resize(std::min<size_t>(quoted.size(), t.v6() ? 1280 - 48 : 576 - 28));
  return IpOf(t.v6(), b.router, b.device) / header / Raw(quoted);
}

// The device has 100 octets in flight; an error comes about them.
void ErrorInEstablished(Bench& b, TcpPeer& t, Error v4, Error v6) {
  t.Open();
  t.socket().Send(Pattern(100));
  b.Send(IcmpAbout(b, t, t.ExpectText(), t.v6() ? v6 : v4));
  b.Wait(100ms);
}

void IsSoft(Bench& b, TcpPeer& t, Error v4, Error v6) {
  ErrorInEstablished(b, t, v4, v6);
  t.ack = t.end;
  t.SendAck();
  t.ExpectAlive();
}
#define SOFT(number, level, source, what, v4, v6)                                        \
  TCP_CASE(number, level, source, what " in ESTABLISHED does not end the connection.") { \
    IsSoft(b, t, v4, v6);                                                                \
  }
constexpr Error kNetwork4{3, 0}, kHost4{3, 1}, kRoute4{3, 5}, kTime4{11, 0}, kParameter4{12, 0};
constexpr Error kNoRoute6{1, 0}, kAddress6{1, 3}, kScope6{1, 2}, kTime6{3, 0}, kParameter6{4, 0};
constexpr char kUnreachableSource[] = "RFC 9293 3.9.2.2 (MUST-56)";
SOFT(262, MUST, kUnreachableSource, "Network unreachable (no route)", kNetwork4, kNoRoute6)
SOFT(263, MUST, kUnreachableSource, "Host unreachable (address unreachable)", kHost4, kAddress6)
SOFT(264, MUST, kUnreachableSource, "Source route failed (beyond scope)", kRoute4, kScope6)
SOFT(265, MUST, kUnreachableSource, "Time exceeded", kTime4, kTime6)
SOFT(266, MUST, kUnreachableSource, "A parameter problem", kParameter4, kParameter6)

void IsHard(Bench& b, TcpPeer& t, Error v4, Error v6) {
  ErrorInEstablished(b, t, v4, v6);
  b.Check(t.socket().Error() != 0, "the program is told nothing");
  t.ack = t.end;
  t.ExpectGone();
}
TCP_CASE(267, SHOULD, "RFC 9293 3.9.2.2 (SHLD-26)",
         "Protocol unreachable (an unknown next header) in ESTABLISHED ends the connection.") {
  IsHard(b, t, {3, 2}, {4, 1});
}
CONFORM_BOTH_WAIVER(267,
                    "soft in synchronized states, against blind attacks: RFC 5927 5.2, as Linux");
TCP_CASE(268, SHOULD, "RFC 9293 3.9.2.2 (SHLD-26)",
         "Port unreachable in ESTABLISHED ends the connection.") {
  IsHard(b, t, {3, 3}, {1, 4});
}
CONFORM_BOTH_WAIVER(268,
                    "soft in synchronized states, against blind attacks: RFC 5927 5.2, as Linux");

TCP_CASE(269, MUST, "RFC 9293 3.9.2.2 (MUST-56)",
         "Network unreachable (no route) in SYN-SENT does not end the attempt.") {
  t.Dial();
  b.Send(IcmpAbout(b, t, t.syn(), t.v6() ? kNoRoute6 : kNetwork4));
  b.Wait(100ms);
  t.SendSynAck();
  b.Expect(t.Ack());
}
CONFORM_BOTH_WAIVER(
    269,
    "an attempt ends at once, so that a program tries the next address: RFC 5461 4.1, as Linux");
TCP_CASE(270, MUST, "RFC 9293 3.9.2.2 (MUST-56)",
         "Host unreachable (address unreachable) in SYN-SENT does not end the attempt.") {
  t.Dial();
  b.Send(IcmpAbout(b, t, t.syn(), t.v6() ? kAddress6 : kHost4));
  b.Wait(100ms);
  t.SendSynAck();
  b.Expect(t.Ack());
}
CONFORM_BOTH_WAIVER(
    270,
    "an attempt ends at once, so that a program tries the next address: RFC 5461 4.1, as Linux");
TCP_CASE(271, MUST, "RFC 9293 3.9.2.2 (MUST-56)",
         "Time exceeded in SYN-SENT does not end the attempt.") {
  t.Dial();
  b.Send(IcmpAbout(b, t, t.syn(), t.v6() ? kTime6 : kTime4));
  b.Wait(100ms);
  t.SendSynAck();
  b.Expect(t.Ack());
}
TCP_CASE(272, SHOULD, "RFC 9293 3.9.2.2 (SHLD-26)",
         "Protocol unreachable (an unknown next header) in SYN-SENT ends the attempt.") {
  t.Dial();
  b.Send(IcmpAbout(b, t, t.syn(), t.v6() ? Error{4, 1} : Error{3, 2}));
  b.Check(t.socket().Error() != 0, "the program is told nothing");
}
TCP_CASE(273, SHOULD, "RFC 9293 3.9.2.2 (SHLD-26)",
         "Port unreachable in SYN-SENT ends the attempt: connection refused.") {
  t.Dial();
  b.Send(IcmpAbout(b, t, t.syn(), t.v6() ? Error{1, 4} : Error{3, 3}));
  t.socket().ExpectError(ECONNREFUSED);
}
TCP_CASE(274, SHOULD, "RFC 5927 4.1; RFC 9293 3.9.2.2",
         "An error that quotes a sequence number which is not in flight is ignored.") {
  t.Dial();
  Bytes quoted = t.syn().From(t.v6() ? Kind::kIpv6 : Kind::kIpv4);
  if (quoted.size() > 40) quoted[t.v6() ? 44 : 24] ^= 0x40;
  const Layer header = t.v6() ? Icmp6(1, 4) : Icmp4(3, 3);
  b.Send(IpOf(t.v6(), b.router, b.device) / header / Raw(quoted));
  b.CheckEqual(t.socket().Error(200ms), 0, "the socket's error");
}
TCP_CASE(275, MUST, "RFC 9293 3.9.2.2; RFC 1122 3.2.2",
         "An error that quotes another connection changes nothing.") {
  t.Dial();
  Bytes quoted = t.syn().From(t.v6() ? Kind::kIpv6 : Kind::kIpv4);
  if (quoted.size() > 40) quoted[t.v6() ? 43 : 23] ^= 1;  // the destination port
  const Layer header = t.v6() ? Icmp6(1, 4) : Icmp4(3, 3);
  b.Send(IpOf(t.v6(), b.router, b.device) / header / Raw(quoted));
  b.CheckEqual(t.socket().Error(200ms), 0, "the socket's error");
}
TCP_CASE(276, MUST, "RFC 1191 6.4; RFC 8201 4",
         "After packet too big the text is sent again at once, in segments that fit.") {
  t.Open();
  t.socket().Send(Pattern(1400));
  const Packet big = t.ExpectText();
  b.Send(IcmpAbout(b, t, big, t.v6() ? Error{2, 0} : Error{3, 4}, 1300));
  const Packet small = b.Expect(t.Text() && Is(tcp::kSequence, big.Get(tcp::kSequence)));
  b.CheckBetween(static_cast<double>(small.Payload().size()), 500, t.v6() ? 1240 : 1260,
                 "octets of the segment");
}
TCP_CASE(277, MUST, "RFC 1191 3; RFC 8201 4",
         "Packet too big with an MTU that is not smaller changes nothing.") {
  t.Open();
  t.socket().Send(Pattern(1400));
  b.Send(IcmpAbout(b, t, t.ExpectText(), t.v6() ? Error{2, 0} : Error{3, 4}, 9000));
  b.ExpectNothing(t.Text(), 100ms);
  t.ack = t.end;
  t.SendAck();
  t.socket().Send(Pattern(1400));
  b.CheckEqual(t.ExpectText().Payload().size(), 1400, "octets of the segment");
}

CONFORM(278, MUST, "RFC 9293 3.9.2.2 (MUST-55)", "A source quench is discarded.", {.needs = kTcp}) {
  TcpPeer t(b, /*v6=*/false);
  IsSoft(b, t, {4, 0}, {});
}
CONFORM(279, MUST, "RFC 9293 3.9.2 (MUST-50); RFC 1122 4.2.3.8",
        "A segment with an IPv4 record route option is taken as one without.", {.needs = kTcp}) {
  TcpPeer t(b, /*v6=*/false);
  t.Open();
  const Layer header = Tcp(t.port, t.device_port, tcp::kAck, t.seq, t.ack);
  b.Send(Eth(b.device.mac, b.peer.mac) /
         Ipv4(b.peer.ip4, b.device.ip4).Options(ip_option::RecordRoute(3)) / header / Raw(10));
  b.Expect(t.AckOf(t.seq + 10));
}
CONFORM(289, MUST, "RFC 1191 3; 5",
        "After a message with a very small MTU, segments are no longer than it, or routers may cut "
        "them.",
        {.needs = kTcp}) {
  TcpPeer t(b, /*v6=*/false);
  t.Open();
  t.socket().Send(Pattern(1400));
  const Packet big = t.ExpectText();
  b.Send(IcmpAbout(b, t, big, {3, 4}, 300));
  const Packet again = b.Expect(t.Text() && Is(tcp::kSequence, big.Get(tcp::kSequence)), 3s);
  b.Check(again.From(Kind::kIpv4).size() <= 300 || again.Get(ipv4::kDontFragment).u64() == 0,
          "a long segment may still not be fragmented");
}

}  // namespace
}  // namespace moat::conform
