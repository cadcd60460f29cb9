// Who the container's program runs as. setgroups(2), setresuid(2), setrlimit(2).
#ifndef MOAT_RUNTIME_PROCESS_USER_H_
#define MOAT_RUNTIME_PROCESS_USER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "runtime/config/process.h"

namespace moat::runtime {

// Groups, group, user. Keeps the permitted capabilities for ApplyCapabilitySets when `keep`.
absl::Status BecomeUser(const User& user, bool keep_capabilities);

// Lets the user open its own standard files again through /proc/self/fd (docker-library's
// "nginx > /dev/stdout"). Files that may not change hands are left as they are.
void GiveStandardFiles(uid_t uid);


// The home directory of `uid` in a text of passwd(5)'s form; empty when it has none.
std::string HomeOf(absl::string_view passwd, uid_t uid);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_PROCESS_USER_H_
