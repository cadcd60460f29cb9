// A report as text for people, as JSON for programs, and as plots.
#ifndef MOAT_NETSTACK_SIM_REPORT_H_
#define MOAT_NETSTACK_SIM_REPORT_H_

#include <string>
#include <utility>
#include <vector>

#include "netstack/sim/simulation.h"

namespace moat::netstack::sim {

// Two tables: flows and links. Ends with a newline.
std::string ReportTable(const Scenario& scenario, const Report& report);

// One object: seed, seconds, events, digest, flows, links. Durations are seconds, rates bits per
// second, sizes bytes. Ends with a newline.
std::string ReportJson(const Scenario& scenario, const Report& report);

// {file name, SVG}: throughput.svg, window.svg and rtt.svg, each with a line per flow.
std::vector<std::pair<std::string, std::string>> ReportPlots(const Scenario& scenario,
                                                             const Report& report);

}  // namespace moat::netstack::sim

#endif  // MOAT_NETSTACK_SIM_REPORT_H_
