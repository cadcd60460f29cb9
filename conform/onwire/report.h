// The outcome of a run as text, JSON, and lines for conform/doc.
#ifndef MOAT_CONFORM_ONWIRE_REPORT_H_
#define MOAT_CONFORM_ONWIRE_REPORT_H_

#include <string>
#include <vector>

#include "conform/onwire/pool.h"

namespace moat::conform {

// Suites x stacks, passed/applicable, and why each failed; `verbose` adds the frames.
std::string TextReport(const std::vector<JobResult>& results, bool verbose);
std::string JsonReport(const std::vector<JobResult>& results);
std::string RecordLines(const std::vector<JobResult>& results);  // conform/doc/results.h
// True when every applicable case passed, or failed as its waiver says.
bool AllPassed(const std::vector<JobResult>& results);

}  // namespace moat::conform

#endif  // MOAT_CONFORM_ONWIRE_REPORT_H_
