// A host's fragments and parameter problems with a filter switched on.
#include "conform/suites/filtering/filtering.h"
#include "conform/suites/ipv6/echo_fragments.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("filtering");

constexpr CaseOptions kFiltered{.needs = kIpv6 | kFiltering};

CONFORM(1, SHOULD, "RFC 1812 5.3.9", "The filter refuses what it is to refuse, and nothing else.",
        kFiltered) {
  b.Send(Ping6(b.remote, b.device));
  b.Expect(EchoReply6() && To(b.remote.ip6));
  SwitchFilterOn(b);
  b.Send(Ping6(b.remote, b.device));
  b.ExpectNothing(EchoReply6() || AnyIcmp6Error());
  IsAlive(b);
}

CONFORM(2, MUST, "RFC 8200 4.5", "Fragments are put together, whatever their order.", kFiltered) {
  SwitchFilterOn(b);
  const std::vector<Frame> f = Three(b, 1);
  const std::vector<Frame> g = Three(b, 2);
  IsAnswered(b, {f[0], f[1], f[2]}, kSize);
  IsAnswered(b, {g[2], g[1], g[0]}, kSize);
}

CONFORM(3, SHOULD, "RFC 8200 4.5",
        "A fragment before the last whose length is no multiple of 8 is reported.", kFiltered) {
  SwitchFilterOn(b);
  HasProblem(b, ToDevice(b) / FragmentHeader(0, true) / Echo(33), 0, 4);
}

CONFORM(4, SHOULD, "RFC 8200 4.5",
        "A fragment that would make the packet longer than 65535 bytes is reported.", kFiltered) {
  SwitchFilterOn(b);
  HasProblem(b,
             (ToDevice(b) / FragmentHeader(65528, false) / Raw(32))
                 .Set(fragment::kNextHeader, proto::kIcmpV6),
             0, 42);
}

CONFORM(5, SHOULD, "RFC 8200 4.5; RFC 7112 5",
        "A first fragment without the upper layer's header is reported with code 3.", kFiltered) {
  SwitchFilterOn(b);
  b.Send((ToDevice(b) / FragmentHeader(0, true) / DestinationOptions())
             .Set(destination_options::kNextHeader, proto::kUdp));
  b.Expect(Problem(3, 0));
}

CONFORM(6, MUST, "RFC 8200 4.5; RFC 5722 4",
        "A packet with a fragment that overlaps another one is not put together.", kFiltered) {
  SwitchFilterOn(b);
  IsIgnored(b, {Piece(b, 0, 400), Piece(b, 392, 408), Piece(b, 800, 208)});
}

CONFORM(7, MAY, "RFC 8200 4.5", "Exact duplicates of fragments do no harm.", kFiltered) {
  SwitchFilterOn(b);
  const std::vector<Frame> f = Three(b);
  IsAnswered(b, {f[0], f[0], f[1], f[1], f[0], f[2]}, kSize);
}

CONFORM(8, MUST, "RFC 6946 4",
        "A packet in one fragment is delivered, and disturbs no fragments of its identification.",
        kFiltered) {
  SwitchFilterOn(b);
  const std::vector<Frame> f = Three(b);
  b.SendAll({f[0], f[1], ToDevice(b) / FragmentHeader(0, false) / Echo(77)});
  b.Expect(EchoReply6() && PayloadIs(Pattern(77)));
  b.Send(f[2]);
  b.Expect(EchoReply6() && PayloadIs(Pattern(kSize)));
}

CONFORM(9, MUST, "RFC 8200 4.5",
        "60 seconds after its first fragment came, an incomplete packet is reported; the error "
        "quotes the fragment at offset 0.",
        kFiltered) {
  SwitchFilterOn(b);
  const Duration start = b.Now();
  b.SendAll({Three(b)[1], Three(b)[0]});
  const Packet error =
      b.Expect(TimeExceeded() && Quotes(Is(fragment::kOffset, 0) && Is(fragment::kMore, 1)), 70s);
  b.CheckBetween(std::chrono::duration<double>(error.time() - start).count(), 55, 65, "seconds");
}

CONFORM(10, MUST, "RFC 8200 4; RFC 4443 3.4",
        "The next header that is unknown is reported with code 1.", kFiltered) {
  SwitchFilterOn(b);
  HasProblem(b, (ToDevice(b) / Raw(32)).Set(ipv6::kNextHeader, 200), 1, 6);
}

CONFORM(11, MUST, "RFC 8200 4.2; RFC 4443 3.4",
        "An unknown option that asks for it is reported with code 2.", kFiltered) {
  SwitchFilterOn(b);
  HasProblem(b, ToDevice(b) / DestinationOptions(ip6_option::Unknown(0x9e, Bytes(4))) / Echo(), 2,
             42);
}

CONFORM(12, MUST, "RFC 8200 4.5; 4.2",
        "An unknown option in a packet that came in fragments is reported.", kFiltered) {
  SwitchFilterOn(b);
  const Layer option = DestinationOptions(ip6_option::Unknown(0x9e, Bytes(4)));
  b.SendAll(FragmentIpv6(ToDevice(b) / option / Echo(kSize), {400, 400}));
  b.Expect(Icmp6Error(icmp6::kParameterProblem, 2));
  b.ExpectNothing(EchoReply6());
}

}  // namespace
}  // namespace moat::conform
