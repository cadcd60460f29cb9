// The options of links and flows as tables: a word, its unit and bounds, and where its value goes.
#ifndef MOAT_NETSTACK_SIM_OPTIONS_H_
#define MOAT_NETSTACK_SIM_OPTIONS_H_

#include "absl/status/status.h"
#include "netstack/sim/lines.h"
#include "netstack/sim/scenario.h"

namespace moat::netstack::sim {

// Takes the options of a link up to the end of the line. Those behind `forth` or `back` are for
// that direction only, others for both. With `event`, those that cannot change later are errors.
absl::Status ParseLinkOptions(Line& line, bool event, LinkSpec& link);

// Takes the options of a flow of its kind up to the end of the line.
absl::Status ParseFlowOptions(Line& line, FlowSpec& flow);

// Letters, digits, '_', '-' and '.', at most 31, not beginning with '.' or '-': names become file
// names.
absl::Status CheckName(const Line& line, std::string_view word);

}  // namespace moat::netstack::sim

#endif  // MOAT_NETSTACK_SIM_OPTIONS_H_
