// Extension headers and their options.
#include "conform/suites/ipv6/answers.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("ipv6");

// Option types that nobody knows (RFC 4727 5): what the upper two bits ask for.
constexpr uint8_t kSkip = 0x1e, kDiscard = 0x5e, kReport = 0x9e, kReportUnicast = 0xde;
constexpr uint32_t kFirstOption = 42;  // offset, in the header right behind IPv6's
constexpr int kErroneous = 0, kUnknownHeader = 1, kUnknownOption = 2;

Bytes Unknown(uint8_t type) { return ip6_option::Unknown(type, Bytes(4)); }

// --- Chains ------------------------------------------------------------------------------------

CONFORM(34, MUST, "RFC 8200 4.3", "A hop-by-hop options header with padding is passed over.") {
  IsAnswered(b, ToDevice(b) / HopByHop() / Echo());
  IsAnswered(b, ToDevice(b) / HopByHop(Bytes(6)) / Echo());  // Pad1
}

CONFORM(35, MUST, "RFC 8200 4.6", "A destination options header with padding is passed over.") {
  IsAnswered(b, ToDevice(b) / DestinationOptions() / Echo());
  IsAnswered(b, ToDevice(b) / DestinationOptions(Bytes(6)) / Echo());
}

CONFORM(36, MUST, "RFC 8200 4.1", "All extension headers in the recommended order are accepted.") {
  IsAnswered(b, ToDevice(b) / HopByHop() / DestinationOptions() / Routing(0, 0) /
                    FragmentHeader(0, false) / DestinationOptions() / Echo());
}

CONFORM(37, MUST, "RFC 8200 4.1", "Extension headers are accepted in another order.") {
  IsAnswered(
      b, ToDevice(b) / FragmentHeader(0, false) / Routing(0, 0) / DestinationOptions() / Echo());
  IsAnswered(
      b, ToDevice(b) / DestinationOptions() / FragmentHeader(0, false) / Routing(0, 0) / Echo());
}

CONFORM(38, MUST, "RFC 8200 4.1", "Extension headers are accepted more than once.") {
  IsAnswered(
      b, ToDevice(b) / DestinationOptions() / DestinationOptions() / DestinationOptions() / Echo());
  IsAnswered(b, ToDevice(b) / Routing(0, 0) / Routing(0, 0) / Echo());
}

CONFORM(39, SHOULD, "RFC 8200 4",
        "A hop-by-hop options header behind another header than IPv6's is reported as unknown.") {
  HasProblem(b, ToDevice(b) / DestinationOptions() / HopByHop() / Echo(), kUnknownHeader, 40);
}

CONFORM(40, SHOULD, "RFC 8200 4", "A second hop-by-hop options header is reported as unknown.") {
  HasProblem(b, ToDevice(b) / HopByHop() / HopByHop() / Echo(), kUnknownHeader, 40);
}

CONFORM(41, SHOULD, "RFC 8200 4",
        "An unknown next header of the IPv6 header is reported, with the field's offset.") {
  HasProblem(b, (ToDevice(b) / Raw(32)).Set(ipv6::kNextHeader, 200), kUnknownHeader, 6);
}

CONFORM(42, SHOULD, "RFC 8200 4",
        "An unknown next header of an extension header is reported, with the field's offset.") {
  const Frame frame = ToDevice(b) / HopByHop() / DestinationOptions() / Raw(32);
  HasProblem(b, frame.Set(destination_options::kNextHeader, 200), kUnknownHeader, 48);
}

CONFORM(43, MUST, "RFC 8200 4.7", "What follows a header with next header 59 is ignored.") {
  IsIgnored(b, (ToDevice(b) / Echo()).Set(ipv6::kNextHeader, proto::kNone));
}

CONFORM(44, MUST, "RFC 8200 4.7",
        "What follows an extension header with next header 59 is ignored.") {
  IsIgnored(b, (ToDevice(b) / DestinationOptions() / Echo())
                   .Set(destination_options::kNextHeader, proto::kNone));
}

CONFORM(45, MUST, "RFC 8200 4.2; 4.3",
        "A packet that ends inside an extension header is discarded.") {
  IsNotAnswered(b, {(ToDevice(b) / HopByHop() / Echo(8)).Set(hop_by_hop::kLength, 255)});
  IsNotAnswered(
      b, {(ToDevice(b) / DestinationOptions() / Echo(8)).Set(destination_options::kLength, 3)});
}

// --- Options -----------------------------------------------------------------------------------
// The same rules for hop-by-hop and destination options.

CONFORM(46, MUST, "RFC 8200 4.2 (00)", "An unknown hop-by-hop option of type 00 is skipped.") {
  IsAnswered(b, ToDevice(b) / HopByHop(Unknown(kSkip)) / Echo());
}
CONFORM(47, MUST, "RFC 8200 4.2 (01)",
        "A packet with an unknown hop-by-hop option of type 01 is discarded silently.") {
  IsIgnored(b, ToDevice(b) / HopByHop(Unknown(kDiscard)) / Echo());
}
CONFORM(48, MUST, "RFC 8200 4.2 (10)",
        "An unknown hop-by-hop option of type 10 is reported, with its offset.") {
  HasProblem(b, ToDevice(b) / HopByHop(Unknown(kReport)) / Echo(), kUnknownOption, kFirstOption);
}
CONFORM(49, MUST, "RFC 8200 4.2 (11)",
        "An unknown hop-by-hop option of type 11 is reported, with its offset.") {
  HasProblem(b, ToDevice(b) / HopByHop(Unknown(kReportUnicast)) / Echo(), kUnknownOption,
             kFirstOption);
}
CONFORM(50, MUST, "RFC 8200 4.2 (10)",
        "An unknown hop-by-hop option of type 10 in a packet to a group is reported.") {
  HasProblem(b, ToAllNodes(b) / HopByHop(Unknown(kReport)) / Echo(), kUnknownOption, kFirstOption);
}
CONFORM(51, MUST, "RFC 8200 4.2 (11)",
        "An unknown hop-by-hop option of type 11 in a packet to a group is not reported.") {
  IsIgnored(b, ToAllNodes(b) / HopByHop(Unknown(kReportUnicast)) / Echo());
}

CONFORM(52, MUST, "RFC 8200 4.2 (00)", "An unknown destination option of type 00 is skipped.") {
  IsAnswered(b, ToDevice(b) / DestinationOptions(Unknown(kSkip)) / Echo());
}
CONFORM(53, MUST, "RFC 8200 4.2 (01)",
        "A packet with an unknown destination option of type 01 is discarded silently.") {
  IsIgnored(b, ToDevice(b) / DestinationOptions(Unknown(kDiscard)) / Echo());
}
CONFORM(54, MUST, "RFC 8200 4.2 (10)",
        "An unknown destination option of type 10 is reported, with its offset.") {
  HasProblem(b, ToDevice(b) / DestinationOptions(Unknown(kReport)) / Echo(), kUnknownOption,
             kFirstOption);
}
CONFORM(55, MUST, "RFC 8200 4.2 (11)",
        "An unknown destination option of type 11 is reported, with its offset.") {
  HasProblem(b, ToDevice(b) / DestinationOptions(Unknown(kReportUnicast)) / Echo(), kUnknownOption,
             kFirstOption);
}
CONFORM(56, MUST, "RFC 8200 4.2 (10)",
        "An unknown destination option of type 10 in a packet to a group is reported.") {
  HasProblem(b, ToAllNodes(b) / DestinationOptions(Unknown(kReport)) / Echo(), kUnknownOption,
             kFirstOption);
}
CONFORM(57, MUST, "RFC 8200 4.2 (11)",
        "An unknown destination option of type 11 in a packet to a group is not reported.") {
  IsIgnored(b, ToAllNodes(b) / DestinationOptions(Unknown(kReportUnicast)) / Echo());
}

CONFORM(58, MUST, "RFC 8200 4.2", "The third bit of an unknown option's type changes nothing.") {
  IsAnswered(b, ToDevice(b) / DestinationOptions(Unknown(0x3e)) / Echo());
  IsIgnored(b, ToDevice(b) / DestinationOptions(Unknown(0x7e)) / Echo());
  HasProblem(b, ToDevice(b) / DestinationOptions(Unknown(0xbe)) / Echo(), kUnknownOption,
             kFirstOption);
}

CONFORM(59, MUST, "RFC 8200 4.2",
        "Options are processed in their order: one that discards hides one that reports.") {
  IsIgnored(b,
            ToDevice(b) / DestinationOptions(Join({Unknown(kDiscard), Unknown(kReport)})) / Echo());
  HasProblem(b,
             ToDevice(b) / DestinationOptions(Join({Unknown(kReport), Unknown(kDiscard)})) / Echo(),
             kUnknownOption, kFirstOption);
}

CONFORM(60, MUST, "RFC 8200 4.2; RFC 4443 3.4",
        "The offset that is reported is that of the unknown option, not of the first.") {
  HasProblem(b,
             ToDevice(b) / HopByHop() /
                 DestinationOptions(Join({ip6_option::PadN(4), Unknown(kSkip), Unknown(kReport)})) /
                 Echo(),
             kUnknownOption, 60);
}

CONFORM(61, MUST, "RFC 8200 4.2", "Padding of any length is skipped.") {
  for (const size_t size : {size_t{2}, size_t{7}, size_t{14}, size_t{200}}) {
    IsAnswered(b, ToDevice(b) / DestinationOptions(ip6_option::PadN(size)) / Echo());
  }
}

CONFORM(62, MUST, "RFC 8200 4.2", "An unknown option of any length that may be skipped is.") {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{60}, size_t{255}}) {
    IsAnswered(b, ToDevice(b) / DestinationOptions(ip6_option::Unknown(kSkip, Bytes(size, 0xff))) /
                      Echo());
  }
}

CONFORM(63, MUST, "RFC 8200 4.2", "An option that is longer than its header is not believed.") {
  const Bytes option = {kSkip, 5, 0, 0, 0, 0};
  IsNotAnswered(b, {ToDevice(b) / DestinationOptions(option) / Echo()});
  IsNotAnswered(b, {ToDevice(b) / HopByHop(option) / Echo()});
}

CONFORM(64, MUST, "RFC 2711 2.1",
        "A packet to the device with a router alert option is accepted.") {
  IsAnswered(b, ToDevice(b) / HopByHop(ip6_option::RouterAlert()) / Echo());
}

// --- Routing headers ---------------------------------------------------------------------------

CONFORM(65, MUST, "RFC 5095 3; RFC 8200 4.4",
        "A routing header of type 0 without segments left is ignored.") {
  IsAnswered(b, ToDevice(b) / Routing(0, 0, Join({Bytes(4), Bytes(16, 0x20)})) / Echo());
}

CONFORM(66, MUST, "RFC 5095 3; RFC 8200 4.4",
        "A routing header of type 0 with segments left is reported, with the type's offset.") {
  const Ip next = b.other.ip6;
  const Bytes data = Join({Bytes(4), Bytes(next.data(), next.data() + 16)});
  HasProblem(b, ToDevice(b) / Routing(0, 1, data) / Echo(), kErroneous, 42);
}

CONFORM(67, MUST, "RFC 5095 3", "No packet is sent on by a routing header of type 0.") {
  const Ip next = b.other.ip6;
  const Bytes data = Join({Bytes(4), Bytes(next.data(), next.data() + 16)});
  b.Send(ToDevice(b) / Routing(0, 1, data) / Echo());
  b.ExpectNothing(EchoRequest6() || EchoReply6());
  IsAlive(b);
}

CONFORM(68, MUST, "RFC 8200 4.4",
        "A routing header of an unknown type without segments left is ignored.") {
  for (const int type : {1, 253, 255}) IsAnswered(b, ToDevice(b) / Routing(type, 0) / Echo());
}

CONFORM(
    69, MUST, "RFC 8200 4.4",
    "A routing header of an unknown type with segments left is reported, with the type's offset.") {
  for (const int type : {1, 253, 255}) {
    HasProblem(b, ToDevice(b) / Routing(type, 1) / Echo(), kErroneous, 42);
  }
}

CONFORM(70, MUST, "RFC 8200 4.4; RFC 4443 3.4",
        "The offset that is reported counts the headers in front of the routing header.") {
  HasProblem(b, ToDevice(b) / HopByHop() / DestinationOptions() / Routing(253, 2) / Echo(),
             kErroneous, 58);
}

CONFORM(71, MUST, "RFC 8200 8.4", "An answer to a packet with a routing header has none.") {
  b.Send(ToDevice(b) / Routing(0, 0, Join({Bytes(4), Bytes(16, 0x20)})) / Echo());
  b.Expect(EchoReply6() && !Has(Kind::kRouting));
}

// --- Order ---------------------------------------------------------------------------------------

CONFORM(121, MUST, "RFC 8200 4",
        "Headers are processed in their order: of two that are wrong the first is reported.") {
  HasProblem(b,
             ToDevice(b) / Routing(253, 1) / DestinationOptions(Unknown(kReport)) / Echo(),
             kErroneous, 42);
  HasProblem(b,
             ToDevice(b) / DestinationOptions(Unknown(kReport)) / Routing(253, 1) / Echo(),
             kUnknownOption, kFirstOption);
}

CONFORM(122, SHOULD, "RFC 8200 4",
        "A hop-by-hop options header behind a routing header or a fragment header is reported.") {
  HasProblem(b, ToDevice(b) / Routing(0, 0) / HopByHop() / Echo(), kUnknownHeader, 40);
  HasProblem(b, ToDevice(b) / FragmentHeader(0, false) / HopByHop() / Echo(), kUnknownHeader, 40);
}

CONFORM(123, MUST, "RFC 8200 4.2; RFC 4443 3.4",
        "The offset that is reported may lie behind what the error quotes.") {
  const Bytes skipped = ip6_option::Unknown(kSkip, Bytes(208));
  const Bytes options =
      Join({skipped, skipped, skipped, skipped, skipped, skipped, Unknown(kReport)});
  const uint32_t pointer = kFirstOption + 6 * 210;
  b.Send(ToDevice(b) / DestinationOptions(options) / Echo(8));
  const Packet error = b.Expect(Problem(kUnknownOption, pointer));
  b.Check(error.From(Kind::kIpv6).size() <= 1280, "the error is longer than 1280 bytes");
}

}  // namespace
}  // namespace moat::conform
