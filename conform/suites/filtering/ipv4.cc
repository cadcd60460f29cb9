// A host's IPv4 fragments with a filter switched on.
#include "conform/suites/filtering/filtering.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("filtering");

constexpr CaseOptions kFiltered{.needs = kFiltering};

CONFORM(16, SHOULD, "RFC 1812 5.3.9",
        "The filter refuses what it is to refuse, and nothing else.", kFiltered) {
  b.Send(Ping4(b.remote, b.device));
  b.Expect(EchoReply4() && To(b.remote.ip4));
  SwitchFilterOn(b);
  b.Send(Ping4(b.remote, b.device));
  b.ExpectNothing(EchoReply4());
  b.Send(Ping4(b.peer, b.device));
  b.Expect(EchoReply4());
}

CONFORM(17, MUST, "RFC 791 3.2", "Fragments are put together, whatever their order.", kFiltered) {
  SwitchFilterOn(b);
  std::vector<Frame> fragments = FragmentIpv4(Ping4(b.peer, b.device, 400), {80, 80, 80, 80});
  std::swap(fragments[0], fragments[3]);
  std::swap(fragments[1], fragments[4]);
  b.SendAll(fragments);
  b.Expect(EchoReply4() && PayloadIs(Pattern(400)));
}

CONFORM(18, MUST, "RFC 791 3.2", "A fragment that comes twice does no harm.", kFiltered) {
  SwitchFilterOn(b);
  const std::vector<Frame> fragments = FragmentIpv4(Ping4(b.peer, b.device, 200), {80, 80});
  for (const size_t i : {0, 0, 1, 1, 2}) b.Send(fragments[i]);
  b.Expect(EchoReply4() && PayloadIs(Pattern(200)));
}

CONFORM(19, MUST, "RFC 1122 3.3.2",
        "An incomplete datagram is given up after a time, and reported to its source.",
        kFiltered) {
  SwitchFilterOn(b);
  b.Send(FragmentIpv4(Ping4(b.peer, b.device, 100), {64})[0]);
  b.Expect(Icmp4Error(icmp4::kTimeExceeded, 1), 125s);
}

}  // namespace
}  // namespace moat::conform
