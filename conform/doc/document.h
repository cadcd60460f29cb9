// docs/conformance.md and the table of README.md, made from the registered cases and the recorded
// results.
#ifndef MOAT_CONFORM_DOC_DOCUMENT_H_
#define MOAT_CONFORM_DOC_DOCUMENT_H_

#include <string>

#include "conform/doc/results.h"

namespace moat::conform {

inline constexpr char kDocumentPath[] = "docs/conformance.md";
inline constexpr char kResultsPath[] = "docs/conformance-results.tsv";
inline constexpr char kReadmePath[] = "README.md";

// The stacks that have a column, with the name that results are recorded by.
struct Stack {
  const char* name;
  const char* title;
};
inline constexpr Stack kStacks[] = {
    {"inprocess", "netstack, in process"}, {"moat", "moat, on the wire"}, {"linux", "Linux"},
    {"runsc", "gVisor"}, {"lwip", "lwIP"},
};

std::string Document(const Results& results);
// The project's README with its table of suites and stacks as the results have it. Without the
// marks of the table it is returned as it is.
std::string WithTable(const std::string& readme, const Results& results);

}  // namespace moat::conform

#endif  // MOAT_CONFORM_DOC_DOCUMENT_H_
