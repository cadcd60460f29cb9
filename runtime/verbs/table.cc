#include "runtime/verbs/table.h"

#include "runtime/verbs/verbs.h"

namespace moat::runtime {

absl::Span<const Verb* const> VerbTable() {
  static constexpr const Verb* kTable[] = {
      &kConformVerb,
      &kCreateVerb,
      &kDeleteVerb,
      &kDoVerb,
      &kDoInitVerbRow,
      &kEventsVerb,
      &kExecVerb,
      &kFeaturesVerb,
      &kInstallVerb,
      &kKillVerb,
      &kListVerb,
      &kPauseVerb,
      &kPsVerb,
      &kResumeVerb,
      &kRunVerb,
      &kSimVerb,
      &kSpecVerb,
      &kStartVerb,
      &kStateVerb,
      &kUninstallVerb,
      &kUpdateVerb,
  };
  return kTable;
}

}  // namespace moat::runtime
