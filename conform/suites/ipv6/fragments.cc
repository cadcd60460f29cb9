// Fragments: how they are put together, and which never are.
#include "conform/suites/ipv6/echo_fragments.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("ipv6");

// --- Reassembly --------------------------------------------------------------------------------

CONFORM(72, MUST, "RFC 8200 4.5", "Fragments that come in order are put together.") {
  IsAnswered(b, Three(b), kSize);
}

CONFORM(73, MUST, "RFC 8200 4.5", "Fragments that come in reverse order are put together.") {
  const std::vector<Frame> f = Three(b);
  IsAnswered(b, {f[2], f[1], f[0]}, kSize);
}

CONFORM(74, MUST, "RFC 8200 4.5", "Fragments are put together whichever comes last.") {
  const std::vector<Frame> f = Three(b, 1);
  const std::vector<Frame> g = Three(b, 2);
  IsAnswered(b, {f[0], f[2], f[1]}, kSize);
  IsAnswered(b, {g[1], g[2], g[0]}, kSize);
}

CONFORM(75, MUST, "RFC 8200 4.5", "Fragments of eight bytes are put together.") {
  IsAnswered(b, FragmentIpv6(ToDevice(b) / Echo(32), {8, 8, 8, 8}), 32);
}

CONFORM(76, MUST, "RFC 8200 5", "A packet of 1500 bytes in all is put together.") {
  const size_t size = 1500 - 48;
  IsAnswered(b, FragmentIpv6(ToDevice(b) / Echo(size), {1232}), size);
}

CONFORM(77, MUST, "RFC 8200 4.5", "An incomplete packet is not delivered.") {
  const std::vector<Frame> f = Three(b);
  IsIgnored(b, {f[0], f[2]});
  b.Send(f[1]);
  b.Expect(EchoReply6() && PayloadIs(Pattern(kSize)));
}

CONFORM(78, MUST, "RFC 8200 4.5",
        "Fragments of packets with different identifications are kept apart.") {
  const std::vector<Frame> f = Three(b, 1);
  const std::vector<Frame> g = FragmentIpv6(ToDevice(b) / Echo(1100), {400, 400}, 2);
  b.SendAll({f[0], g[0], g[1], f[1], f[2]});
  b.Expect(EchoReply6() && PayloadIs(Pattern(kSize)));
  b.Send(g[2]);
  b.Expect(EchoReply6() && PayloadIs(Pattern(1100)));
}

CONFORM(79, MUST, "RFC 8200 4.5", "Fragments from different sources are kept apart.") {
  const std::vector<Frame> f = Three(b);
  const std::vector<Frame> g = FragmentIpv6(Ip6(b.other, b.device) / Echo(kSize), {400, 400});
  b.SendAll({f[0], g[1], f[2]});
  b.ExpectNothing(EchoReply6());
  b.Send(f[1]);
  b.Expect(EchoReply6() && To(b.peer.ip6));
  b.SendAll({g[0], g[2]});
  b.Expect(EchoReply6() && To(b.other.ip6));
}

CONFORM(80, MUST, "RFC 8200 4.5", "Fragments to different destinations are kept apart.",
        {.needs = kAddresses}) {
  b.AddAddress({"2001:db8::77", 64});
  const std::vector<Frame> f = Three(b);
  Node second = b.device;
  second.ip6 = "2001:db8::77";
  const std::vector<Frame> g = FragmentIpv6(Ip6(b.peer, second) / Echo(kSize), {400, 400});
  b.SendAll({f[0], g[1], f[2]});
  b.ExpectNothing(EchoReply6());
  b.SendAll({g[0], g[2]});
  b.Expect(EchoReply6() && From(second.ip6));
}

CONFORM(81, MUST, "RFC 8200 4.5",
        "The next header that counts is that of the first fragment; others are ignored.") {
  std::vector<Frame> f = Three(b);
  f[1] = f[1].Set(fragment::kNextHeader, proto::kTcp);
  f[2] = f[2].Set(fragment::kNextHeader, 200);
  IsAnswered(b, {f[1], f[2], f[0]}, kSize);
}

CONFORM(82, MUST, "RFC 8200 4.5", "The reserved fields of the fragment header are ignored.") {
  std::vector<Frame> f = Three(b);
  for (Frame& frame : f) {
    frame = frame.Set(fragment::kReserved, 0xff).Set(fragment::kReserved2, 3);
  }
  IsAnswered(b, f, kSize);
}

CONFORM(83, MUST, "RFC 8200 4.5",
        "Fragments may differ in the headers before the fragment header; the first one's count.") {
  const Frame whole = ToDevice(b) / Echo(kSize);
  std::vector<Frame> f = FragmentIpv6(whole, {504});
  const Frame second = f[1];
  f[1] = second.layers()[0] / second.layers()[1].Set(ipv6::kHopLimit, 7) / DestinationOptions() /
         second.layers()[2] / second.layers()[3];
  IsAnswered(b, f, kSize);
}

CONFORM(84, MUST, "RFC 8200 4.5", "Extension headers behind the fragment header are processed.") {
  IsAnswered(b, FragmentIpv6(ToDevice(b) / DestinationOptions() / Echo(kSize), {400, 400}), kSize);
}

CONFORM(85, MUST, "RFC 8200 4.5",
        "Extension headers before the fragment header are kept with the packet.") {
  const Frame outer = ToDevice(b) / DestinationOptions();
  const Bytes message = Packet::OfFrame((ToDevice(b) / Echo(64)).Build()).From(Kind::kIcmp6);
  const auto cut = message.begin() + 40;
  const Layer first = FragmentHeader(0, true).Set(fragment::kNextHeader, proto::kIcmpV6);
  const Layer second = FragmentHeader(40, false).Set(fragment::kNextHeader, proto::kIcmpV6);
  IsAnswered(b,
             {outer / first / Raw(Bytes(message.begin(), cut)),
              outer / second / Raw(Bytes(cut, message.end()))},
             64);
}

// --- Wrong fragments ---------------------------------------------------------------------------

CONFORM(86, SHOULD, "RFC 8200 4.5",
        "A fragment before the last whose length is no multiple of 8 is reported, with the payload "
        "length's offset.") {
  HasProblem(b, ToDevice(b) / FragmentHeader(0, true) / Echo(33), 0, 4);
}

CONFORM(87, MUST, "RFC 8200 4.5",
        "A fragment before the last whose length is no multiple of 8 is discarded.") {
  const Bytes message = Packet::OfFrame((ToDevice(b) / Echo(64)).Build()).From(Kind::kIcmp6);
  const auto from = message.begin();
  const auto Cut = [&](int at, int to, bool more) {
    return ToDevice(b) / FragmentHeader(at, more).Set(fragment::kNextHeader, proto::kIcmpV6) /
           Raw(Bytes(from + at, from + to));
  };
  IsNotAnswered(b, {Cut(0, 45, true), Cut(40, 72, false)});
}

CONFORM(88, SHOULD, "RFC 8200 4.5",
        "A fragment that would make the packet longer than 65535 bytes is reported, with the "
        "fragment offset's offset.") {
  HasProblem(b,
             (ToDevice(b) / FragmentHeader(65528, false) / Raw(32))
                 .Set(fragment::kNextHeader, proto::kIcmpV6),
             0, 42);
}

CONFORM(89, SHOULD, "RFC 8200 4.5; RFC 7112 5",
        "A first fragment without the upper layer's header is reported with code 3.") {
  // UDP, and not ICMPv6, which might be an error itself.
  b.Send((ToDevice(b) / FragmentHeader(0, true) / DestinationOptions())
             .Set(destination_options::kNextHeader, proto::kUdp));
  b.Expect(Problem(3, 0));
}

CONFORM(90, SHOULD, "RFC 8200 4.5; RFC 7112 5",
        "A packet whose first fragment lacks the upper layer's header is not put together.") {
  IsNotAnswered(b, FragmentIpv6(ToDevice(b) / DestinationOptions() / Echo(64), {8, 40}));
}

CONFORM(91, MUST, "RFC 8200 4.5; RFC 5722 4",
        "A packet with a fragment that overlaps the one before it is not put together.") {
  IsIgnored(b, {Piece(b, 0, 400), Piece(b, 392, 408), Piece(b, 800, 208)});
}

CONFORM(92, MUST, "RFC 8200 4.5; RFC 5722 4",
        "A packet with a fragment that overlaps the one behind it is not put together.") {
  IsIgnored(b, {Piece(b, 800, 208), Piece(b, 400, 408), Piece(b, 0, 400)});
}

CONFORM(93, MUST, "RFC 8200 4.5; RFC 5722 4",
        "A packet with a fragment inside another one is not put together.") {
  IsIgnored(b, {Piece(b, 0, 800), Piece(b, 400, 200), Piece(b, 800, 208)});
}

CONFORM(94, MUST, "RFC 8200 4.5; RFC 5722 4",
        "A packet with a fragment that covers an earlier one is not put together.") {
  IsIgnored(b, {Piece(b, 400, 200), Piece(b, 0, 800), Piece(b, 800, 208)});
}

CONFORM(95, MUST, "RFC 8200 4.5; RFC 5722 4",
        "A packet with two fragments of one offset and different lengths is not put together.") {
  IsIgnored(b, {Piece(b, 0, 400), Piece(b, 0, 392), Piece(b, 400, 608)});
}

CONFORM(96, MUST, "RFC 8200 4.5; RFC 5722 4",
        "A packet with two fragments of one place and different contents is not put together.") {
  IsIgnored(b,
            {Piece(b, 0, 400), Piece(b, 400, 400), Piece(b, 400, 400, 0x55), Piece(b, 800, 208)});
}

CONFORM(97, MUST, "RFC 8200 4.5; RFC 5722 4",
        "After an overlap no error follows, not even when the time is over.") {
  b.SendAll({Piece(b, 0, 400), Piece(b, 392, 408)});
  b.ExpectNothing(AnyIcmp6Error(), 65s);
  IsAlive(b);
}

CONFORM(98, MAY, "RFC 8200 4.5", "Exact duplicates of fragments do no harm.") {
  const std::vector<Frame> f = Three(b);
  IsAnswered(b, {f[0], f[0], f[1], f[1], f[0], f[2]}, kSize);
}

CONFORM(99, MUST, "RFC 8200 4.5; RFC 5722 4",
        "A fragment behind the end that the last fragment has set is not put together.") {
  const Layer behind = FragmentHeader(1008, true).Set(fragment::kNextHeader, proto::kIcmpV6);
  IsIgnored(b, {Piece(b, 400, 608), ToDevice(b) / behind / Raw(80), Piece(b, 0, 400)});
}

// --- Atomic fragments --------------------------------------------------------------------------

CONFORM(100, MUST, "RFC 6946 4", "A packet in one fragment is delivered.") {
  IsAnswered(b, ToDevice(b) / FragmentHeader(0, false) / Echo());
}

CONFORM(101, MUST, "RFC 6946 4",
        "A packet in one fragment is delivered although fragments of its identification wait.") {
  const std::vector<Frame> f = Three(b);
  b.Send(f[0]);
  b.Send(ToDevice(b) / FragmentHeader(0, false) / Echo(77));
  b.Expect(EchoReply6() && PayloadIs(Pattern(77)));
}

CONFORM(102, MUST, "RFC 6946 4",
        "A packet in one fragment does not disturb the fragments of its identification.") {
  const std::vector<Frame> f = Three(b);
  b.SendAll({f[0], f[1], ToDevice(b) / FragmentHeader(0, false) / Echo(77)});
  b.Expect(EchoReply6() && PayloadIs(Pattern(77)));
  b.Send(f[2]);
  b.Expect(EchoReply6() && PayloadIs(Pattern(kSize)));
}

// --- Time --------------------------------------------------------------------------------------

CONFORM(
    103, MUST, "RFC 8200 4.5",
    "60 seconds after its first fragment came, an incomplete packet is reported to its source.") {
  const Duration start = b.Now();
  b.Send(Three(b)[0]);
  const Packet error = b.Expect(TimeExceeded() && To(b.peer.ip6), 70s);
  b.CheckBetween(std::chrono::duration<double>(error.time() - start).count(), 55, 65, "seconds");
}

CONFORM(104, MUST, "RFC 8200 4.5",
        "The time runs from the fragment that came first; later ones do not prolong it.") {
  const std::vector<Frame> f = Three(b);
  const Duration start = b.Now();
  b.Send(f[0]);
  b.Wait(40s);
  b.Send(f[1]);
  const Packet error = b.Expect(TimeExceeded(), 35s);
  b.CheckBetween(std::chrono::duration<double>(error.time() - start).count(), 55, 65, "seconds");
}

CONFORM(105, MUST, "RFC 8200 4.5",
        "An incomplete packet without the fragment at offset 0 is given up without an error.") {
  const std::vector<Frame> f = Three(b);
  b.SendAll({f[1], f[2]});
  b.ExpectNothing(AnyIcmp6Error(), 70s);
  IsAlive(b);
}

CONFORM(106, MUST, "RFC 8200 4.5", "What comes after the time is over completes nothing.") {
  const std::vector<Frame> f = Three(b);
  b.SendAll({f[0], f[1]});
  b.Wait(70s);
  b.Send(f[2]);
  b.ExpectNothing(EchoReply6());
  IsAlive(b);
}

CONFORM(107, MUST, "RFC 8200 4.5; RFC 4443 2.4 (c)",
        "The error after the time is over quotes the fragment at offset 0.") {
  const std::vector<Frame> f = Three(b);
  b.SendAll({f[1], f[0]});
  b.Expect(TimeExceeded() && Quotes(From(b.peer.ip6) && Is(fragment::kOffset, 0) &&
                                    Is(fragment::kMore, 1) && Is(fragment::kId, 0x12345678)),
           70s);
}

// --- What is discarded alone ---------------------------------------------------------------------

CONFORM(124, MUST, "RFC 8200 4.5",
        "A fragment of a wrong length is discarded alone: the right ones are put together.") {
  const Layer odd = FragmentHeader(0, true).Set(fragment::kNextHeader, proto::kIcmpV6);
  b.Send(Piece(b, 400, 400));
  b.Send(ToDevice(b) / odd / Raw(45));
  IsAnswered(b, {Piece(b, 0, 400), Piece(b, 800, 208)}, kSize);
}

CONFORM(125, MUST, "RFC 8200 4.5",
        "A fragment beyond 65535 bytes is discarded alone: the right ones are put together.") {
  const Layer far = FragmentHeader(65528, false).Set(fragment::kNextHeader, proto::kIcmpV6);
  b.Send(Piece(b, 0, 400));
  b.Send(ToDevice(b) / far / Raw(32));
  IsAnswered(b, {Piece(b, 400, 400), Piece(b, 800, 208)}, kSize);
}

CONFORM(126, MUST, "RFC 8200 4.5",
        "Headers before a later fragment's header are processed when it comes: an option that "
        "discards discards it.") {
  const std::vector<Frame> f = Three(b);
  const auto discards = ip6_option::Unknown(0x5e, Bytes(4));
  const Frame marked = f[1].layers()[0] / f[1].layers()[1] / DestinationOptions(discards) /
                       f[1].layers()[2] / f[1].layers()[3];
  IsIgnored(b, {f[0], marked, f[2]});
  IsAnswered(b, {f[1]}, kSize);
}

CONFORM(127, SHOULD, "RFC 8200 4.5; RFC 7112 5",
        "A first fragment with a part of the upper layer's header is reported with code 3.") {
  for (const int size : {8, 16}) {  // of the 20 bytes that TCP's header has
    b.Send((ToDevice(b) / FragmentHeader(0, true) / Raw(static_cast<size_t>(size)))
               .Set(fragment::kNextHeader, proto::kTcp));
    b.Expect(Problem(3, 0));
  }
  b.Send((ToDevice(b) / FragmentHeader(0, true) / Raw(24)).Set(fragment::kNextHeader, proto::kTcp));
  b.ExpectNothing(AnyIcmp6Error());
  IsAlive(b);
}

CONFORM(128, MUST, "RFC 8200 4.5; RFC 5722 4",
        "What an overlap has done to a packet concerns no other identification.") {
  b.SendAll({Piece(b, 0, 400), Piece(b, 392, 408)});
  IsAnswered(b, Three(b, 99), kSize);
}

}  // namespace
}  // namespace moat::conform
