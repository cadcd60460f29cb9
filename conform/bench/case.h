// A case and the registry of all cases that are linked into the program.
//
//   CONFORM_SUITE("arp");
//
//   CONFORM(17, MUST, "RFC 826, Packet Reception",
//           "A request of an unknown hardware type is not answered.") {
//     b.Send(Eth(Mac::Broadcast(), b.peer.mac) / ...);
//     b.ExpectNothing(ArpReply());
//   }
//
// A fifth argument gives needs and set-up: {.needs = kUdp | kMtu, .setup = Setup::kBare}.
#ifndef MOAT_CONFORM_BENCH_CASE_H_
#define MOAT_CONFORM_BENCH_CASE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "conform/bench/device.h"

namespace moat::conform {

class Bench;

enum class Level : uint8_t { MUST, SHOULD, MAY };  // RFC 2119's words
const char* LevelName(Level level);

struct CaseOptions {
  uint32_t needs = kNothing;  // of Need
  Setup setup = Setup::kConfigured;
};

constexpr CaseOptions MakeCaseOptions(CaseOptions options = {}) { return options; }

struct Case {
  const char* suite;
  int number;
  Level level;
  const char* source;  // RFC and section
  const char* text;    // one sentence: what is required
  CaseOptions options;
  void (*run)(Bench&);
  std::string id() const;  // arp-017
};

// Suites in the order of the documentation, cases by number. A duplicate id ends the process.
std::vector<const Case*> AllCases();
std::vector<std::string> SuiteNames();
const Case* FindCase(std::string_view id);  // null when there is none
// Why moat does not pass this case, or empty. A waived case is run, and must fail.
std::string_view WaiverOf(const Case& c);

struct RegisterCase {
  explicit RegisterCase(const Case& c);
};
struct RegisterWaiver {
  RegisterWaiver(const char* suite, int number, const char* reason);
};

}  // namespace moat::conform

// Once at the top of each file of cases, inside namespace moat::conform and an anonymous namespace.
#define CONFORM_SUITE(name) [[maybe_unused]] constexpr const char* kConformSuite = name

#define CONFORM(number, level, source, text, ...)                                             \
  void ConformCase##number(::moat::conform::Bench& b);                                        \
  const ::moat::conform::RegisterCase kConformRegister##number(                               \
      {kConformSuite, number, ::moat::conform::Level::level, source, text,                    \
       ::moat::conform::MakeCaseOptions(__VA_ARGS__), ConformCase##number});                  \
  void ConformCase##number([[maybe_unused]] ::moat::conform::Bench& b)

// CONFORM_WAIVER(17, "why moat does not do this"), below the case.
#define CONFORM_WAIVER(number, reason)                                                        \
  const ::moat::conform::RegisterWaiver kConformWaiver##number(kConformSuite, number, reason)

#endif  // MOAT_CONFORM_BENCH_CASE_H_
