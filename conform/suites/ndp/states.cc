// What a message does to a neighbour's entry: the table of RFC 4861, Appendix C, row by row.
#include <iterator>
#include <utility>

#include "conform/suites/ndp/neighbor.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("ndp");

enum class State : uint8_t { kIncomplete, kReachable, kStale, kProbe };
enum class Message : uint8_t { kS0O0, kS0O1, kS1O0, kS1O1, kSolicitation };
enum class Link : uint8_t { kSame, kOther, kNone };  // the message's link address option

struct Row {
  int number;
  State from;
  Message message;
  Link link;
  State to;
  bool taken;  // the entry has the message's link address afterwards
  const char* text;
};

using S = State;
using M = Message;
using L = Link;

constexpr Row kRows[] = {
    {1, S::kIncomplete, M::kS0O0, L::kSame, S::kStale, true,
     "INCOMPLETE: an advertisement with S=0, O=0 makes the entry STALE."},
    {2, S::kIncomplete, M::kS0O1, L::kSame, S::kStale, true,
     "INCOMPLETE: an advertisement with S=0, O=1 makes the entry STALE."},
    {3, S::kIncomplete, M::kS1O0, L::kSame, S::kReachable, true,
     "INCOMPLETE: an advertisement with S=1, O=0 makes the entry REACHABLE."},
    {4, S::kIncomplete, M::kS1O1, L::kSame, S::kReachable, true,
     "INCOMPLETE: an advertisement with S=1, O=1 makes the entry REACHABLE."},
    {5, S::kIncomplete, M::kSolicitation, L::kSame, S::kStale, true,
     "INCOMPLETE: a solicitation with a link address makes the entry STALE."},
    {6, S::kReachable, M::kS0O0, L::kSame, S::kReachable, false,
     "REACHABLE: an advertisement with S=0, O=0 and the same link address changes nothing."},
    {7, S::kReachable, M::kS0O0, L::kOther, S::kStale, false,
     "REACHABLE: an advertisement with S=0, O=0 and another link address makes the entry STALE."},
    {8, S::kReachable, M::kS0O0, L::kNone, S::kReachable, false,
     "REACHABLE: an advertisement with S=0, O=0 and no link address changes nothing."},
    {9, S::kReachable, M::kS0O1, L::kSame, S::kReachable, false,
     "REACHABLE: an advertisement with S=0, O=1 and the same link address changes nothing."},
    {10, S::kReachable, M::kS0O1, L::kOther, S::kStale, true,
     "REACHABLE: an advertisement with S=0, O=1 and another link address is taken; STALE."},
    {11, S::kReachable, M::kS0O1, L::kNone, S::kReachable, false,
     "REACHABLE: an advertisement with S=0, O=1 and no link address changes nothing."},
    {12, S::kReachable, M::kS1O0, L::kSame, S::kReachable, false,
     "REACHABLE: an advertisement with S=1, O=0 and the same link address keeps it so."},
    {13, S::kReachable, M::kS1O0, L::kOther, S::kStale, false,
     "REACHABLE: an advertisement with S=1, O=0 and another link address makes the entry STALE."},
    {14, S::kReachable, M::kS1O0, L::kNone, S::kReachable, false,
     "REACHABLE: an advertisement with S=1, O=0 and no link address keeps it so."},
    {15, S::kReachable, M::kS1O1, L::kSame, S::kReachable, false,
     "REACHABLE: an advertisement with S=1, O=1 and the same link address keeps it so."},
    {16, S::kReachable, M::kS1O1, L::kOther, S::kReachable, true,
     "REACHABLE: an advertisement with S=1, O=1 and another link address is taken; REACHABLE."},
    {17, S::kReachable, M::kS1O1, L::kNone, S::kReachable, false,
     "REACHABLE: an advertisement with S=1, O=1 and no link address keeps it so."},
    {18, S::kReachable, M::kSolicitation, L::kSame, S::kReachable, false,
     "REACHABLE: a solicitation with the same link address changes nothing."},
    {19, S::kReachable, M::kSolicitation, L::kOther, S::kStale, true,
     "REACHABLE: a solicitation with another link address is taken; STALE."},
    {20, S::kReachable, M::kSolicitation, L::kNone, S::kReachable, false,
     "REACHABLE: a solicitation without link address changes nothing."},
    {21, S::kStale, M::kS0O0, L::kSame, S::kStale, false,
     "STALE: an advertisement with S=0, O=0 and the same link address changes nothing."},
    {22, S::kStale, M::kS0O0, L::kOther, S::kStale, false,
     "STALE: an advertisement with S=0, O=0 and another link address changes nothing."},
    {23, S::kStale, M::kS0O0, L::kNone, S::kStale, false,
     "STALE: an advertisement with S=0, O=0 and no link address changes nothing."},
    {24, S::kStale, M::kS0O1, L::kSame, S::kStale, false,
     "STALE: an advertisement with S=0, O=1 and the same link address changes nothing."},
    {25, S::kStale, M::kS0O1, L::kOther, S::kStale, true,
     "STALE: an advertisement with S=0, O=1 and another link address is taken; STALE."},
    {26, S::kStale, M::kS1O0, L::kSame, S::kReachable, false,
     "STALE: an advertisement with S=1, O=0 and the same link address makes the entry REACHABLE."},
    {27, S::kStale, M::kS1O0, L::kOther, S::kStale, false,
     "STALE: an advertisement with S=1, O=0 and another link address changes nothing."},
    {28, S::kStale, M::kS1O0, L::kNone, S::kReachable, false,
     "STALE: an advertisement with S=1, O=0 and no link address makes the entry REACHABLE."},
    {29, S::kStale, M::kS1O1, L::kSame, S::kReachable, false,
     "STALE: an advertisement with S=1, O=1 and the same link address makes the entry REACHABLE."},
    {30, S::kStale, M::kS1O1, L::kOther, S::kReachable, true,
     "STALE: an advertisement with S=1, O=1 and another link address is taken; REACHABLE."},
    {31, S::kStale, M::kSolicitation, L::kSame, S::kStale, false,
     "STALE: a solicitation with the same link address changes nothing."},
    {32, S::kStale, M::kSolicitation, L::kOther, S::kStale, true,
     "STALE: a solicitation with another link address is taken; STALE."},
    {33, S::kProbe, M::kS0O0, L::kSame, S::kProbe, false,
     "PROBE: an advertisement with S=0, O=0 and the same link address changes nothing."},
    {34, S::kProbe, M::kS0O0, L::kOther, S::kProbe, false,
     "PROBE: an advertisement with S=0, O=0 and another link address changes nothing."},
    {35, S::kProbe, M::kS0O0, L::kNone, S::kProbe, false,
     "PROBE: an advertisement with S=0, O=0 and no link address changes nothing."},
    {36, S::kProbe, M::kS0O1, L::kSame, S::kProbe, false,
     "PROBE: an advertisement with S=0, O=1 and the same link address changes nothing."},
    {37, S::kProbe, M::kS0O1, L::kOther, S::kStale, true,
     "PROBE: an advertisement with S=0, O=1 and another link address is taken; STALE."},
    {38, S::kProbe, M::kS1O0, L::kSame, S::kReachable, false,
     "PROBE: an advertisement with S=1, O=0 and the same link address makes the entry REACHABLE."},
    {39, S::kProbe, M::kS1O0, L::kOther, S::kProbe, false,
     "PROBE: an advertisement with S=1, O=0 and another link address changes nothing."},
    {40, S::kProbe, M::kS1O0, L::kNone, S::kReachable, false,
     "PROBE: an advertisement with S=1, O=0 and no link address makes the entry REACHABLE."},
    {41, S::kProbe, M::kS1O1, L::kSame, S::kReachable, false,
     "PROBE: an advertisement with S=1, O=1 and the same link address makes the entry REACHABLE."},
    {42, S::kProbe, M::kS1O1, L::kOther, S::kReachable, true,
     "PROBE: an advertisement with S=1, O=1 and another link address is taken; REACHABLE."},
    {43, S::kProbe, M::kSolicitation, L::kSame, S::kProbe, false,
     "PROBE: a solicitation with the same link address changes nothing."},
    {44, S::kProbe, M::kSolicitation, L::kOther, S::kStale, true,
     "PROBE: a solicitation with another link address is taken; STALE."},
};

Frame MakeMessage(const Bench& b, const Row& row) {
  const Mac mac = row.link == L::kOther ? b.other.mac : b.peer.mac;
  const bool solicitation = row.message == M::kSolicitation;
  const bool solicited = row.message == M::kS1O0 || row.message == M::kS1O1;
  const bool override_ = row.message == M::kS0O1 || row.message == M::kS1O1;
  const Frame bare =
      solicitation ? BareSolicitation(b) : BareAdvertisement(b, solicited, override_);
  if (row.link == L::kNone) return bare;
  return bare / Raw(solicitation ? ndp_option::SourceLinkAddress(mac)
                                 : ndp_option::TargetLinkAddress(mac));
}

void Run(Bench& b, const Row& row) {
  using Step = void (*)(Bench&);
  static constexpr Step kMake[] = {MakeIncomplete, [](Bench& bench) { MakeReachable(bench); },
                                   MakeStale, MakeProbe};
  using Judge = void (*)(Bench&, const Mac&);
  static constexpr Judge kJudge[] = {[](Bench& bench, const Mac&) { ExpectUnknown(bench); },
                                     ExpectReachable, ExpectStale, ExpectProbe};
  kMake[static_cast<size_t>(row.from)](b);
  b.Send(MakeMessage(b, row));
  // What waited for the resolution leaves.
  if (row.from == S::kIncomplete) b.Expect(EchoTo(b.peer.mac));
  const bool other = row.taken && row.link == L::kOther;
  kJudge[static_cast<size_t>(row.to)](b, other ? b.other.mac : b.peer.mac);
}

template <size_t I>
void RunRow(Bench& b) {
  Run(b, kRows[I]);
}

template <size_t... I>
bool RegisterRows(std::index_sequence<I...>) {
  (RegisterCase({kConformSuite,
                 kRows[I].number,
                 Level::MUST,
                 kRows[I].message == M::kSolicitation ? "RFC 4861 7.2.3; Appendix C"
                                                      : "RFC 4861 7.2.5; Appendix C",
                 kRows[I].text,
                 {.needs = kPing},
                 RunRow<I>}),
   ...);
  return true;
}
[[maybe_unused]] const bool kRegistered =
    RegisterRows(std::make_index_sequence<std::size(kRows)>());

CONFORM(45, SHOULD, "RFC 4861 7.2.5",
        "INCOMPLETE: an advertisement without link address does not end the resolution.",
        {.needs = kPing}) {
  MakeIncomplete(b);
  b.Send(BareAdvertisement(b, true, true));
  b.ExpectNothing(EchoRequest6(), 300ms);
  b.Expect(SolicitsByGroup(b.peer.ip6), 1500ms);
}

CONFORM(46, MUST, "RFC 4861 7.2.3",
        "INCOMPLETE: a solicitation without link address does not end the resolution.",
        {.needs = kPing}) {
  MakeIncomplete(b);
  b.Send(BareSolicitation(b));
  b.ExpectNothing(EchoRequest6(), 300ms);
  b.Expect(SolicitsByGroup(b.peer.ip6), 1500ms);
}

CONFORM(47, SHOULD, "RFC 4861 7.2.5", "An advertisement of an unknown neighbour makes no entry.",
        {.needs = kPing}) {
  b.StopAnswering(b.peer);
  b.Send(Advertisement(b, false, true, b.peer.mac));
  b.Send(Advertisement(b, true, true, b.peer.mac));
  ExpectUnknown(b);
}

CONFORM(48, SHOULD, "RFC 4861 7.2.3",
        "A solicitation of an unknown neighbour makes a STALE entry with its link address.",
        {.needs = kPing}) {
  b.StopAnswering(b.peer);
  b.Send(NeighborSolicitation(b.peer, b.device.ip6));
  b.Expect(Advertises(b.device.ip6));
  ExpectStale(b, b.peer.mac);
}

CONFORM(49, MUST, "RFC 4861 7.2.3",
        "A probe for another's address from the unspecified address makes no entry.",
        {.needs = kPing}) {
  b.StopAnswering(b.peer);
  b.Send(Eth(GroupMac(SolicitedNode(b.device.ip6)), b.peer.mac) /
         Ipv6("::", SolicitedNode(b.device.ip6)).Set(ipv6::kHopLimit, 255) /
         Icmp6(icmp6::kNeighborSolicitation).Set(icmp6::kTarget, b.device.ip6));
  b.Expect(Advertises(b.device.ip6));
  ExpectUnknown(b);
}

CONFORM(50, MUST, "RFC 4861 7.2.5",
        "The link address that counts is the option's, not the frame's.", {.needs = kPing}) {
  MakeIncomplete(b);
  b.Send(Advertisement(b, true, true, b.peer.mac).Set(eth::kSource, b.other.mac));
  b.Expect(EchoTo(b.peer.mac));
}

}  // namespace
}  // namespace moat::conform
