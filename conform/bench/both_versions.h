// A case that is run over IPv4, in suite "x", and over IPv6, in suite "x-v6", under the same
// number.
//
//   CONFORM_SUITE("udp");
//
//   CONFORM_BOTH(1, MUST, "RFC 768", "A datagram is delivered.", {.needs = kUdp}) {
//     b.Send(IpOf(v6, b.peer, b.device) / Udp(4000, 5000) / Raw(10));
//     ...
//   }
#ifndef MOAT_CONFORM_BENCH_BOTH_VERSIONS_H_
#define MOAT_CONFORM_BENCH_BOTH_VERSIONS_H_

#include "conform/bench/case.h"

namespace moat::conform {

struct RegisterBoth {
  // `c` is the case over IPv4.
  RegisterBoth(Case c, void (*run_v6)(Bench&));
};
struct RegisterBothWaivers {
  RegisterBothWaivers(const char* suite, int number, const char* reason);
};

}  // namespace moat::conform

#define CONFORM_BOTH(number, level, source, text, ...)                     \
  void ConformBoth##number(::moat::conform::Bench& b, bool v6);            \
  const ::moat::conform::RegisterBoth kConformBoth##number(                \
      {kConformSuite, number, ::moat::conform::Level::level, source, text, \
       ::moat::conform::MakeCaseOptions(__VA_ARGS__),                      \
       [](::moat::conform::Bench& b) { ConformBoth##number(b, false); }},  \
      [](::moat::conform::Bench& b) { ConformBoth##number(b, true); });    \
  void ConformBoth##number([[maybe_unused]] ::moat::conform::Bench& b, [[maybe_unused]] bool v6)

// Of both suites.
#define CONFORM_BOTH_WAIVER(number, reason)                                                    \
  const ::moat::conform::RegisterBothWaivers kConformBothWaiver##number(kConformSuite, number, \
                                                                        reason)

#endif  // MOAT_CONFORM_BENCH_BOTH_VERSIONS_H_
