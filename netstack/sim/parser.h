// Scenario files: lines of words, '#' begins a comment. README.md has the grammar.
#ifndef MOAT_NETSTACK_SIM_PARSER_H_
#define MOAT_NETSTACK_SIM_PARSER_H_

#include <cstddef>
#include <string_view>

#include "absl/status/statusor.h"
#include "netstack/sim/scenario.h"

namespace moat::netstack::sim {

inline constexpr size_t kMaxScenarioBytes = 4 << 20;

// kInvalidArgument: `<file>:<line>: "<word>": <what is wrong>`. `file` is only named in messages.
absl::StatusOr<Scenario> ParseScenario(std::string_view file, std::string_view text);

}  // namespace moat::netstack::sim

#endif  // MOAT_NETSTACK_SIM_PARSER_H_
