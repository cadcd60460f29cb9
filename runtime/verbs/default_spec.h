// The configuration that `moat spec` writes: a shell in a terminal, as runc's.
#ifndef MOAT_RUNTIME_VERBS_DEFAULT_SPEC_H_
#define MOAT_RUNTIME_VERBS_DEFAULT_SPEC_H_

#include <sys/types.h>

#include <nlohmann/json.hpp>

namespace moat::runtime {

nlohmann::ordered_json DefaultSpec();

// The same for a user without root: a user namespace in which `uid` and `gid` are root, and nothing
// that needs more.
nlohmann::ordered_json RootlessSpec(uid_t uid, gid_t gid);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_VERBS_DEFAULT_SPEC_H_
