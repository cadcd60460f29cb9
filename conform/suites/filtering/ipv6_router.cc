// Fragments that are forwarded with a filter switched on.
#include "conform/suites/filtering/filtering.h"
#include "conform/suites/ipv6_router/router.h"

namespace moat::conform {
namespace {

CONFORM_SUITE("filtering");

constexpr CaseOptions kFilteringRouter{.needs = kRouter | kFiltering};

CONFORM(13, MUST, "RFC 8200 4; 4.5", "Fragments are forwarded each as it came.",
        kFilteringRouter) {
  SwitchFilterOn(b);
  BeRouter(b);
  // The first is smaller than a router would make it.
  for (const Frame& fragment : FragmentIpv6(Datagram(b, 2000), {400, 1000})) Passes(b, fragment);
}

CONFORM(14, MUST, "RFC 8200 4; 4.5",
        "A later fragment is forwarded although the first one has not come.", kFilteringRouter) {
  SwitchFilterOn(b);
  BeRouter(b);
  Passes(b, Through(b) / FragmentHeader(56, false).Set(fragment::kNextHeader, proto::kUdp) /
                Raw(20));
}

CONFORM(15, MUST, "RFC 6946 4; RFC 8200 4.5", "An atomic fragment is forwarded as it is.",
        kFilteringRouter) {
  SwitchFilterOn(b);
  BeRouter(b);
  Passes(b, Through(b) / FragmentHeader(0, false) / Udp(4000, 5000) / Raw(20));
}

}  // namespace
}  // namespace moat::conform
