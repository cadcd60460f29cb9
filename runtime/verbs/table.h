// The list of all verbs.
#ifndef MOAT_RUNTIME_VERBS_TABLE_H_
#define MOAT_RUNTIME_VERBS_TABLE_H_

#include "absl/types/span.h"
#include "runtime/verb.h"

namespace moat::runtime {

absl::Span<const Verb* const> VerbTable();

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_VERBS_TABLE_H_
