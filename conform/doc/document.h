// docs/conformance.md, made from the registered cases and the recorded results.
#ifndef MOAT_CONFORM_DOC_DOCUMENT_H_
#define MOAT_CONFORM_DOC_DOCUMENT_H_

#include <string>

#include "conform/doc/results.h"

namespace moat::conform {

inline constexpr char kDocumentPath[] = "docs/conformance.md";
inline constexpr char kResultsPath[] = "docs/conformance-results.tsv";

// The stacks that have a column, with the name that results are recorded by.
struct Stack {
  const char* name;
  const char* title;
};
inline constexpr Stack kStacks[] = {
    {"inprocess", "netstack, in process"}, {"moat", "moat, on the wire"}, {"linux", "Linux"},
    {"runsc", "runsc"}, {"lwip", "lwIP"},
};

std::string Document(const Results& results);

}  // namespace moat::conform

#endif  // MOAT_CONFORM_DOC_DOCUMENT_H_
