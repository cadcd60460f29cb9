// The text of --help, made from the tables of verbs and flags.
#ifndef MOAT_RUNTIME_CLI_HELP_H_
#define MOAT_RUNTIME_CLI_HELP_H_

#include <string>

#include "absl/types/span.h"
#include "runtime/verb.h"

namespace moat::runtime {

std::string ProgramHelp(absl::Span<const Verb* const> verbs, absl::Span<const Flag> globals);
std::string VerbHelp(const Verb& verb);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_CLI_HELP_H_
