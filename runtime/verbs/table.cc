#include "runtime/verbs/table.h"

#include "runtime/verbs/verbs.h"

namespace moat::runtime {

absl::Span<const Verb* const> VerbTable() {
  static constexpr const Verb* kTable[] = {
      &kCreateVerb,
      &kDeleteVerb,
      &kExecVerb,
      &kKillVerb,
      &kRunVerb,
      &kStartVerb,
      &kStateVerb,
  };
  return kTable;
}

}  // namespace moat::runtime
