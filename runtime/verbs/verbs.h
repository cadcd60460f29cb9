// Every verb of the command line, one constant each, defined in the file of its name. Private to
// the directory; the rest of the program sees table.h.
#ifndef MOAT_RUNTIME_VERBS_VERBS_H_
#define MOAT_RUNTIME_VERBS_VERBS_H_

#include "runtime/verb.h"

namespace moat::runtime {

extern const Verb kConformVerb;
extern const Verb kCreateVerb;
extern const Verb kDeleteVerb;
extern const Verb kDoInitVerbRow;  // in do.cc
extern const Verb kDoVerb;
extern const Verb kEventsVerb;
extern const Verb kExecVerb;
extern const Verb kFeaturesVerb;
extern const Verb kInstallVerb;
extern const Verb kKillVerb;
extern const Verb kListVerb;
extern const Verb kPauseVerb;
extern const Verb kPsVerb;
extern const Verb kResumeVerb;
extern const Verb kRunVerb;
extern const Verb kSimVerb;
extern const Verb kSpecVerb;
extern const Verb kStartVerb;
extern const Verb kStateVerb;
extern const Verb kUninstallVerb;
extern const Verb kUpdateVerb;

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_VERBS_VERBS_H_
