// The requirements of the RFCs, conform/requirements/*.tsv, each with what proves it. A file holds
// the requirements of one or more RFCs; its lines are empty, begin with '#', or have columns parted
// by tabs:
//
//   RFC      826    Address Resolution Protocol          of which RFC the following lines are
//   3        Packet Reception  MUST  text, our own words  proof
//
// The first column is the requirement's number within its RFC (the RFC's own name for it, as
// MUST-3, where it has one), for ever; 826-3 is its id. The level is MUST, SHOULD or MAY, also for
// "must not". The proof is either what is to be read by itself:
//
//   waived: why netstack does not do it
//   not applicable: why it concerns no stack of this kind
//
// or names, parted by spaces: conformance cases (arp-001, or arp-001..004 for all of them), and
// unit tests (Rfc826.ReplyHasTheFieldsSwapped). A requirement that names a case which is waived is
// waived as well.
#ifndef MOAT_CONFORM_REQUIREMENTS_REQUIREMENTS_H_
#define MOAT_CONFORM_REQUIREMENTS_REQUIREMENTS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "conform/bench/case.h"

namespace moat::conform {

enum class Proof : uint8_t { kCase, kUnitTest, kWaived, kNotApplicable };
inline constexpr const char* kProofNames[] = {"case", "unit test", "waived", "not applicable"};

struct Requirement {
  std::string id;  // 9293-MUST-3
  std::string section;
  Level level = Level::MUST;
  std::string text;
  Proof proof = Proof::kCase;
  std::vector<std::string> cases;       // ids, ranges spelled out
  std::vector<std::string> unit_tests;  // Suite.Name
  std::string reason;                   // of waived and not applicable
  std::string named;                    // the proof as it was written, when it is names
  std::string source;                   // file:line
};

struct Rfc {
  int number = 0;
  std::string title;
  std::vector<Requirement> requirements;
};

struct Requirements {
  std::vector<Rfc> rfcs;            // by number
  std::vector<std::string> errors;  // file:line: what is wrong with it; such lines are left out

  // Adds the lines of one file. `file` is for messages.
  void Parse(const std::string& file, std::string_view text);
  // Adds all *.tsv of a directory.
  void ReadDirectory(const std::string& directory);
};

inline constexpr char kRequirementsDirectory[] = "conform/requirements";

}  // namespace moat::conform

#endif  // MOAT_CONFORM_REQUIREMENTS_REQUIREMENTS_H_
