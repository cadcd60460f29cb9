// The namespaces of linux.namespaces that have a path, opened and checked before anything is made.
#ifndef MOAT_RUNTIME_NAMESPACES_JOIN_H_
#define MOAT_RUNTIME_NAMESPACES_JOIN_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/owned_fd.h"
#include "runtime/config/linux.h"

namespace moat::runtime {

struct NamespaceToJoin {
  OwnedFd fd;
  int flag;  // CLONE_NEW*
};

// Errors name the entry: "config.json: linux.namespaces[1].path: ...".
absl::StatusOr<std::vector<NamespaceToJoin>> OpenNamespaces(const std::vector<Namespace>& list);

// CLONE_NEW* of the entries without a path.
int NewNamespaceFlags(const std::vector<Namespace>& list);

// Enters them all. Those that belong to the host's user namespace need the caller's present
// capabilities; those of the user namespace that is joined, too, may only open up after that one.
// So: all but the user namespace, then it, then once more what was refused.
absl::Status JoinNamespaces(const std::vector<NamespaceToJoin>& list);

}  // namespace moat::runtime

#endif  // MOAT_RUNTIME_NAMESPACES_JOIN_H_
