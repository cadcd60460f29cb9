// From argv to a verb and its arguments. Flags may be written -name, --name, --name=value or
// --name value, and end at the first word that is not one, or at "--": what Go's flag package does,
// and so what callers of runc rely on.
#ifndef MOAT_RUNTIME_CLI_PARSE_H_
#define MOAT_RUNTIME_CLI_PARSE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "runtime/verb.h"

namespace moat::runtime {

struct CommandLine {
  Globals globals;
  bool help = false;     // --help before a verb, or of the verb
  bool version = false;
  const Verb* verb = nullptr;  // null: none was named
  Arguments arguments;
};

extern const absl::Span<const Flag> kGlobalFlags;

// `words` is argv without argv[0]. On an error *out tells how far it got, so that help can be shown
// for the verb and the error logged where --log says.
absl::Status ParseCommandLine(absl::Span<const char* const> words,
                              absl::Span<const Verb* const> verbs, CommandLine* out);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_CLI_PARSE_H_
