#include "runtime/container/shared_network.h"

#include <sys/stat.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "runtime/state/container_dir.h"
#include "runtime/state/process_identity.h"

namespace moat::runtime {
namespace {

// Whether the process lives, in the network namespace with that inode.
bool IsIn(const ProcessIdentity& process, const struct stat& wanted) {
  struct stat found;
  return IsAlive(process) &&
         stat(absl::StrCat("/proc/", process.pid, "/ns/net").c_str(), &found) == 0 &&
         found.st_dev == wanted.st_dev && found.st_ino == wanted.st_ino;
}

absl::StatusOr<ContainerState> Load(const std::string& root, const std::string& id) {
  absl::StatusOr<ContainerDir> dir = ContainerDir::Open(root, id);
  if (!dir.ok()) return dir.status();
  return dir->Load();
}

// The network of a container whose programs are in the namespace.
absl::StatusOr<std::optional<SharedNetwork>> Inside(const std::string& root,
                                                    const ContainerState& member) {
  const std::string& sandbox = member.sandbox.empty() ? member.id : member.sandbox;
  absl::StatusOr<ContainerState> owner = Load(root, sandbox);
  if (owner.ok() && IsAlive(owner->sentry)) return SharedNetwork{sandbox, true};
  const bool ours = member.sentry.pid != 0 || !member.sandbox.empty();
  return absl::FailedPreconditionError(
      absl::StrCat("config.json: the network namespace is that of container ", member.id,
                   ours ? ", whose sentry is gone" : ", which does not run under moat"));
}

}  // namespace

std::string SandboxDir(const ContainerDir& dir, const ContainerState& state) {
  if (state.sandbox.empty()) return dir.path();
  return absl::StrCat(dir.path().substr(0, dir.path().rfind('/') + 1), state.sandbox);
}

absl::StatusOr<std::optional<SharedNetwork>> FindSharedNetwork(const std::string& root,
                                                               const std::string& own_id,
                                                               int namespace_fd) {
  struct stat wanted;
  if (fstat(namespace_fd, &wanted) != 0) {
    return absl::ErrnoToStatus(errno, "config.json: the network namespace");
  }
  for (const std::string& id : ListContainerIds(root)) {
    if (id == own_id) continue;
    absl::StatusOr<ContainerState> state = Load(root, id);
    if (!state.ok()) continue;
    if (IsIn(state->sentry, wanted)) return SharedNetwork{id, false};
    // Until its start a container's first process is in the configured namespace, as its sentry is.
    if (IsIn(state->init, wanted)) return Inside(root, *state);
  }
  return std::nullopt;
}

}  // namespace moat::runtime
