// Errors that come in: they reach the program whose packet they are about, and nobody else.
#include <algorithm>
#include <cerrno>

#include "conform/bench/case.h"
#include "conform/bench/socket.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("icmpv6");

// A connected UDP socket that is told of every error, and the packet it has sent.
struct Conversation {
  Socket socket;
  Packet sent;
};
Conversation Begin(Bench& b) {
  Socket socket = b.OpenUdp(true);
  socket.Set(Option::kReceiveErrors, 1);
  socket.Connect({b.remote.ip6, 4000});
  socket.Send(Pattern(30));
  const Packet sent = b.Expect(UdpTo(4000));
  return {socket, sent};
}

Frame Error(const Bench& b, int type, int code, const Bytes& quoted, uint32_t rest = 0) {
  return Ip6(b.router, b.device) / Icmp6(type, code, rest) / Raw(quoted);
}

// An error of this kind about the program's packet reaches it.
void Reaches(Bench& b, int type, int code, uint32_t rest = 0) {
  Conversation c = Begin(b);
  b.Send(Error(b, type, code, c.sent.From(Kind::kIpv6), rest));
  b.Check(c.socket.Error() != 0 || !b.ok(), "the program was not told");
}

// A frame that must not reach the program; a right error afterwards does.
void DoesNotReach(Bench& b, Conversation& c, const Frame& frame) {
  b.Send(frame);
  b.CheckEqual(c.socket.Error(500ms), 0, "the program's error");
  b.Send(Error(b, icmp6::kUnreachable, icmp6::kPort, c.sent.From(Kind::kIpv6)));
  c.socket.ExpectError(ECONNREFUSED);
}

CONFORM(65, MUST, "RFC 4443 3.1; 2.4 (d)", "Port unreachable reaches the program.",
        {.needs = kUdp}) {
  Conversation c = Begin(b);
  b.Send(Error(b, icmp6::kUnreachable, icmp6::kPort, c.sent.From(Kind::kIpv6)));
  c.socket.ExpectError(ECONNREFUSED);
}
CONFORM(66, MUST, "RFC 4443 3.1", "No route to destination reaches the program.", {.needs = kUdp}) {
  Reaches(b, icmp6::kUnreachable, icmp6::kNoRoute);
}
CONFORM(67, MUST, "RFC 4443 3.1", "Communication prohibited reaches the program.",
        {.needs = kUdp}) {
  Reaches(b, icmp6::kUnreachable, icmp6::kProhibited);
}
CONFORM(68, MUST, "RFC 4443 3.1", "Beyond scope of source address reaches the program.",
        {.needs = kUdp}) {
  Reaches(b, icmp6::kUnreachable, icmp6::kBeyondScope);
}
CONFORM(69, MUST, "RFC 4443 3.1", "Address unreachable reaches the program.", {.needs = kUdp}) {
  Reaches(b, icmp6::kUnreachable, icmp6::kAddress);
}
CONFORM(70, MUST, "RFC 4443 3.1", "Source address failed the policy reaches the program.",
        {.needs = kUdp}) {
  Reaches(b, icmp6::kUnreachable, 5);
}
CONFORM(71, MUST, "RFC 4443 3.1", "Reject route to destination reaches the program.",
        {.needs = kUdp}) {
  Reaches(b, icmp6::kUnreachable, 6);
}
CONFORM(72, MUST, "RFC 4443 3.2", "Packet too big reaches the program.", {.needs = kUdp}) {
  Reaches(b, icmp6::kPacketTooBig, 0, 1300);
}
CONFORM(73, MUST, "RFC 4443 3.3", "Hop limit exceeded in transit reaches the program.",
        {.needs = kUdp}) {
  Reaches(b, icmp6::kTimeExceeded, 0);
}
CONFORM(74, MUST, "RFC 4443 3.3", "Fragment reassembly time exceeded reaches the program.",
        {.needs = kUdp}) {
  Reaches(b, icmp6::kTimeExceeded, 1);
}
CONFORM(75, MUST, "RFC 4443 3.4", "A parameter problem reaches the program.", {.needs = kUdp}) {
  Reaches(b, icmp6::kParameterProblem, 0, 6);
}

CONFORM(76, MUST, "RFC 4443 2.4 (d)",
        "The upper layer is found behind extension headers in the quoted packet.",
        {.needs = kUdp}) {
  Conversation c = Begin(b);
  const Bytes quoted = (Ipv6(b.device.ip6, b.remote.ip6) /
                        DestinationOptions().Set(destination_options::kNextHeader, proto::kUdp) /
                        Raw(c.sent.From(Kind::kUdp)))
                           .Build();
  b.Send(Error(b, icmp6::kUnreachable, icmp6::kPort, quoted));
  c.socket.ExpectError(ECONNREFUSED);
}

CONFORM(77, MUST, "RFC 4443 2.4 (c, d)", "A quoted packet that was cut short is enough.",
        {.needs = kUdp}) {
  Conversation c = Begin(b);
  Bytes quoted = c.sent.From(Kind::kIpv6);
  quoted.resize(std::min<size_t>(quoted.size(), 48));
  b.Send(Error(b, icmp6::kUnreachable, icmp6::kPort, quoted));
  c.socket.ExpectError(ECONNREFUSED);
}

CONFORM(78, MUST, "RFC 4443 2.3", "An error with a wrong checksum does not reach the program.",
        {.needs = kUdp}) {
  Conversation c = Begin(b);
  DoesNotReach(b, c,
               Error(b, icmp6::kUnreachable, icmp6::kPort, c.sent.From(Kind::kIpv6))
                   .Set(icmp6::kChecksum, 0x1234));
}

CONFORM(79, MUST, "RFC 4443 2.4 (d)",
        "An error about another socket's packet does not reach the "
        "program.",
        {.needs = kUdp}) {
  Conversation c = Begin(b);
  Bytes quoted = c.sent.From(Kind::kIpv6);
  if (quoted.size() > 48) quoted[41] ^= 1;  // the source port
  DoesNotReach(b, c, Error(b, icmp6::kUnreachable, icmp6::kPort, quoted));
}

CONFORM(80, MUST, "RFC 4443 2.4 (d)",
        "An error about a packet to another destination does not "
        "reach the program.",
        {.needs = kUdp}) {
  Conversation c = Begin(b);
  Bytes quoted = c.sent.From(Kind::kIpv6);
  if (quoted.size() > 48) quoted[39] ^= 1;  // the destination address
  DoesNotReach(b, c, Error(b, icmp6::kUnreachable, icmp6::kPort, quoted));
}

CONFORM(81, MUST, "RFC 4443 2.4 (d)",
        "An error about a packet that another node has sent does not "
        "reach the program.",
        {.needs = kUdp}) {
  Conversation c = Begin(b);
  Bytes quoted = c.sent.From(Kind::kIpv6);
  if (quoted.size() > 48) quoted[23] ^= 2;  // the source address
  DoesNotReach(b, c, Error(b, icmp6::kUnreachable, icmp6::kPort, quoted));
}

CONFORM(82, MUST, "RFC 4443 2.4 (d)", "An error that quotes less than the headers does no harm.",
        {.needs = kUdp}) {
  Conversation c = Begin(b);
  for (const size_t size : {size_t{0}, size_t{20}, size_t{40}, size_t{41}}) {
    Bytes quoted = c.sent.From(Kind::kIpv6);
    quoted.resize(std::min(quoted.size(), size));
    DoesNotReach(b, c, Error(b, icmp6::kUnreachable, icmp6::kPort, quoted));
  }
}

CONFORM(83, SHOULD, "RFC 4443 3.1; RFC 1122 4.2.3.9",
        "Port unreachable ends a TCP connection that is being opened.", {.needs = kTcp}) {
  Socket socket = b.OpenTcp(true);
  socket.Connect({b.remote.ip6, 80});
  const Packet syn = b.Expect(TcpFlags(tcp::kSyn));
  b.Send(Error(b, icmp6::kUnreachable, icmp6::kPort, syn.From(Kind::kIpv6)));
  socket.ExpectError(ECONNREFUSED);
}

CONFORM(84, MUST, "RFC 4443 2.4 (a)",
        "An error of unknown type reaches the program whose packet it quotes.", {.needs = kUdp}) {
  Reaches(b, 77, 0);
}

CONFORM(85, MUST, "RFC 4443 3.4; 2.4 (d)",
        "The upper layer is found behind the very option that the error is about.",
        {.needs = kUdp}) {
  Conversation c = Begin(b);
  const Layer options = DestinationOptions(ip6_option::Unknown(0x9e, Bytes(4)))
                            .Set(destination_options::kNextHeader, proto::kUdp);
  const Bytes quoted =
      (Ipv6(b.device.ip6, b.remote.ip6) / options / Raw(c.sent.From(Kind::kUdp))).Build();
  b.Send(Error(b, icmp6::kParameterProblem, 2, quoted, 42));
  b.Check(c.socket.Error() != 0 || !b.ok(), "the program was not told");
}

}  // namespace
}  // namespace moat::conform
